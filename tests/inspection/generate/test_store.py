"""The folder of samples: taught from at once, taken up again, never overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.cli.main import run
from common.lock import FolderError
from inspection.acceptance.made import surface
from inspection.generate.make import generate, pictures
from inspection.generate.procedural import Procedural
from inspection.generate.request import DefectRequest, RequestError
from inspection.generate.store import MANIFEST, StoreError, lines
from inspection.layouts.folder import read
from inspection.layouts.load import lesson
from inspection.teach import Wish, teach

pytestmark = pytest.mark.inspection

ORDER = DefectRequest(kind="crack", size_px=24, count=6, seed=4)


def silent(done: int, total: int, what: str) -> None:
    """No progress is shown."""


@pytest.fixture
def goods(tmp_path: Path) -> Path:
    """A folder of ten pictures of good parts."""
    folder = tmp_path / "good parts"
    folder.mkdir()
    for i in range(10):
        cv2.imwrite(str(folder / f"part {i}.png"), surface(np.random.default_rng(i)))
    return folder


def made(goods: Path, out: Path, order: DefectRequest = ORDER) -> tuple[int, int]:
    tally = generate(pictures(goods), order, Procedural(), out, silent)
    return tally.n_made, tally.n_there


def files(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_the_folder_is_a_layout_that_teaches(goods: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    for kind in ("crack", "pit"):
        order = ORDER.model_copy(update={"kind": kind, "count": 10})
        assert made(goods, out, order) == (10, 0)
    data = read(out, "refuse")
    lessons = [lesson(sample) for sample in data.samples]
    assert sorted({one.kind for one in lessons}) == ["crack", "good", "pit"]
    assert sum(one.is_good for one in lessons) == 10
    for one in lessons:
        assert one.mask is not None and one.mask.any() == (not one.is_good)
    job = teach(data, Wish(), silent)
    assert job.statistics["n_by_kind"] == {"crack": 10, "good": 10, "pit": 10}


def test_the_manifest_tells_how_each_was_made(goods: Path, tmp_path: Path) -> None:
    from hashlib import sha256

    out = tmp_path / "made"
    made(goods, out)
    told = lines(out)
    assert len(told) == 6
    for line in told:
        assert sha256((out / line["image"]).read_bytes()).hexdigest() == line["image_sha256"]
        assert sha256((goods / line["source"]).read_bytes()).hexdigest() == line["source_sha256"]
        request = DefectRequest.from_json(json.dumps(line["request"]))
        image = cv2.imread(str(goods / line["source"]), cv2.IMREAD_GRAYSCALE)
        again = Procedural().make(
            image, request, np.random.default_rng([request.seed, line["index"]])
        )
        np.testing.assert_array_equal(again.image, cv2.imread(str(out / line["image"]), 0))
        assert again.place.to_json()["x_px"] == line["x_px"]


def test_a_second_run_makes_nothing_and_more_are_added(goods: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    made(goods, out)
    before = files(out)
    assert made(goods, out) == (0, 6)
    assert files(out) == before
    assert made(goods, out, ORDER.model_copy(update={"count": 9})) == (3, 6)
    assert before.items() - {(MANIFEST, before[MANIFEST])} <= files(out).items()


@pytest.mark.parametrize("cut", [1, 40, 300])
def test_an_interrupted_run_goes_on_to_the_same_folder(
    goods: Path, tmp_path: Path, cut: int
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    made(goods, whole)
    made(goods, broken)
    text = (broken / MANIFEST).read_bytes()
    (broken / MANIFEST).write_bytes(text[:-cut])
    last = lines(whole)[-1]
    (broken / last["image"]).unlink()
    made(goods, broken)
    assert files(broken) == files(whole)


def test_nothing_is_overwritten(goods: Path, tmp_path: Path) -> None:
    out = tmp_path / "made"
    made(goods, out)
    first = lines(out)[0]
    (out / MANIFEST).write_text("")
    (out / first["image"]).write_bytes(b"somebody's own")
    with pytest.raises(StoreError, match="is not overwritten"):
        made(goods, out)
    assert (out / first["image"]).read_bytes() == b"somebody's own"


def test_a_folder_of_something_else_is_left_alone(goods: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="something else"):
        made(goods, goods)
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderError, match="no folder"):
        made(goods, tmp_path / "file")


@pytest.mark.parametrize("line", ["{}", "no json", '{"name": 1, "image": "a", "mask": "b"}x'])
def test_a_damaged_manifest_is_named(goods: Path, tmp_path: Path, line: str) -> None:
    out = tmp_path / "made"
    made(goods, out)
    with (out / MANIFEST).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(StoreError, match="line 7 is damaged"):
        made(goods, out)


def test_no_picture_no_sample(tmp_path: Path) -> None:
    for named in (tmp_path, tmp_path / "absent"):
        with pytest.raises(RequestError, match="picture"):
            pictures(named)


def test_a_picture_too_small_is_named(goods: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(goods / "tiny.png"), np.zeros((16, 16), np.uint8))
    with pytest.raises(RequestError, match=r"tiny\.png: a defect of 24 px does not fit"):
        made(goods, tmp_path / "made", ORDER.model_copy(update={"count": 11}))


def test_the_command(goods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made"
    order = ["inspection", "generate", str(goods), "--kind", "pit", "--size-px", "20"]
    assert run([*order, "--at", "60,70", "--count", "3", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n_made"], told["n_there"], told["method"]) == (3, 0, "procedural")
    assert [(line["x_px"], line["y_px"]) for line in lines(out)] == [(60.0, 70.0)] * 3
    assert run([*order, "--at", "60,70", "--count", "3", "--out", str(out)]) == 0
    assert "3 were there" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--at", "60"], "X,Y"),
        (["--at", "3,3"], "reaches out"),
        (["--severity", "7"], "severity"),
        (["--model", "x.onnx"], "--method learned"),
        (["--method", "learned", "--model", "absent.onnx"], "absent.onnx"),
    ],
)
def test_the_command_refuses_in_a_line(
    goods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], word: str
) -> None:
    order = ["inspection", "generate", str(goods), "--kind", "pit", "--size-px", "20"]
    assert run([*order, "--out", str(tmp_path / "made"), *more]) == 2
    error = capsys.readouterr().err
    assert word in error and "Traceback" not in error
