"""The registry: what is there, what is refused, and plug-ins that are broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.drivers import registry
from common.drivers.base import ConfigError, Driver
from common.drivers.camera.config import SimCameraConfig, parse
from common.drivers.camera.sim import SimCamera

pytestmark = pytest.mark.common

PLUGIN = """
from typing import Literal
from pydantic import BaseModel
from common.drivers.camera.sim import SimCamera
from common.drivers.camera.config import SimCameraConfig

class ThermalConfig(BaseModel):
    kind: Literal["camera"] = "camera"
    type: Literal["thermal"] = "thermal"
    kelvin: float

class Thermal(SimCamera):
    Config = ThermalConfig
    def __init__(self, config):
        self.kelvin = config.kelvin
        super().__init__(SimCameraConfig())

not_a_driver = 3
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A third party's installed distribution: one good driver and four broken ones."""
    (tmp_path / "thermal_plugin.py").write_text(PLUGIN)
    (tmp_path / "exploding_plugin.py").write_text("raise RuntimeError('no licence dongle')")
    info = tmp_path / "thermal_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thermal-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[lingnan.drivers]\n"
        "camera/thermal = thermal_plugin:Thermal\n"
        "camera/exploding = exploding_plugin:Driver\n"
        "camera/missing = missing_plugin:Driver\n"
        "camera/number = thermal_plugin:not_a_driver\n"
        "camera/sim = thermal_plugin:Thermal\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("thermal_plugin", "exploding_plugin"):
        sys.modules.pop(name, None)


def test_a_plug_in_is_a_driver_like_any_other(plugins: Path) -> None:
    camera: Any = registry.create({"kind": "camera", "type": "thermal", "kelvin": 300})
    assert camera.kelvin == 300.0
    with pytest.raises(ConfigError, match="kelvin"):
        registry.create({"kind": "camera", "type": "thermal"})


def test_broken_plug_ins_are_told_with_their_errors_and_kill_nothing(plugins: Path) -> None:
    told = {item.key: item for item in registry.broken()}
    assert set(told) == {"camera/exploding", "camera/missing", "camera/number", "camera/sim"}
    assert "no licence dongle" in told["camera/exploding"].error
    assert "missing_plugin" in told["camera/missing"].error
    assert told["camera/number"].target == "thermal_plugin:not_a_driver"
    assert "built in" in told["camera/sim"].error
    assert type(registry.create(SimCameraConfig())) is SimCamera


@pytest.mark.parametrize("key", ["camera/exploding", "camera/missing", "camera/number"])
def test_using_a_broken_plug_in_is_a_clear_error(plugins: Path, key: str) -> None:
    kind, type_ = key.split("/")
    with pytest.raises(ConfigError, match=f"driver {key}"):
        registry.create({"kind": kind, "type": type_})


def test_every_built_in_is_what_its_key_says() -> None:
    for key, target in registry.BUILT_IN.items():
        driver_class = registry.load(key)
        assert issubclass(driver_class, Driver)
        kind, type_ = key.split("/")
        fields = driver_class.Config.model_fields  # type: ignore[attr-defined]
        assert (fields["kind"].default, fields["type"].default) == (kind, type_), target


@pytest.mark.parametrize("values", [{}, {"kind": "camera"}, {"kind": "camera", "type": "tin"}])
def test_an_unknown_driver_is_refused_with_the_known_ones(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="camera/sim"):
        registry.create(values)


def test_open_driver_opens() -> None:
    size = {"height_px": 8, "width_px": 8}
    with registry.open_driver(SimCameraConfig(**size, parameters=size)) as camera:
        assert camera.is_open
    assert not camera.is_open


def test_camera_configs_are_told_apart_by_type() -> None:
    assert type(parse({"type": "sim"})) is SimCameraConfig
    assert parse({"type": "opencv", "source": 0}).type == "opencv"
    with pytest.raises(ConfigError, match="type"):
        parse({"type": "tin"})


def test_listing_imports_no_driver() -> None:
    probe = (
        "import sys; from common.drivers import registry; import common.drivers.camera.config;"
        "registry.table(); print([m for m in ('cv2', 'scipy', 'mcap', 'common.drivers.stream')"
        " if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_an_unknown_type_is_told_those_of_its_kind() -> None:
    with pytest.raises(ConfigError) as told:
        registry.create({"kind": "camera", "type": "magic"})
    assert "camera/sim" in str(told.value) and "plc/" not in str(told.value)
    with pytest.raises(ConfigError, match=r"camera/sim.*plc/sim"):  # no such kind: all there are
        registry.create({"kind": "wand", "type": "magic"})
