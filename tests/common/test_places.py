"""Where data and state lie, which directions there are, and errors that name their cure."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from common import directions, paths
from common.directions import Direction, find, installed
from common.errors import LingnanError, MissingExtraError

pytestmark = [pytest.mark.common, pytest.mark.base]


def test_data_lies_where_it_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINGNAN_DATA", str(tmp_path))
    assert paths.data_root() == tmp_path
    monkeypatch.setenv("LINGNAN_DATA", str(tmp_path / "none"))
    assert paths.data_root() is None  # and no other folder stands in for what was named


def test_without_a_word_data_lies_beside_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LINGNAN_DATA", raising=False)
    module = tmp_path / "checkout" / "common" / "paths.py"
    monkeypatch.setattr(paths, "__file__", str(module))
    assert paths.data_root() is None
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert paths.data_root() == tmp_path / "shared" / "data"


def test_state_follows_the_variable_then_xdg_then_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINGNAN_STATE", str(tmp_path / "told"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.state_dir() == tmp_path / "told"
    monkeypatch.delenv("LINGNAN_STATE")
    assert paths.state_dir() == tmp_path / "xdg" / "lingnan"
    monkeypatch.setenv("XDG_STATE_HOME", "")  # the same as unset
    assert paths.state_dir() == tmp_path / ".local" / "state" / "lingnan"
    assert not list(tmp_path.iterdir())  # asking makes nothing


def test_directions_come_from_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        importlib.metadata.EntryPoint(name, value, directions.GROUP)
        for name, value in (
            ("weld", "weld_check"),
            ("inspection", "inspection"),
            ("weld", "weld_check"),
        )
    ]
    monkeypatch.setattr(directions, "entry_points", lambda group: entries)
    assert installed() == (Direction("inspection", "inspection"), Direction("weld", "weld_check"))
    assert find("weld") == find("weld_check") == Direction("weld", "weld_check")
    assert find("none") is None


def test_rooms_are_looked_for_without_importing_them() -> None:
    inspection = find("inspection")
    assert inspection is not None
    assert inspection.has("ros_node") and not inspection.has("kitchen")
    assert inspection.load("config").__name__ == "inspection.config"
    with pytest.raises(ModuleNotFoundError, match="kitchen"):
        inspection.load("kitchen")


def test_a_missing_extra_names_its_cure() -> None:
    error = MissingExtraError("numba", "sim")
    assert isinstance(error, LingnanError)
    assert str(error).endswith("pip install 'lingnan[sim]'")
    assert (error.package, error.extra) == ("numba", "sim")
