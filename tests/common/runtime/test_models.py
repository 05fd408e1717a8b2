"""The list of shipped models is read from the installed directions' own folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.directions import Direction
from common.runtime import models
from common.runtime.errors import ManifestError

pytestmark = [pytest.mark.common, pytest.mark.base]


@pytest.fixture
def direction(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A direction `made_up_direction` whose weights/ is `weights_folder`."""
    package = weights_folder.parent / "made_up_direction"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('listing must not import me')")
    folder = weights_folder.rename(package / "weights")
    monkeypatch.syspath_prepend(package.parent)
    both = (Direction("made-up", "made_up_direction"), Direction("gone", "no_such_package"))
    monkeypatch.setattr(models, "installed", lambda: both)
    return folder


def test_models_are_listed_without_importing_the_direction(direction: Path) -> None:
    found = models.shipped()
    assert [(m.direction, m.name, m.folder) for m in found] == [
        ("made_up_direction", "one", direction),
        ("made_up_direction", "two", direction),
    ]
    assert models.verify() == (models.FolderVerdict("made_up_direction", direction, 2, ""),)


def test_a_tampered_folder_is_told_and_does_not_stop_the_rest(direction: Path) -> None:
    (direction / "two.onnx").write_bytes(b"other")
    (verdict,) = models.verify()
    assert verdict.models == 0
    assert "two.onnx: changed" in verdict.error


def test_weights_without_their_manifest_are_refused(direction: Path) -> None:
    (direction / "manifest.json").unlink()
    with pytest.raises(ManifestError, match=r"no manifest\.json"):
        models.shipped()


def test_what_the_installed_directions_ship_is_intact() -> None:
    assert [verdict.error for verdict in models.verify() if verdict.error] == []
