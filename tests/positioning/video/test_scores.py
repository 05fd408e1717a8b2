"""Average precision and identities, against cases worked by hand and a brute force."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types.detections import Detections
from positioning.video.detector import NAMES, iou
from positioning.video.identity import compare
from positioning.video.precision import Truth, average_precision, judge, mean_ap
from positioning.video.tracker import Tracked

pytestmark = pytest.mark.positioning
HERE, THERE, AWAY = [0.0, 0, 10, 10], [20.0, 0, 30, 10], [50.0, 0, 60, 10]


def truth(boxes: list[list[float]], numbers: list[int] | None = None, ignored: int = 0) -> Truth:
    """Vehicles; the last `ignored` count neither way."""
    n = len(boxes)
    counts = np.arange(n) < n - ignored
    named = np.array(numbers if numbers is not None else range(n), np.int64)
    table = np.array(boxes, np.float32).reshape(-1, 4)
    return Truth(named, np.zeros(n, np.int64), table, counts)


def found(boxes: list[list[float]], scores: list[float]) -> Detections:
    table = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(table, np.array(scores, np.float32), np.zeros(len(table), np.int64), NAMES)


def tracked(boxes: list[list[float]], numbers: list[int]) -> Tracked:
    n = len(boxes)
    table = np.array(boxes, np.float32).reshape(-1, 4)
    return Tracked(np.array(numbers, np.int64), table, np.arange(n), np.zeros(n, np.int64))


def test_precision_of_a_case_by_hand() -> None:
    frames = [judge(found([HERE, AWAY, THERE], [0.9, 0.8, 0.7]), truth([HERE, THERE]))]
    # recall 1/2 at precision 1, recall 1 at precision 2/3
    assert average_precision(frames, 0) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert np.isnan(average_precision(frames, 1))
    assert mean_ap(frames) == average_precision(frames, 0)


def test_a_second_box_on_a_truth_is_false() -> None:
    frames = [judge(found([HERE, HERE, THERE], [0.9, 0.8, 0.7]), truth([HERE, THERE]))]
    assert average_precision(frames, 0) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_what_does_not_count_is_neither_missed_nor_false() -> None:
    plain = [judge(found([HERE], [0.5]), truth([HERE]))]
    with_more = [judge(found([THERE, HERE], [0.9, 0.5]), truth([HERE, THERE], ignored=1))]
    assert average_precision(with_more, 0) == average_precision(plain, 0) == 1.0


def test_identities_of_a_case_by_hand() -> None:
    shown = [
        (tracked([HERE, THERE], [1, 2]), truth([HERE, THERE])),
        (tracked([HERE, THERE], [1, 3]), truth([HERE, THERE])),  # switched
        (tracked([HERE, AWAY], [1, 3]), truth([HERE, THERE])),  # missed and false
    ]
    counts = compare(shown)
    assert (counts.missed, counts.false, counts.switched) == (1, 1, 1)
    assert counts.mota == pytest.approx(1 - 3 / 6)
    assert counts.same == 4
    assert counts.idf1 == pytest.approx(2 * 4 / 12)


def test_tracks_on_ignored_truths_do_not_count() -> None:
    counts = compare([(tracked([HERE, THERE], [1, 2]), truth([HERE, THERE], ignored=1))])
    assert (counts.wanted, counts.told, counts.mota, counts.idf1) == (1, 1, 1.0, 1.0)
    assert np.isnan(compare([]).mota)


def test_a_pair_stays_though_another_overlaps_more() -> None:
    nudged = [1.0, 0, 11, 10]
    shown = [
        (tracked([HERE], [1]), truth([HERE])),
        (tracked([nudged, HERE], [1, 2]), truth([HERE])),
    ]
    counts = compare(shown)
    assert (counts.switched, counts.false) == (0, 1)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_idf1_is_the_best_over_all_assignments(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spots = [HERE, THERE, AWAY]
    shown = []
    for _ in range(6):
        order = rng.permutation(3)
        shown.append((tracked([spots[i] for i in order], [7, 8, 9]), truth(spots)))
    counts = compare(shown)
    best = 0
    for names in permutations((7, 8, 9)):
        same = 0
        for seen, real in shown:
            overlap = iou(real.boxes_px, seen.boxes_px) >= 0.5
            same += sum(bool(overlap[i, seen.number.tolist().index(names[i])]) for i in range(3))
        best = max(best, same)
    assert counts.same == best


def made_at_random(rng: np.random.Generator) -> tuple[Detections, Truth]:
    """A frame with copies of truths, strays and wrong labels; a quarter need not be found."""
    m = int(rng.integers(0, 6))
    xy, size = rng.uniform(0, 500, (m, 2)), rng.uniform(20, 120, (m, 2))
    boxes = np.concatenate([xy, xy + size], axis=1).astype(np.float32)
    labels, ignored = rng.integers(0, 3, m), rng.uniform(size=m) < 0.25
    rows, scores, told = [], [], []
    for i in range(m):
        for _ in range(int(rng.integers(0, 3))):
            rows.append(boxes[i] + rng.normal(0, 9, 4))
            scores.append(rng.uniform())
            told.append(labels[i] if rng.uniform() < 0.9 else rng.integers(3))
    for _ in range(int(rng.integers(0, 3))):
        corner = rng.uniform(0, 500, 2)
        rows.append(np.concatenate([corner, corner + rng.uniform(20, 120, 2)]))
        scores.append(rng.uniform())
        told.append(rng.integers(3))
    table = np.array(rows, np.float32).reshape(-1, 4)
    table[:, 2:] = np.maximum(table[:, 2:], table[:, :2] + 1)
    seen = Detections(table, np.array(scores, np.float32), np.array(told, np.int64), NAMES)
    return seen, Truth(np.arange(m), labels.astype(np.int64), boxes, ~ignored)


@pytest.mark.parametrize(
    ("seed", "reference"), [(0, (0.2354, 0.3086, 0.3508)), (1, (0.2812, 0.2714, 0.2886))]
)
def test_precision_is_that_of_pycocotools(seed: int, reference: tuple[float, ...]) -> None:
    """COCOeval 2.0 with 20,001 recall levels; truths that do not count by areaRng."""
    rng = np.random.default_rng(seed)
    frames = [judge(*made_at_random(rng)) for _ in range(60)]
    assert [average_precision(frames, k) for k in range(3)] == pytest.approx(reference, abs=1e-4)


def followed_at_random(rng: np.random.Generator) -> list[tuple[Tracked, Truth]]:
    """Six bodies in 40 frames, with misses, false boxes and identities that change places."""
    n, shown = 6, []
    place, speed, ids = rng.uniform(0, 300, (n, 2)), rng.normal(0, 6, (n, 2)), np.arange(1, n + 1)
    for k in range(40):
        middle = place + k * speed
        true = np.concatenate([middle - 20, middle + 20], axis=1).astype(np.float32)
        if rng.uniform() < 0.1:
            i, j = rng.choice(n, 2, replace=False)
            ids[[i, j]] = ids[[j, i]]
        hit = rng.uniform(size=n) < 0.85
        boxes, numbers = (true + rng.normal(0, 3, true.shape))[hit], ids[hit]
        if rng.uniform() < 0.4:
            corner = rng.uniform(0, 300, 2)
            boxes = np.concatenate([boxes, [np.concatenate([corner, corner + 40])]])
            numbers = np.append(numbers, 100 + k)
        shown.append((tracked(boxes.tolist(), numbers.tolist()), truth(true.tolist())))
    return shown


@pytest.mark.parametrize(
    ("seed", "mota", "idf1", "counts"),
    [(0, 0.7417, 0.5877, (12, 37, 13)), (3, 0.7708, 0.5987, (8, 33, 14))],
)
def test_identities_are_those_of_py_motmetrics(
    seed: int, mota: float, idf1: float, counts: tuple[int, int, int]
) -> None:
    """py-motmetrics 1.4 at a distance 1 - IoU of at most 0.5."""
    found = compare(followed_at_random(np.random.default_rng(seed)))
    assert (found.mota, found.idf1) == pytest.approx((mota, idf1), abs=1e-4)
    assert (found.switched, found.missed, found.false) == counts
