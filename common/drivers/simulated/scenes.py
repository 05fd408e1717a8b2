"""Which scenes the config of a simulated device may name, and how they are made.

A config can come from a stranger, so "module:factory" is not free: the module is the `scenes` of a
kind of device, lies under the `sim` package of an installed direction, or the word is the name of
an entry point in the group `lingnan.scenes`; and the factory is defined in the module named.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from common import directions
from common.drivers.base import ConfigError

GROUP = "lingnan.scenes"
BUILT_IN = tuple(
    f"common.drivers.{kind}.scenes" for kind in ("camera", "profiler", "gnss", "imu", "radar")
)


def load(reference: str, parameters: Mapping[str, Any], method: str) -> Any:
    """The scene that a config names, which has the method that the device calls.

    ConfigError says what is not allowed, missing or wrong.
    """
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
        scene = factory(**parameters)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"scene {reference!r} with {sorted(parameters)}: {error}") from error
    if not callable(getattr(scene, method, None)):
        raise ConfigError(f"scene {reference!r} is of another kind of device: it has no {method}()")
    return scene


def _entry_point(name: str) -> str | None:
    """What stands behind a plug-in's name; module:factory is none, and needs no search."""
    if ":" in name:
        return None
    return next((entry.value for entry in entry_points(group=GROUP, name=name)), None)


def _refuse_stranger(module: str, factory: str, reference: str) -> None:
    rooms = tuple(f"{direction.package}.sim" for direction in directions.installed())
    allowed = module in BUILT_IN or any(
        module == room or module.startswith(f"{room}.") for room in rooms
    )
    if not allowed or not factory.isidentifier() or factory.startswith("_"):
        raise ConfigError(
            f"scene {reference!r} may not be loaded: name a public factory of "
            f"{', '.join((*BUILT_IN, *rooms))}, or an entry point of the group {GROUP}"
        )
