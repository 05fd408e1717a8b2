"""The rows of generated defects: on data whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.acceptance.experiment import Context
from inspection.acceptance import generated, twosample, worth
from inspection.acceptance.twosample import cross_validated
from inspection.acceptance.wares import some_made
from inspection.acceptance.worth import Seen, few_of, gain, score
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
    assert len(set(ids)) == len(ids) == 8
    assert all(name.startswith("S4-D2-R2/") for name in ids)
    assert all(set(ground.kinds) == set(worth.METHODS) for ground in worth.GROUNDS)
    assert set(twosample.COUNTERPARTS) == set(worth.METHODS)
