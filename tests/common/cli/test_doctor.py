"""What the doctor finds, on a sound installation and on broken ones."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from common.cli import checks

from ..conftest import Lingnan

pytestmark = [pytest.mark.common, pytest.mark.base]


def install(site: Path, name: str, files: dict[str, str], entry_points: str = "") -> None:
    """A distribution as an installer leaves it, files listed in RECORD."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    written = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/entry_points.txt": entry_points,
    }
    for path, text in written.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    (site / info / "RECORD").write_text("".join(f"{path},,\n" for path in written))


def test_a_sound_installation_is_found_sound(lingnan: Lingnan) -> None:
    done = lingnan("doctor", "--json")
    found = json.loads(done.stdout)
    told = {check["about"]: check for check in found["checks"]}
    assert told["numpy"]["told"] == metadata.version("numpy")
    assert told["common"]["told"] == "is lingnan's own"
    assert "CPUExecutionProvider" in told["ONNX Runtime"]["told"]
    assert told["data"]["told"].endswith("set")
    nodes = told["ROS nodes positioning"]["told"].split(", ")
    assert nodes == ["python -m positioning.ros_node", "python -m positioning.radar.ros_node"]
    assert found["sound"] == (done.returncode == 0)


def test_another_package_called_common_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "some-common", {"common/other.py": ""})
    monkeypatch.syspath_prepend(tmp_path)
    (fault,) = [check for check in checks.package() if check.state == "fault"]
    assert "some-common brings one too" in fault.told
    assert "pip uninstall some-common" in fault.told


def test_a_common_elsewhere_is_not_ours(tmp_path: Path) -> None:
    assert checks._not_ours(tmp_path / "common")


def test_a_plug_in_that_does_not_load_is_told_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = "[lingnan.drivers]\nradar/acme = acme_radar:Radar\n"
    install(tmp_path, "acme-radar", {"acme_radar.py": "import no_such_library\n"}, entry)
    monkeypatch.syspath_prepend(tmp_path)
    found = [check for check in checks.plugins() if check.about == "driver radar/acme"]
    assert [check.state for check in found] == ["note"]
    assert "no_such_library" in found[0].told


def test_nodes_are_found_without_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {
        f"some_where/{name}": "raise RuntimeError\n"
        for name in ("ros_node.py", "arm/ros_node.py", "arm/deep/ros_node.py", "arm/other.py")
    }
    entry = "[lingnan.directions]\nsome = some_where\n"
    install(tmp_path, "some-where", {"some_where/__init__.py": "", **broken}, entry)
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = [check for check in checks.ros() if check.about == "ROS nodes some"]
    assert found.told == "python -m some_where.ros_node, python -m some_where.arm.ros_node"


def test_missing_extras_come_with_their_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    version = checks._version
    monkeypatch.setattr(checks, "_version", lambda name: "" if name == "matplotlib" else version(name))  # fmt: skip  # noqa: E501
    told = {check.about: check for check in checks.extras()}
    assert told["[report]"].state == "note"
    assert told["[report]"].told == "lacks matplotlib: pip install 'lingnan[report]'"


def test_a_missing_base_package_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_version", lambda name: "" if name == "scipy" else "1")
    faults = [check for check in checks.base_install() if check.state == "fault"]
    assert [check.about for check in faults] == ["scipy"]


def test_absent_data_is_worth_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINGNAN_DATA", str(tmp_path / "nowhere"))
    found = {check.about: check for check in checks.data()}
    assert found["data"].state == "note"
    assert "LINGNAN_DATA" in found["data"].told


def test_a_state_folder_that_cannot_be_made_is_told_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {}
    (tmp_path / "file").write_bytes(b"")
    for place in ("new/folder", "file/below"):
        monkeypatch.setenv("LINGNAN_STATE", str(tmp_path / place))
        told[place] = next(check for check in checks.data() if check.about == "state")
    assert [check.state for check in told.values()] == ["ok", "note"]
    assert "LINGNAN_STATE" in told["file/below"].told
    assert not (tmp_path / "new").exists()  # looking makes nothing
