"""A simulated station's pictures: masks of the right size, the same parts on every station."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from common.cli.main import run
from common.drivers.registry import open_driver
from inspection.layouts.folder import read
from inspection.layouts.load import lesson, read_image
from inspection.migrate import geometry, target
from inspection.migrate.artefact import TARGET
from inspection.sim.pictures import Order, write

pytestmark = pytest.mark.inspection

WORDS = ("--rig", "D", "--good", "2", "--defective", "2")


def take(out: Path, *words: str) -> int:
    return run(["inspection", "station", str(out), "--material", "glass", "--seed", "31", *words])


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Station D: two good parts, and two with a defect of each kind."""
    out = tmp_path_factory.mktemp("stations") / "D"
    assert take(out, *WORDS) == 0
    return out


def test_it_is_a_layout_that_teaches(station: Path) -> None:
    data = read(station / "parts", "refuse")
    assert [one.kind for one in data.samples] == [
        *("good", "good", "point", "point", "scratch", "scratch", "stain", "stain")
    ]
    assert data.has_masks and {(one.width_px, one.height_px) for one in data.samples} == {
        (816, 816)
    }
    told = json.loads((station / "station.json").read_text())
    assert told["simulated"] is True and told["rig"] == "D"


def test_a_mask_covers_what_the_defect_is(station: Path) -> None:
    """A stain of 400 um under 14 um a pixel; its outline varies by a few tenths."""
    stain = next(s for s in read(station / "parts", "refuse").samples if s.kind == "stain")
    mask = lesson(stain).mask
    assert mask is not None
    diameter_um = 14.0 * np.sqrt(4 * mask.sum() / np.pi)
    assert diameter_um == pytest.approx(400, rel=0.2)


def test_its_target_tells_the_station(station: Path) -> None:
    shown = read_image(station / "target.png", "grey")
    found = geometry.fit(target.find(shown, TARGET), (816, 816), TARGET)
    assert found.um_per_px == pytest.approx(14.0, rel=1e-3)


def test_its_camera_shows_the_parts_that_were_taken(station: Path) -> None:
    config = json.loads((station / "camera.json").read_text())
    with open_driver(config) as camera:
        live = camera.read(timeout_s=60.0).value.pixels
    taken = read_image(station / "parts" / "point" / "0002.png", "grey")
    assert np.abs(live.astype(int) - taken).mean() < 3  # noise and flicker apart, the same part


def test_one_order_one_set_of_files(station: Path, tmp_path: Path) -> None:
    assert take(tmp_path / "again", "--rig", "D", "--good", "1", "--defective", "0") == 0
    for name in ("target.png", "parts/good/0000.png"):
        assert (tmp_path / "again" / name).read_bytes() == (station / name).read_bytes()


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_an_order_that_was_interrupted_goes_on(
    station: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within the lot of points, a file half written: what is whole stays, all else is the same."""
    out = tmp_path / "D"

    def interrupted(done: int, total: int, what: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(out, Order("glass", "D", 2, 2, 31), interrupted)
    half = out / "parts" / "point" / "0003.png.new"
    half.write_bytes(b"\x89PNG half of it")
    whole = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert len(whole) == 5  # the target, two good parts, a point and its mask
    capsys.readouterr()
    assert take(out, *WORDS) == 0
    assert "8 pictures" in (told := capsys.readouterr().out) and "3 of them were there" in told
    assert contents(out) == contents(station)
    assert {path: path.stat().st_mtime_ns for path in whole} == whole


def test_a_picture_without_its_mask_is_taken_anew(station: Path, tmp_path: Path) -> None:
    out = tmp_path / "D"
    shutil.copytree(station, out)
    (out / "parts" / "masks" / "stain" / "0007.png").unlink()
    assert write(out, Order("glass", "D", 2, 2, 31), lambda *_: None) == (1, 7)
    assert contents(out) == contents(station)


def test_a_whole_order_is_left_alone_and_another_one_refused(
    station: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(station)
    assert take(station, *WORDS) == 0
    assert "8 of them were there" in capsys.readouterr().out
    other = (("--rig", "D", "--good", "3"), "tells of good 2, not 3")
    for words, told in (((*WORDS, "--gain-db", "1"), "gain_db 0.0, not 1.0"), other):
        assert take(station, *words) == 2
        assert told in capsys.readouterr().err
    assert contents(station) == before
    for name, text in (("a", "[" * 9000), ("b", "3"), ("c", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "station.json").write_text(text)
        assert take(tmp_path / name) == 2
        assert "not empty" in capsys.readouterr().err


def test_what_cannot_be_is_refused(
    station: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(station, "--good", "1") == 2
    assert "not empty" in capsys.readouterr().err
    assert take(tmp_path / "a", "--rig", "Q") == 2
    assert "not one of A, B, C, D" in capsys.readouterr().err
