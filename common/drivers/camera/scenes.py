"""What a simulated camera looks at. Who may be named: `simulated.scenes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


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
