"""Comparing with a golden image, taught on drawn boards: what it says does not depend on how the
images came, and it says what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.errors import LingnanError
from inspection.job import Job
from inspection.layouts.deeppcb import read
from inspection.layouts.load import lesson
from inspection.methods.base import Finding, Lesson
from inspection.methods.golden import Golden, teach
from inspection.methods.topology import KINDS
from tests.inspection.boards import defective, golden, write

pytestmark = pytest.mark.inspection


def quiet(done: int, total: int, what: str) -> None:
    """No progress."""


def same(a: Finding, b: Finding) -> bool:
    return (a.score, a.threshold) == (b.score, b.threshold) and all(
        np.array_equal(getattr(a.detections, name), getattr(b.detections, name))
        for name in ("boxes_px", "scores", "labels", "names")
    )


@pytest.fixture
def method(taught: Job) -> Golden:
    made = taught.method()
    assert isinstance(made, Golden)
    return made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_a_single_defect_is_found_where_it_is_and_named(
    method: Golden, kind: str, seed: int
) -> None:
    image, (line,) = defective((kind,), np.random.default_rng(seed))
    finding = method.inspect(image, golden())
    assert finding.is_defective
    found = finding.found
    surest = int(found.scores.argmax())
    assert found.names[found.labels[surest]] == kind
    x0, y0, x1, y1 = map(int, line.split()[:4])
    middle = found.boxes_px[surest].reshape(2, 2).mean(0)
    assert np.abs(middle - [(x0 + x1) / 2, (y0 + y1) / 2]).max() < 6  # it was moved by up to 2


@pytest.mark.parametrize("seed", range(6))
def test_a_ragged_board_without_a_defect_passes(method: Golden, seed: int) -> None:
    image, _ = defective((), np.random.default_rng(100 + seed))
    assert (image != golden()).any()
    assert not method.inspect(image, golden()).is_defective


def test_a_board_like_its_golden_image_has_nothing_to_score(method: Golden) -> None:
    finding = method.inspect(golden(), golden())
    assert finding.score == -np.inf
    assert len(finding.detections) == 0
    assert not finding.is_defective


def test_grey_and_coloured_images_are_judged_alike(method: Golden) -> None:
    image, _ = defective(KINDS[:3], np.random.default_rng(1))
    plain = method.inspect(image, golden())
    for shown in (image, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)):
        for reference in (golden(), cv2.cvtColor(golden(), cv2.COLOR_GRAY2BGR)):
            assert same(method.inspect(shown, reference), plain)


def test_its_inputs_are_left_as_they_were(method: Golden) -> None:
    image, _ = defective(KINDS[3:], np.random.default_rng(2))
    before = image.copy(), golden()
    reference = golden()
    first = method.inspect(image, reference)
    assert np.array_equal(image, before[0]) and np.array_equal(reference, before[1])
    assert same(method.inspect(image, reference), first)


def test_a_missing_golden_image_is_named(method: Golden) -> None:
    with pytest.raises(ValueError, match="needs the golden image"):
        method.inspect(golden())


def test_a_golden_image_of_another_size_is_named(method: Golden) -> None:
    with pytest.raises(ValueError, match=r"golden image is \(200, 256\)"):
        method.inspect(golden(), golden()[:200])


def test_state_gives_the_method_back(method: Golden, taught: Job) -> None:
    again = Golden.from_state(method.to_state(), taught.settings)
    for seed in range(3):
        image, _ = defective(KINDS, np.random.default_rng(seed))
        assert same(again.inspect(image, golden()), method.inspect(image, golden()))


def test_boxes_stay_within_the_image(method: Golden) -> None:
    image = golden()
    image[:6, 40:52] = 0  # copper at the very edge
    image[-6:, 196:210] = 0
    found = method.inspect(image, golden()).detections
    assert len(found) == 2
    assert found.boxes_px.min() >= 0 and found.boxes_px.max() <= 256


def lessons(folder: Path, boards: int = 4) -> list[Lesson]:
    write(folder, boards=boards, images=2)
    return [lesson(sample) for sample in read(folder, "refuse").samples]


def test_teaching_twice_gives_the_same_method(tmp_path: Path) -> None:
    samples = lessons(tmp_path)
    one, two = teach(samples, quiet), teach(samples, quiet)
    for name, value in one.to_state().items():
        np.testing.assert_array_equal(value, two.to_state()[name])
    assert len(one.held_out.defects) == sum(len(s.box_kinds) for s in samples) == 24
    assert one.held_out.unit == "defect"


def test_no_part_helps_to_judge_itself(tmp_path: Path) -> None:
    """Wrong labels on one board change the held-out scores of the others' defects, not its own."""
    samples = lessons(tmp_path)
    honest = teach(samples, quiet).held_out.defects
    last = samples[-1].part
    wrong = [
        Lesson(
            s.image, s.is_good, s.part, s.kind, s.reference, None,
            s.boxes_px[:1] if s.part == last else s.boxes_px,
            s.box_kinds[:1] if s.part == last else s.box_kinds,
        )
        for s in samples
    ]  # fmt: skip
    other = teach(wrong, quiet).held_out.defects
    assert len(other) == len(honest) - 4
    assert not np.array_equal(other[:18], honest[:18])
    np.testing.assert_array_equal(other[[18, 19]], honest[[18, 21]])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: [s[0]], "at least two boards"),
        (lambda s: [Lesson(s[0].image, True, "a")], "golden image and boxes"),
        (
            lambda s: [
                Lesson(x.reference, True, x.part, "good", x.reference, None, x.boxes_px[:0])
                for x in s
            ],
            "no difference",
        ),
    ],
)
def test_too_little_to_learn_from_is_said(
    tmp_path: Path, change: Callable[[list[Lesson]], list[Lesson]], reason: str
) -> None:
    with pytest.raises(LingnanError, match=reason):
        teach(change(lessons(tmp_path)), quiet)
