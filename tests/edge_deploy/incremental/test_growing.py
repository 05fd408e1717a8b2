"""The growing classifier: closed forms, growth where it pays, merging where it costs nothing."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.incremental.course import drawn, marks
from edge_deploy.incremental.growing import KEPT, Growing, Unit
from edge_deploy.incremental.softmax import Softmax

pytestmark = pytest.mark.edge


def cloud(centre: float, count: int, seed: int, spread: float = 3.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(centre + rng.normal(0, spread, (count, 24)), 0, 255).astype(np.uint8)


def learned(parts: list[tuple[int, np.ndarray]]) -> Growing:
    net, rng = Growing(24), np.random.default_rng(0)
    for label, samples in parts:
        net.learn(samples, np.full(len(samples), label), rng)
    return net


def test_a_second_appearance_grows_a_unit_only_where_it_is_needed() -> None:
    split = [(0, cloud(40, 16, 1)), (1, cloud(120, 16, 2)), (0, cloud(200, 16, 3))]
    net = learned(split)
    assert sorted(unit.owner for unit in net.units) == [0, 0, 1]
    asked = np.concatenate([cloud(c, 20, 9) for c in (40, 120, 200)])
    assert np.array_equal(net.answer(asked), np.repeat([0, 1, 0], 20))
    near = learned([(0, cloud(40, 16, 1)), (1, cloud(120, 16, 2)), (0, cloud(40, 16, 3))])
    assert sorted(unit.owner for unit in near.units) == [0, 1]


def test_a_useless_unit_is_merged_and_nothing_is_lost_by_it() -> None:
    net = learned([(0, cloud(40, 16, 1)), (1, cloud(160, 16, 2))])
    whole = net.units[0]
    half = Unit(0, whole.sums // 2, whole.count // 2, whole.squares // 2)
    rest = Unit(0, whole.sums - half.sums, whole.count - half.count, whole.squares - half.squares)
    net.units = [half, net.units[1], rest]
    more = cloud(160, 8, 5)
    net.learn(more, np.ones(8, np.int64), np.random.default_rng(1))
    assert sorted(unit.owner for unit in net.units) == [0, 1]
    (merged,) = (unit for unit in net.units if unit.owner == 0)
    assert np.array_equal(merged.sums, whole.sums) and merged.count == whole.count


def test_appearances_stay_apart_by_more_than_chance() -> None:
    """Fisher's ratio has mean 1 for halves of one cloud, whatever the number of samples."""
    for count in (4, 16, 64):
        kept = [
            len(learned([(0, cloud(90, count, 2 * at)), (1, cloud(200, 8, 999)),
                         (0, cloud(90, count, 2 * at + 1))]).units)
            for at in range(20)
        ]  # fmt: skip
        assert np.mean(kept) < 2.1, f"{count} samples of one cloud are one unit"
        apart = [(0, cloud(90, count, 1)), (1, cloud(100, 8, 2)), (0, cloud(110, count, 3))]
        assert len(learned(apart).units) == 3


def test_one_unit_a_class_is_the_head_and_the_order_of_samples_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    samples = rng.integers(0, 256, (12, 24), np.uint8)
    net = learned([(0, samples[:4]), (3, samples[4:8]), (7, samples[8:])])
    head, owners = net.head()
    asked = rng.integers(0, 256, (40, 24), np.uint8)
    told = [owners[head.answer(one).nearest] for one in asked]
    assert net.answer(asked).tolist() == told
    assert set(owners) == {0, 3, 7}


def test_memory_is_bounded_by_units_and_a_few_samples() -> None:
    net = learned([(0, cloud(40, 200, seed)) for seed in range(3)] + [(1, cloud(90, 40, 9))])
    assert len(net._kept[0]) == KEPT
    assert sum(unit.count for unit in net.units) == 3 * 150 + 30
    assert len(net.units) == 2


def test_what_is_no_increment_is_refused() -> None:
    net = Growing(24)
    with pytest.raises(EdgeError, match="no class was learned"):
        net.answer(cloud(10, 2, 1))
    with pytest.raises(EdgeError, match=r"uint8 \(3, 24\)"):
        net.learn(cloud(10, 2, 1), np.zeros(3, np.int64), np.random.default_rng(0))


def test_softmax_learns_and_forgets() -> None:
    parts = [(label, cloud(40 + 60 * label, 30, label)) for label in range(3)]
    joint, tuned = Softmax(24, 3), Softmax(24, 3)
    samples = np.concatenate([own for _, own in parts])
    labels = np.repeat([0, 1, 2], 30)
    joint.train(samples, labels)
    assert (joint.answer(samples) == labels).mean() > 0.95
    for label, own in parts:
        tuned.train(own, np.full(30, label))
    assert (tuned.answer(parts[2][1]) == 2).all() and not (tuned.answer(parts[0][1]) == 0).any()


def test_marks_are_what_their_names_say() -> None:
    rng = np.random.default_rng(2)
    plain = [cloud(20 + 25 * at, 12, at) for at in range(8)]
    course = drawn(plain, plain, 2, 1, 5)
    assert len(course) == 5
    assert [len(set(one.labels)) for one in course] == [2, 4, 4, 4, 2]
    assert set(course[0].labels) < set(course[1].labels)
    for one in course:
        taken = {sample.tobytes() for sample in one.samples}
        assert not taken & {sample.tobytes() for sample in one.asked}
    net = Growing(24)
    known = marks(course, lambda one: net.learn(one.samples, one.labels, rng), net.answer)
    assert known.final == 1.0 and known.forgetting == 0.0
    last: dict[str, np.ndarray] = {}

    def remember(one: object) -> None:
        last["labels"] = one.labels  # type: ignore[attr-defined]

    blind = marks(course, remember, lambda asked: np.full(len(asked), last["labels"][0]))
    assert blind.final < 0.5 and blind.forgetting > 0
    assert np.isnan(known.shares[0, 1:]).all() and not np.isnan(known.shares[-1]).any()
