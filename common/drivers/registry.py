"""Which drivers there are: one table, and the entry points of third parties.

A third party's package names its driver under the group `lingnan.drivers`: the entry's name is
"kind/type", its value "module:Class". The class takes its config as the only argument and has the
config's pydantic model as the attribute `Config`. The model has the fields `kind` and `type`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel, ValidationError

from common.drivers.base import ConfigError, Driver
from common.drivers.validation import explain

GROUP = "lingnan.drivers"

BUILT_IN: dict[str, str] = {
    "camera/sim": "common.drivers.camera.sim:SimCamera",
    "camera/replay": "common.drivers.camera.replay:ReplayCamera",
    "camera/opencv": "common.drivers.camera.opencv:OpenCvCamera",
    "camera/genicam": "common.drivers.camera.genicam:GenicamCamera",
    "profiler/sim": "common.drivers.profiler.sim:SimProfiler",
    "gnss/sim": "common.drivers.gnss.sim:SimGnss",
    "gnss/replay": "common.drivers.gnss.replay:ReplayGnss",
    "gnss/serial": "common.drivers.gnss.serial:SerialGnss",
    "imu/sim": "common.drivers.imu.sim:SimImu",
    "imu/replay": "common.drivers.imu.replay:ReplayImu",
    "imu/serial": "common.drivers.imu.serial:SerialImu",
    "radar/sim": "common.drivers.radar.sim:SimRadar",
    "radar/replay": "common.drivers.radar.replay:ReplayRadar",
    "radar/ti": "common.drivers.radar.ti:TiRadar",
    "radar_if/sim": "common.drivers.radar.sim:SimRadarIf",
    "plc/sim": "common.drivers.plc.sim:SimPlc",
    "plc/modbus": "common.drivers.plc.modbus:ModbusPlc",
    "plc/opcua": "common.drivers.plc.opcua:OpcUaPlc",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A plug-in that cannot be used: its key, where it should be, and why it is not."""

    key: str
    target: str
    error: str


def table() -> dict[str, str]:
    """ "kind/type" -> "module:Class" of all that is installed; nothing is imported."""
    plugged = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    return {**plugged, **BUILT_IN}  # a plug-in cannot take a built-in's place


def broken() -> tuple[Broken, ...]:
    """The plug-ins that fail to load or take a built-in's name; the others are not touched."""
    failures = []
    for entry in entry_points(group=GROUP):
        try:
            if entry.name in BUILT_IN:
                raise ConfigError(f"{entry.name} is built in")
            _load(entry.name, entry.value)
        except Exception as error:  # a plug-in may fail in any way and must kill nothing
            failures.append(Broken(entry.name, entry.value, f"{type(error).__name__}: {error}"))
    return tuple(failures)


def load(key: str) -> Any:
    """The driver class of "kind/type". ConfigError when there is none, or it does not load."""
    known = table()
    if key not in known:
        raise ConfigError(f"no driver {key!r}; there are: {', '.join(_like(key, known))}")
    try:
        return _load(key, known[key])
    except Exception as error:  # a plug-in's import may raise anything
        raise ConfigError(f"driver {key} ({known[key]}) does not load: {error!r}") from error


def _like(key: str, known: Mapping[str, str]) -> list[str]:
    """The drivers of the same kind; all where there is no such kind."""
    kind, slash, _ = key.partition("/")
    of_kind = [name for name in sorted(known) if name.startswith(kind + slash)]
    return of_kind or sorted(known)


def create(config: BaseModel | Mapping[str, Any]) -> Driver[Any]:
    """A driver, not opened. Plain values need `kind` and `type`. ConfigError says what is wrong."""
    values = config if isinstance(config, Mapping) else dict(config)
    key = f"{values.get('kind')}/{values.get('type')}"
    driver_class = load(key)
    model = _validated(config, driver_class, key) if isinstance(config, Mapping) else config
    driver: Driver[Any] = driver_class(model)
    return driver


def open_driver(config: BaseModel | Mapping[str, Any]) -> Driver[Any]:
    """A driver, opened: `with open_driver(config) as camera: ...` closes it."""
    driver = create(config)
    driver.open()
    return driver


def _validated(values: Mapping[str, Any], driver_class: Any, key: str) -> BaseModel:
    try:
        model: BaseModel = driver_class.Config.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(f"config of {key}: {explain(error)}") from error
    return model


def _load(key: str, target: str) -> Any:
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, Driver) and hasattr(found, "Config")):
        raise ConfigError(f"{target} is not a Driver class with a Config, as {key} needs")
    return found
