"""The rows of generated defects: on data whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.acceptance.experiment import Context
from inspection.acceptance import generated, grounds, twosample
from inspection.acceptance.grounds import WINDOW_PX, windows
from inspection.acceptance.twosample import cross_validated
from inspection.acceptance.wares import some_made
from inspection.acceptance.worth import Seen, few_of, gain, score
from inspection.acceptance.worth_boards import Ranking
from inspection.acceptance.worth_boards import Seen as SeenBoard
from inspection.generate.procedural import Procedural
from inspection.methods.base import Lesson
from inspection.methods.logistic import Logistic

pytestmark = pytest.mark.inspection

BLANK = np.zeros((64, 64), np.uint8)


def lesson(part: str, kind: str) -> Lesson:
    return Lesson(BLANK, kind == "good", part, kind)


def test_the_classifier_tells_what_differs_and_not_what_does_not() -> None:
    rng = np.random.default_rng(1)
    parts = np.array([f"part {i % 40}" for i in range(400)])
    same = [rng.normal(size=(400, 12)).astype(np.float32) for _ in range(2)]
    chance = cross_validated(*same, parts, seed=2).mean()
    assert abs(chance - 0.5) < 0.08
    told = cross_validated(same[0] + 1, same[1] - 1, parts, seed=2)
    assert told.mean() > 0.95
    assert set(np.unique(told)) <= {0.0, 0.5, 1.0}


def test_few_are_drawn_of_different_parts_first() -> None:
    lessons = [lesson("a", "pit"), lesson("a", "pit"), lesson("b", "pit"), lesson("c", "crack")]
    lessons += [lesson("d", "good"), lesson("e", "pit")]
    seen = [Seen(np.zeros((4, 2), np.float16), np.arange(one.kind != "good")) for one in lessons]
    for seed in range(20):
        chosen = few_of(lessons, seen, range(5), 2, np.random.default_rng(seed))
        assert sorted(lessons[i].part for i in chosen) == ["a", "b", "c"]
    everything = few_of(lessons, seen, range(6), 10, np.random.default_rng(0))
    assert sorted(everything) == [0, 1, 2, 3, 5]


def test_gain_is_the_mean_difference_over_draws() -> None:
    truth = np.array([True, True, False, False])
    real = np.array([[0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]])
    better = np.array([[3.0, 2.0, 1.0, 0.0], [3.0, 2.0, 1.0, 0.0]])
    assert gain({"real": real, "x": better}, "x", truth) == pytest.approx(0.5)
    assert gain({"real": real, "x": real}, "x", truth) == 0


def test_a_score_is_that_of_the_worst_cells() -> None:
    model = Logistic(np.zeros(1), np.ones(1), np.ones(1), 0.0)
    cells = np.zeros((1000, 1), np.float16)
    cells[:2] = 8
    assert score(model, cells) == 8


def test_ordered_samples_are_spread_over_pictures_and_kinds() -> None:
    goods = [np.full((80 + i, 90), 100, np.uint8) for i in range(3)]
    rng = np.random.default_rng(4)
    made = list(some_made(goods, Procedural(), ("pit", "chip"), 12, rng))
    assert [sample.place.kind for sample in made] == ["pit", "chip"] * 6
    assert {sample.image.shape[0] for sample in made} == {80, 81, 82}
    assert all(sample.mask.any() for sample in made)


def test_windows_are_good_off_the_boxes_and_left_out_where_a_box_barely_reaches() -> None:
    image = np.arange(200 * 200, dtype=np.uint32).astype(np.uint8).reshape(200, 200)
    boxes = np.array([[0, 0, 64, 64], [120, 0, 200, 70]], np.float32)
    one = Lesson(image, False, "p", "a", boxes_px=boxes, box_kinds=("a", "b"))
    cut = list(windows(one))
    w = WINDOW_PX
    # first row: inside the first box, 8 px of the second (left out), inside the second
    # second row: good, and two that the second box reaches into by 6 px; third row: all good
    assert [c.is_good for c in cut] == [False, False, True, True, True, True]
    np.testing.assert_array_equal(cut[1].image, image[:w, 2 * w : 3 * w])
    assert all(c.part == "p" and c.mask is not None for c in cut)


def test_average_precision_counts_a_defect_once_and_those_never_found() -> None:
    features = np.zeros((4, 1), np.float32)
    seen = [
        SeenBoard("a", features, np.array([0, 0, -1, 1]), ("open", "short", "spur")),
        SeenBoard("b", features[:1], np.array([-1]), ()),
    ]
    ranking = Ranking.of(seen, [np.array([9.0, 8.0, 7.0, 6.0]), np.array([5.0])])
    # found at ranks 1 and 3 (the second region of the first defect is passed), one never
    assert ranking.average_precision(np.array([0, 1])) == pytest.approx((1 + 2 / 3) / 3)
    assert ranking.average_precision(np.array([0, 0])) == pytest.approx((1 + 2 / 3) / 3)
    first = Ranking.of(seen, [np.array([9.0, 8.0, 7.0, 6.0]), np.array([10.0])])
    assert first.average_precision(np.array([0, 1])) == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert first.average_precision(np.array([0])) == pytest.approx((1 + 2 / 3) / 3)


def test_without_data_the_rows_say_so(tmp_path: Path) -> None:
    context = Context("quick", 1, None, tmp_path)
    for experiment in generated.EXPERIMENTS:
        if "asked" in experiment.name or "station" in experiment.name:
            continue
        found = experiment.run(context)
        assert set(found) == {row.id for row in experiment.indicators}
        assert all(m.value is None and "LINGNAN_DATA" in m.note for m in found.values())


def test_ids() -> None:
    ids = [row.id for experiment in generated.EXPERIMENTS for row in experiment.indicators]
    assert len(set(ids)) == len(ids) == 16
    assert all(name.startswith("S4-D2-R2/") for name in ids)
    assert all(set(ground.kinds) == set(grounds.METHODS) for ground in grounds.GROUNDS)
    assert all(set(ground.counterparts) == set(grounds.METHODS) for ground in twosample.GROUNDS)
