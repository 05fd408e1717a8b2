"""A run writes down every image once, goes on where it stopped, and touches nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from common.lock import FolderError, alone
from inspection.config import InspectionConfig, Overlays
from inspection.job import Job
from inspection.methods import table
from inspection.methods.table import Entry
from inspection.run import RunError, Tally, run
from inspection.sources import SourceError

pytestmark = pytest.mark.inspection


def quiet(done: int, total: int, what: str) -> None:
    """No progress."""


@pytest.fixture(autouse=True)
def known_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """The known method in the table."""
    entry = Entry("tests.inspection.known:Known", "tests.inspection.known:Known")
    monkeypatch.setitem(table.METHODS, "known", entry)


class Line:
    """A folder of parts, a job and a folder for results."""

    def __init__(self, root: Path) -> None:
        self.parts, self.out, self.job = root / "parts", root / "out", root / "part.job"
        self.parts.mkdir()
        Job("known", {}, {"value": 100.0}).save(self.job)

    def add(self, name: str, level: int) -> Path:
        image = np.zeros((40, 60), np.uint8)
        image[10:14, 20:30] = level
        path = self.parts / name
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        return path

    def run(
        self,
        source: Path | None = None,
        limit: int | None = None,
        overlays: Overlays = "defects",
        **options: Any,
    ) -> Tally:
        config = InspectionConfig(job=self.job, overlays=overlays, **options)
        return run(str(source or self.parts), config, self.out, quiet, limit)

    @property
    def lines(self) -> list[dict[str, Any]]:
        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is not JSON")

        text = (self.out / "results.jsonl").read_bytes().decode()
        return [json.loads(line, parse_constant=refuse) for line in text.split("\n") if line]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """Four parts, the second and the fourth defective."""
    made = Line(tmp_path)
    for name, level in (("a.png", 60), ("b.png", 200), ("c.png", 0), ("d.png", 100)):
        made.add(name, level)
    return made


def test_every_image_has_its_line(line: Line) -> None:
    tally = line.run(um_per_px=10.0)
    assert (tally.n_images, tally.n_defective, tally.n_refused, tally.n_resumed) == (4, 2, 0, 0)
    assert [Path(one["image"]).name for one in line.lines] == ["a.png", "b.png", "c.png", "d.png"]
    assert [one["defective"] for one in line.lines] == [False, True, False, True]
    assert [one["score"] for one in line.lines] == [60, 200, 0, 100]
    assert line.lines[1]["regions"] == [
        {"kind": "defect", "score": 200.0, "box_px": [20, 10, 30, 14], "size_um": 100.0}
    ]


@pytest.mark.parametrize(("overlays", "count"), [("none", 0), ("defects", 2), ("all", 4)])
def test_pictures_as_wished(line: Line, overlays: Overlays, count: int) -> None:
    line.run(overlays=overlays)
    told = [one["overlay"] for one in line.lines if "overlay" in one]
    assert len(told) == count
    written = sorted(p.relative_to(line.out).as_posix() for p in line.out.glob("overlays/*"))
    assert written == sorted(told)
    for name in told:
        assert cv2.imread(str(line.out / name)).shape == (40, 60, 3)


def test_it_goes_on_after_any_cut(line: Line) -> None:
    """However many bytes of the results reached the disk, the run ends with each image once."""
    line.run()
    whole = (line.out / "results.jsonl").read_bytes()
    names = [one["image"] for one in line.lines]
    for kept in (*range(0, len(whole), 37), len(whole) - 1, len(whole)):
        (line.out / "results.jsonl").write_bytes(whole[:kept])
        tally = line.run()
        assert tally.n_resumed == whole[:kept].count(b"\n")
        assert tally.n_images + tally.n_resumed == 4
        assert [one["image"] for one in line.lines] == names


def test_new_parts_are_judged_and_old_ones_are_not_again(line: Line) -> None:
    line.run()
    before = line.lines
    line.add("aa.png", 130)
    tally = line.run()
    assert (tally.n_images, tally.n_resumed, tally.n_defective) == (1, 4, 1)
    assert line.lines[:4] == before


def test_limit(line: Line) -> None:
    assert line.run(limit=0).n_images == 0
    assert line.run(limit=1).n_images == 1
    assert line.run(limit=3).n_images == 2
    assert len(line.lines) == 3


def test_refused_images_are_written_down_and_the_run_goes_on(line: Line) -> None:
    (line.parts / "bb.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    tally = line.run()
    assert (tally.n_images, tally.n_refused) == (4, 1)
    assert "bb.png" in tally.refused[0]
    assert next(one for one in line.lines if "refused" in one)["image"].endswith("bb.png")
    again = line.run()
    assert (again.n_resumed, again.n_refused, again.refused) == (5, 0, tally.refused)


def test_a_refused_image_that_was_mended_is_judged_and_its_refusal_is_gone(line: Line) -> None:
    broken = line.parts / "bb.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    line.run()
    cv2.imwrite(str(broken), np.full((24, 32), 200, np.uint8))
    again = line.run()
    assert (again.n_images, again.n_defective, again.n_resumed) == (1, 1, 4)
    assert (again.n_refused, again.refused) == (0, [])
    assert len(line.lines) == 5 and not any("refused" in one for one in line.lines)
    broken.write_bytes(b"\x89PNG\r\n\x1a\nbroken anew")  # what is judged stays judged
    assert line.run().n_resumed == 5


def test_another_reason_takes_the_place_of_the_first(line: Line) -> None:
    broken = line.parts / "bb.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    first = line.run().refused
    broken.write_bytes(b"")
    second = line.run()
    assert second.n_refused == 1 and len(second.refused) == 1
    assert second.refused != first
    assert [one["refused"] for one in line.lines if "refused" in one] != []
    assert len(line.lines) == 5


def test_the_command_tells_by_its_exit_code_that_images_were_refused(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    from common.cli.main import run as command

    tokens = ["inspection", "run", str(line.parts), "--job", str(line.job), "--out"]
    assert command([*tokens, str(line.out)]) == 0
    (line.parts / "bb.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    for _ in range(2):  # a run that goes on forgets none
        assert command([*tokens, str(line.out / "again")]) == 1
        assert "bb.png" in capsys.readouterr().out


def test_results_of_another_job_or_source_are_not_mixed(line: Line, tmp_path: Path) -> None:
    line.run()
    before = (line.out / "results.jsonl").read_bytes()
    with pytest.raises(RunError, match="another job or source"):
        line.run(source=line.parts / "a.png")
    Job("known", {}, {"value": 101.0}).save(line.job)
    with pytest.raises(RunError, match="another job or source"):
        line.run()
    (line.out / "run.json").write_text("{")
    with pytest.raises(RunError, match="another job or source"):
        line.run()
    (line.out / "run.json").unlink()
    with pytest.raises(RunError, match="another job or source"):
        line.run()
    assert (line.out / "results.jsonl").read_bytes() == before


def test_results_without_micrometres_are_not_gone_on_with_in_micrometres(line: Line) -> None:
    line.run(limit=2)
    with pytest.raises(RunError, match="scale"):
        line.run(um_per_px=10.0)
    assert line.run().n_resumed == 2


def test_a_source_that_is_not_there_leaves_the_folder_free(line: Line, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        line.run(source=tmp_path / "prats")
    assert not line.out.exists()
    assert line.run().n_images == 4


def test_two_runs_at_once_do_not_write_into_one_folder(line: Line) -> None:
    with alone(line.out), pytest.raises(FolderError, match="another call"):
        line.run()
    assert line.run().n_images == 4


@pytest.mark.parametrize("damage", [b"[]\n", b"{}\n", b"not JSON\n", b"\xff\xfe\n"])
def test_damaged_results_are_named_and_kept(line: Line, damage: bytes) -> None:
    line.run(limit=2)
    results = line.out / "results.jsonl"
    results.write_bytes(damage + results.read_bytes())
    before = results.read_bytes()
    with pytest.raises(RunError, match=r"results\.jsonl is damaged"):
        line.run()
    assert results.read_bytes() == before


HOSTILE = (
    "..png",
    "...png",
    "-rf.png",
    "a b;$(touch x)`&|.png",
    "..\\..\\up.png",
    "%2e%2e%2fup.png",
    "line\nbreak.png",
    "铜箔-针孔.png",
    "𠀋" * 62 + ".png",  # 248 bytes of letters
    "a" * 250 + ".png",
    os.fsdecode(b"not-utf8-\xff\xfe.png"),
)


def test_no_name_leads_out_of_the_folder_or_stops_the_run(line: Line, tmp_path: Path) -> None:
    names = ["a.png", "b.png", "c.png", "d.png"]
    for name in HOSTILE:
        line.add(name, 200)
        names.append(name)
    (tmp_path / "overlays").mkdir()
    before = {p for p in tmp_path.rglob("*") if line.out not in p.parents}
    tally = line.run(overlays="all")
    assert (tally.n_images, tally.n_refused) == (4 + len(HOSTILE), 0)
    assert {p for p in tmp_path.rglob("*") if line.out not in p.parents} == before | {line.out}
    written = {p.name for p in (line.out / "overlays").iterdir()}
    assert written == {Path(one["overlay"]).name for one in line.lines}
    assert len(written) == tally.n_images
    assert all(name[:6].isdigit() and name.isprintable() for name in written)
    assert {Path(one["image"]).name for one in line.lines} == set(names)
    assert line.run().n_resumed == len(names)


def test_an_image_not_of_the_part_is_refused_with_the_reason(
    boards_job: Path, tmp_path: Path
) -> None:
    parts = tmp_path / "boards"
    parts.mkdir()
    blank = np.full((90, 90), 255, np.uint8)
    for stem, image, golden in (
        ("1", blank, blank),
        ("2", blank, None),
        ("3", blank, blank[:80]),
        ("4", blank[:9, :9], blank[:9, :9]),
    ):
        cv2.imwrite(str(parts / f"{stem}_test.png"), image)
        if golden is not None:
            cv2.imwrite(str(parts / f"{stem}_temp.png"), golden)
    out = tmp_path / "out"
    tally = run(str(parts), InspectionConfig(job=boards_job), out, quiet)
    assert (tally.n_images, tally.n_refused) == (1, 3)
    first, *refused = [json.loads(one) for one in (out / "results.jsonl").read_text().splitlines()]
    assert first["score"] is None and not first["defective"]  # nothing differs: nothing has a score
    reasons = [one["refused"] for one in refused]
    assert "needs the golden image" in reasons[0]
    assert "(80, 90)" in reasons[1]
    assert "too small" in reasons[2]


def test_a_video_is_inspected_frame_by_frame(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "line.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for level in (0, 200, 0):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    assert line.run(source=path).n_defective == 1
    assert [one["defective"] for one in line.lines] == [False, True, False]
    assert line.run(source=path).n_resumed == 3


def test_a_camera_that_is_started_again_shows_new_parts(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    size = {"height_px": 24, "width_px": 32}
    path.write_text(json.dumps({"type": "sim", **size, "parameters": size, "rate_hz": 200.0}))
    assert line.run(source=path, limit=3).n_images == 3
    assert line.run(source=path, limit=3).n_images == 3
    assert len({one["image"] for one in line.lines}) == 6
