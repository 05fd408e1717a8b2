"""The anomaly model: taught on simulated surfaces, judged on defects it did not draw itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from common.acceptance.experiment import Context
from inspection.acceptance.anomaly import EXPERIMENTS
from inspection.acceptance.by_part import OverlapCurves, Verdicts, folds
from inspection.job import Job
from inspection.methods.anomaly import Anomaly, TeachingError, teach, worst
from inspection.methods.base import Lesson
from inspection.metrics.roc import auroc

pytestmark = pytest.mark.inspection
U8 = NDArray[np.uint8]


def surface(seed: int, shape: tuple[int, int] = (128, 160)) -> U8:
    """A brushed surface under uneven light."""
    rng = np.random.default_rng(seed)
    grain = cv2.blur(rng.normal(0, 30, shape), (1, 21)) + rng.normal(0, 3, shape)
    light = np.linspace(rng.uniform(90, 120), rng.uniform(120, 160), shape[1])
    return np.clip(light + grain, 0, 255).astype(np.uint8)


def with_pit(seed: int) -> tuple[U8, NDArray[np.bool_]]:
    """A dark disc of 7 pixels: a plain drawing, unlike the defects that teaching draws."""
    rng = np.random.default_rng(seed)
    image, mask = surface(seed + 1000), np.zeros((128, 160), np.uint8)
    centre = int(rng.integers(20, 140)), int(rng.integers(20, 108))
    cv2.circle(mask, centre, 3, 1, -1)
    image[mask > 0] = image[mask > 0] // 3
    return image, mask > 0


def silent(done: int, total: int, what: str) -> None:
    assert 0 <= done <= total


def good_lessons(count: int = 14) -> list[Lesson]:
    return [Lesson(surface(i), True, f"part{i // 2}") for i in range(count)]


def bad_lessons(count: int = 8) -> list[Lesson]:
    made = [with_pit(i) for i in range(count)]
    return [Lesson(im, False, f"bad{i}", "pit", mask=m) for i, (im, m) in enumerate(made)]


@pytest.fixture(scope="module")
def taught() -> Anomaly:
    return teach(good_lessons(), silent)


@pytest.mark.parametrize("with_defects", [False, True])
def test_unseen_pits_score_above_unseen_good_surfaces(taught: Anomaly, with_defects: bool) -> None:
    method = teach(good_lessons() + bad_lessons(), silent) if with_defects else taught
    good = [method.inspect(surface(i)).score for i in range(200, 225)]
    findings = [(method.inspect(image), mask) for image, mask in map(with_pit, range(300, 325))]
    scores = good + [finding.score for finding, _ in findings]
    assert auroc(np.arange(50) >= 25, scores) > 0.97
    on_defect = [
        cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8))[
            np.unravel_index(int(finding.score_map.argmax()), mask.shape)
        ]
        for finding, mask in findings
        if finding.score_map is not None
    ]
    assert np.mean(on_defect) > 0.8


def test_a_job_gives_the_method_back(taught: Anomaly, tmp_path: Path) -> None:
    Job("anomaly", taught.to_state(), {"value": 0.5}).save(tmp_path / "part.job")
    back = Job.load(tmp_path / "part.job").method()
    image, _ = with_pit(5)
    a, b = taught.inspect(image), back.inspect(image)
    assert a.score == b.score
    assert a.score_map is not None and b.score_map is not None
    np.testing.assert_array_equal(a.score_map, b.score_map)
    assert b.threshold == 0.5


def test_the_same_lessons_give_the_same_bytes(taught: Anomaly) -> None:
    again = teach(good_lessons(), silent)
    one, two = (Job("anomaly", m.to_state(), {"value": 0.0}) for m in (taught, again))
    assert one.to_bytes() == two.to_bytes()


def test_every_lesson_is_scored_by_a_model_that_had_not_seen_it() -> None:
    lessons = good_lessons() + bad_lessons()
    held_out = teach(lessons, silent).held_out
    assert (len(held_out.good), len(held_out.defects)) == (14, 8)
    assert held_out.defects.mean() > held_out.good.mean()


def test_a_state_that_lacks_something_is_refused(taught: Anomaly) -> None:
    state = dict(taught.to_state())
    for name in ("features", "weights_0", "bias_1", "centre"):
        with pytest.raises(ValueError, match=r"job|layers"):
            Anomaly.from_state({k: v for k, v in state.items() if k != name}, {})
    wide = {**state, "bias_0": np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match="fit"):
        Anomaly.from_state(wide, {})


def test_a_job_inspects_at_the_size_it_was_taught_at(taught: Anomaly) -> None:
    image = surface(3, (400, 300))
    state = dict(taught.to_state())
    assert taught.inspect(image).score == Anomaly.from_state(state, {}).inspect(image).score
    larger = Anomaly.from_state(state | {"pixels": np.array([1 << 16])}, {}).inspect(image)
    unsaid = Anomaly.from_state({k: v for k, v in state.items() if k != "pixels"}, {})
    assert larger.score == unsaid.inspect(image).score != taught.inspect(image).score
    for bad in (np.array([1 << 40]), np.array([0]), np.array([1e4]), np.array([4096, 4096])):
        with pytest.raises(ValueError, match="pixels"):
            Anomaly.from_state(state | {"pixels": bad}, {})


@pytest.mark.parametrize(
    ("lessons", "told"),
    [
        (good_lessons(4), "4 good samples"),
        ([Lesson(surface(i), True, "one") for i in range(10)], "1 parts"),
        (bad_lessons(8), "0 good samples"),
    ],
)
def test_too_little_to_learn_from_is_told(lessons: list[Lesson], told: str) -> None:
    with pytest.raises(TeachingError, match=told):
        teach(lessons, silent)


@pytest.mark.parametrize("shape", [(40, 30), (128, 160), (33, 700), (1500, 900)])
def test_any_size_and_colour_is_judged(taught: Anomaly, shape: tuple[int, int]) -> None:
    grey = surface(7, shape)
    finding = taught.inspect(grey)
    assert np.isfinite(finding.score)
    assert finding.score_map is not None and finding.score_map.shape == shape
    coloured = np.repeat(grey[..., None], 3, 2)
    assert taught.inspect(coloured).score == pytest.approx(finding.score, abs=1e-4)


def test_regions_agree_with_the_decision(taught: Anomaly) -> None:
    scores = [taught.inspect(with_pit(i)[0]).score for i in range(6)]
    judge = Anomaly.from_state(taught.to_state(), {"threshold": float(np.median(scores))})
    for i in range(6):
        image, mask = with_pit(i)
        finding = judge.inspect(image)
        assert finding.is_defective == (len(finding.found) > 0)
        for x0, y0, x1, y1 in finding.found.boxes_px:
            assert 0 <= x0 < x1 <= mask.shape[1] and 0 <= y0 < y1 <= mask.shape[0]


@given(st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=3000))
def test_the_worst_cells_lie_between_mean_and_maximum(values: list[float]) -> None:
    logits = np.array(values, np.float32)
    assert logits.mean() - 1e-4 <= worst(logits) <= logits.max() + 1e-4


@settings(max_examples=40)
@given(st.integers(3, 40), st.integers(2, 6), st.integers(0, 5))
def test_a_split_never_parts_a_part(parts: int, count: int, seed: int) -> None:
    image = np.zeros((4, 4), np.uint8)
    lessons = [Lesson(image, i % 3 > 0, f"p{i % parts}") for i in range(3 * parts)]
    fold_of = folds(lessons, count, seed)
    of_part = {one.part: set[int]() for one in lessons}
    for one, fold in zip(lessons, fold_of.tolist(), strict=True):
        of_part[one.part].add(fold)
    assert all(len(where) == 1 for where in of_part.values())
    assert set(fold_of.tolist()) == set(range(min(count, parts)))


def test_the_quick_curve_has_the_exact_area() -> None:
    rng = np.random.default_rng(4)
    lessons, maps = [], []
    for i in range(12):
        image, mask = with_pit(i)
        mask = mask | with_pit(i + 50)[1] if i % 4 else np.zeros_like(mask)
        lessons.append(Lesson(image, not mask.any(), f"p{i}", mask=mask))
        maps.append((rng.normal(0, 1, mask.shape) + mask * rng.uniform(0, 3)).astype(np.float32))
    verdicts = Verdicts(tuple(lessons), np.zeros(12), tuple(maps))
    for chosen in (np.arange(12), np.array([1, 1, 1, 4, 5]), rng.integers(0, 12, 12)):
        quick = OverlapCurves.of(verdicts).aupro(chosen)
        assert quick == pytest.approx(verdicts.aupro(chosen), abs=2e-3)


def test_rows_say_why_they_are_not_measured(tmp_path: Path) -> None:
    for experiment in EXPERIMENTS:
        rows = experiment.run(Context("quick", 1, None, tmp_path))
        assert set(rows) == {indicator.id for indicator in experiment.indicators}
        assert all(m.value is None and "absent" in m.note for m in rows.values())
