"""Average precision and misses against closed cases and a slow implementation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types.detections import Detections
from inspection.metrics.detection import Judged, average_precision, iou, mean_ap, misses

pytestmark = pytest.mark.inspection

NAMES = ("open", "short")
Box = tuple[float, float, float, float]


def judged(found: list[tuple[Box, float, int]], true: list[tuple[Box, int]]) -> Judged:
    return Judged(
        Detections(
            np.array([box for box, _, _ in found], np.float32).reshape(-1, 4),
            np.array([score for _, score, _ in found], np.float32),
            np.array([label for _, _, label in found], np.int64),
            NAMES,
        ),
        np.array([box for box, _ in true], np.float32).reshape(-1, 4),
        tuple(NAMES[label] for _, label in true),
    )


A, B, FAR = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (50.0, 50.0, 60.0, 60.0)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    return (
        float(x),
        float(y),
        float(x + draw(st.integers(1, 6))),
        float(y + draw(st.integers(1, 6))),
    )


@st.composite
def cases(draw: st.DrawFn) -> list[Judged]:
    scores = iter(draw(st.permutations(range(12))))
    found = st.lists(st.tuples(boxes(), st.integers(0, 1)), max_size=4)
    true = st.lists(st.tuples(boxes(), st.integers(0, 1)), max_size=4)
    drawn = [(draw(found), draw(true)) for _ in range(3)]
    drawn[0][1].append((draw(boxes()), 0))
    return [judged([(b, next(scores), k) for b, k in f], t) for f, t in drawn]


def iou_by_cells(a: Box, b: Box) -> float:
    cells = [
        {(x, y) for x in range(int(x0), int(x1)) for y in range(int(y0), int(y1))}
        for x0, y0, x1, y1 in (a, b)
    ]
    return len(cells[0] & cells[1]) / len(cells[0] | cells[1])


def ap_by_definition(images: list[Judged], at_iou: float, kind: str) -> float:
    """Integral over recall of the best precision at that recall or beyond, box by box."""
    queue = sorted(
        (-float(s), n, i)
        for n, image in enumerate(images)
        for i, s in enumerate(image.found.scores)
        if NAMES[image.found.labels[i]] == kind
    )
    truth = [{j for j, k in enumerate(image.true_kinds) if k == kind} for image in images]
    n_true, hits, points = sum(len(t) for t in truth), 0, []
    for rank, (_, n, i) in enumerate(queue, start=1):
        box = tuple(images[n].found.boxes_px[i])
        overlaps = {j: iou_by_cells(box, tuple(images[n].true_boxes_px[j])) for j in truth[n]}
        best = min(overlaps, key=lambda j: (-overlaps[j], j), default=None)
        if best is not None and overlaps[best] >= at_iou:
            truth[n].remove(best)
            hits += 1
        points.append((hits, hits / rank))
    return (
        sum(
            max((p for h, p in points if h >= level), default=0.0) for level in range(1, n_true + 1)
        )
        / n_true
    )


@given(boxes(), boxes())
def test_iou_counts_shared_cells(a: Box, b: Box) -> None:
    found = iou(np.array([a], np.float32), np.array([b], np.float32))
    assert found[0, 0] == pytest.approx(iou_by_cells(a, b), abs=1e-12)


def test_iou_of_nothing() -> None:
    point = np.array([[1, 1, 1, 1]], np.float32)
    assert iou(point, point) == 0
    assert iou(point[:0], point).shape == (0, 1)


def test_closed_cases_of_average_precision() -> None:
    true = [(A, 0), (B, 0)]
    assert average_precision([judged([(A, 0.9, 0), (B, 0.8, 0)], true)], 0.5, "open") == 1
    assert average_precision([judged([(A, 0.9, 0)], true)], 0.5, "open") == 0.5
    assert average_precision([judged([], true)], 0.5, "open") == 0
    # wrong, right, right: precision 1/2 then 2/3, the envelope 2/3 at both recalls
    three = judged([(FAR, 0.9, 0), (A, 0.8, 0), (B, 0.7, 0)], true)
    assert average_precision([three], 0.5, "open") == pytest.approx(2 / 3)


def test_a_second_box_on_one_defect_is_wrong_for_precision_but_no_false_box() -> None:
    twice = judged([(A, 0.9, 0), (A, 0.8, 0), (B, 0.7, 0)], [(A, 0), (B, 0)])
    assert average_precision([twice], 0.5, "open") == pytest.approx((1 + 2 / 3) / 2)
    assert misses([twice]).false == 0


@given(cases(), st.sampled_from([0.2, 0.33, 0.5]))
@settings(deadline=None)
def test_average_precision_agrees_with_its_definition(images: list[Judged], level: float) -> None:
    expected = ap_by_definition(images, level, "open")
    assert average_precision(images, level, "open") == pytest.approx(expected, abs=1e-12)


def test_the_mean_is_over_kinds_that_have_true_boxes() -> None:
    one = judged([(A, 0.9, 0), (B, 0.9, 1)], [(A, 0)])
    assert mean_ap([one], 0.5) == 1  # the box of the other kind has no average precision
    swapped = judged([(A, 0.9, 1), (B, 0.8, 0)], [(A, 0), (B, 1)])
    assert mean_ap([swapped], 0.5) == 0
    assert mean_ap([swapped], 0.5, by_kind=False) == 1


def test_misses_and_false_boxes() -> None:
    half = (0.0, 0.0, 10.0, 5.0)  # IoU 0.5 with A
    third = (0.0, 0.0, 10.0, 3.2)  # IoU 0.32
    found = judged([(half, 0.9, 1), (FAR, 0.2, 0)], [(A, 0), (B, 0)])
    counts = misses([found, judged([], [])])
    assert (counts.missed, counts.n_true, counts.false, counts.n_found) == (1, 2, 1, 2)
    assert counts.false_per_image == 0.5
    assert misses([found], threshold=0.5).false == 0
    assert misses([found], by_kind=True).missed == 2
    assert misses([judged([(third, 0.9, 0)], [(A, 0)])]).missed == 1


@given(cases())
@settings(deadline=None)
def test_a_higher_threshold_never_misses_less_nor_raises_more(images: list[Judged]) -> None:
    counts = [misses(images, threshold=t) for t in range(0, 13, 3)]
    assert all(a.missed <= b.missed for a, b in itertools.pairwise(counts))
    assert all(a.false >= b.false for a, b in itertools.pairwise(counts))
    assert counts[-1].missed == counts[-1].n_true and counts[-1].false == 0


def test_what_is_undefined_is_refused() -> None:
    with pytest.raises(ValueError, match="no true box"):
        mean_ap([judged([(A, 0.9, 0)], [])], 0.5)
    with pytest.raises(ValueError, match="no true box of kind short"):
        average_precision([judged([], [(A, 0)])], 0.5, "short")
    with pytest.raises(ValueError, match="2 kinds"):
        Judged(Detections(), np.zeros((1, 4), np.float32), ("open", "short"))
