"""The growing classifier: closed forms, growth where it pays, merging where it costs nothing."""

from __future__ import annotations

import numpy as np
import pytest

from edge_deploy.errors import EdgeError
from edge_deploy.incremental.course import drawn, marks, replaced
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


def patient(centres: list[dict[int, float]], patience: int | None) -> list[Growing]:
    """After each increment, which brings a cloud around each class's centre."""
    net, rng, after = Growing(24, patience=patience), np.random.default_rng(0), []
    for turn, one in enumerate(centres):
        samples = np.concatenate([cloud(c, 16, 50 * turn + label) for label, c in one.items()])
        net.learn(samples, np.repeat(list(one), 16), rng)
        now = Growing(24, list(net.units))
        now._kept = {label: list(kept) for label, kept in net._kept.items()}
        after.append(now)
    return after


def test_what_is_no_longer_made_is_given_up_and_what_is_stays() -> None:
    """Class 0 moves from 40 to 200, class 2 is withdrawn, class 1 stays."""
    course = [{0: 40, 1: 120, 2: 160}, *[{0: 200, 1: 120}] * 3]
    told = patient(course, 2)
    owners = [sorted(unit.owner for unit in net.units) for net in told]
    assert owners == [[0, 1, 2], [0, 0, 1, 2], [0, 0, 1, 2], [0, 1]]
    asked = np.concatenate([cloud(c, 20, 9) for c in (200, 120)])
    assert np.array_equal(told[-1].answer(asked), np.repeat([0, 1], 20))
    assert set(told[-1]._kept) == {0, 1}
    assert all(abs(float(one.mean()) - 200) < 10 for one in told[-1]._kept[0])
    kept = patient(course, None)[-1]
    assert sorted(unit.owner for unit in kept.units) == [0, 0, 1, 2]


def test_what_comes_again_in_time_is_never_given_up_and_later_is_new() -> None:
    seldom = [{0: 40, 1: 120}, {1: 120}, {0: 40, 1: 120}, {1: 120}, {0: 40, 1: 120}]
    assert [len(net.units) for net in patient(seldom, 2)] == [2] * 5
    late = [{0: 40, 1: 120}, {1: 120}, {1: 120}, {1: 120}, {0: 200, 1: 120}]
    assert [len(net.units) for net in patient(late, 2)] == [2, 2, 2, 1, 2]
    with pytest.raises(EdgeError, match="patience of 0"):
        Growing(24, patience=0)


def test_a_course_of_replacements_asks_what_is_there() -> None:
    plain = [cloud(10 + 12 * at, 16, at) for at in range(6)]
    changed = [cloud(150 + 12 * at, 16, 90 + at) for at in range(6)]
    course = replaced(plain, changed, 2, 2, 5)
    there = [len(set(one.labels)) for one in course]
    assert there == [2, 4, 6, 6, 4] and all(set(one.labels) == set(one.wanted) for one in course)
    first = set(course[0].labels)
    assert first <= set(course[3].labels) and not first & set(course[4].labels)
    low = [one.samples[np.isin(one.labels, list(first))].mean() < 100 for one in course[:4]]
    assert low == [True, True, False, False]
    every = [sample.tobytes() for one in course for sample in one.samples]
    assert len(set(every)) == len(every), "nobody's drawing comes twice"
    assert not set(every) & {sample.tobytes() for one in course for sample in one.asked}


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
