"""What a simulated camera looks at, and which scenes a config may name.

A config can come from a stranger, so "module:factory" is not free: the module is this one, lies
under the `sim` package of an installed direction, or the word is the name of an entry point in the
group `lingnan.scenes`; and the factory is defined in the module it is named with.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common import directions
from common.drivers.base import ConfigError

GROUP = "lingnan.scenes"
OTHER_KINDS = tuple(
    f"common.drivers.{kind}.scenes" for kind in ("profiler", "gnss", "imu", "radar")
)


class Scene(Protocol):
    """Light that falls on the sensor, before the lens' blur and any noise."""

    def render(self, trigger: int, light: str, time_s: float) -> NDArray[np.float32]:
        """Irradiance, (H, W) float32 >= 0, in electrons per microsecond of exposure and pixel.

        trigger: number of the part or position, from 0; lights of one trigger see one part.
        light: name of the strobe that is on; "" for whatever burns always.
        time_s: start of exposure since the camera was connected, for what moves or flickers.
        Pure: the same arguments give the same array. It may be kept by the scene: the camera
        does not write into it.
        """
        ...


@dataclass(frozen=True)
class Gradient:
    """Brightness rises from `low` to `high` along the rows; a photon-transfer target."""

    height_px: int = 1024
    width_px: int = 1024
    low: float = 0.1
    high: float = 8.0

    def render(self, trigger: int, light: str, time_s: float) -> NDArray[np.float32]:
        row = np.linspace(self.low, self.high, self.width_px, dtype=np.float32)
        return np.broadcast_to(row, (self.height_px, self.width_px))


@dataclass(frozen=True)
class SlantedEdge:
    """A straight edge a few degrees off the vertical (ISO 12233), area-sampled across it."""

    height_px: int = 1024
    width_px: int = 1024
    low: float = 1.0
    high: float = 6.0
    angle_deg: float = 5.0

    def render(self, trigger: int, light: str, time_s: float) -> NDArray[np.float32]:
        y, x = np.mgrid[: self.height_px, : self.width_px].astype(np.float32)
        angle = np.deg2rad(self.angle_deg)
        right, down = x - self.width_px / 2, y - self.height_px / 2
        share = np.clip(right * np.cos(angle) + down * np.sin(angle) + 0.5, 0.0, 1.0)
        image: NDArray[np.float32] = (self.low + (self.high - self.low) * share).astype(np.float32)
        return image


@dataclass(frozen=True)
class Checker:
    """A checkerboard that moves `step_px` to the right with every trigger."""

    height_px: int = 1024
    width_px: int = 1024
    low: float = 1.0
    high: float = 6.0
    square_px: int = 32
    step_px: int = 3

    def render(self, trigger: int, light: str, time_s: float) -> NDArray[np.float32]:
        column = (np.arange(self.width_px) - trigger * self.step_px) // self.square_px
        row = np.arange(self.height_px) // self.square_px
        is_high = (column[None, :] + row[:, None]) % 2 == 0
        return np.where(is_high, np.float32(self.high), np.float32(self.low))


def gradient(**parameters: Any) -> Scene:
    """A `Gradient`."""
    return Gradient(**parameters)


def slanted_edge(**parameters: Any) -> Scene:
    """A `SlantedEdge`."""
    return SlantedEdge(**parameters)


def checker(**parameters: Any) -> Scene:
    """A `Checker`."""
    return Checker(**parameters)


def load(reference: str, parameters: Mapping[str, Any]) -> Scene:
    """The scene that a config names. ConfigError says what is not allowed, missing or wrong."""
    name = _entry_point(reference) or reference
    module_name, _, factory_name = name.partition(":")
    if name == reference:
        _refuse_stranger(module_name, factory_name, reference)
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"scene {reference!r}: {error}") from error
    if not callable(factory) or getattr(factory, "__module__", None) != module_name:
        raise ConfigError(f"scene {reference!r}: {factory_name} is not defined in {module_name}")
    try:
        scene: Scene = factory(**parameters)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"scene {reference!r} with {sorted(parameters)}: {error}") from error
    return scene


def _entry_point(name: str) -> str | None:
    """What stands behind a plug-in's name; module:factory is none, and needs no search."""
    if ":" in name:
        return None
    return next((entry.value for entry in entry_points(group=GROUP, name=name)), None)


def _refuse_stranger(module: str, factory: str, reference: str) -> None:
    rooms = tuple(f"{direction.package}.sim" for direction in directions.installed())
    allowed = module in (__name__, *OTHER_KINDS) or any(
        module == room or module.startswith(f"{room}.") for room in rooms
    )
    if not allowed or not factory.isidentifier() or factory.startswith("_"):
        raise ConfigError(
            f"scene {reference!r} may not be loaded: name a public factory of {__name__} or of "
            f"{', '.join(rooms) or 'a direction'}, or an entry point of the group {GROUP}"
        )
