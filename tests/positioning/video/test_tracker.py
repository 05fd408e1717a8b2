"""The image tracker on boxes whose identities are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types.detections import Detections
from positioning.video.detector import NAMES
from positioning.video.identity import compare
from positioning.video.motion import EDGE, Motion
from positioning.video.precision import Truth
from positioning.video.tracker import (
    FrameOrderError,
    ImageTracker,
    Tracked,
    TrackerSettings,
    matched,
)

pytestmark = pytest.mark.positioning
FRAME_S = 1 / 30


def found(*rows: tuple[float, float, float, float, float], label: int = 0) -> Detections:
    """Boxes by middle x, middle y, width, height and score."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    middle, size = table[:, :2], table[:, 2:4]
    boxes = np.concatenate([middle - size / 2, middle + size / 2], axis=1)
    return Detections(boxes, table[:, 4], np.full(len(table), label, np.int64), NAMES)


def at(tracked: Tracked, x: float) -> int:
    """The number of the track nearest to x."""
    middle = tracked.boxes_px[:, [0, 2]].mean(1)
    return int(tracked.number[np.abs(middle - x).argmin()])


def test_the_filter_is_the_textbook_kalman_filter() -> None:
    boxes = found((100, 50, 40, 80, 1.0)).boxes_px
    motion = Motion.begin(boxes).after(0.5)
    later = found((120, 52, 42, 80, 1.0)).boxes_px
    updated = motion.measured(np.array([0]), later)
    mean, spread = motion.mean[0, 0], motion.covariance[0, 0]
    noise = (EDGE * 80) ** 2
    h = np.array([[1.0, 0.0]])
    gain = spread @ h.T / (h @ spread @ h.T + noise)
    np.testing.assert_allclose(updated.mean[0, 0], mean + gain[:, 0] * (120 - mean[0]))
    np.testing.assert_allclose(updated.covariance[0, 0], (np.eye(2) - gain @ h) @ spread)


@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0))
@settings(max_examples=30, deadline=None)
def test_two_predictions_are_one(first: float, second: float) -> None:
    motion = Motion.begin(found((10, 20, 30, 40, 1.0)).boxes_px)
    once, twice = motion.after(first + second), motion.after(first).after(second)
    np.testing.assert_allclose(once.covariance, twice.covariance, rtol=1e-9)
    np.testing.assert_allclose(once.mean, twice.mean)


def test_a_steady_box_is_met_ahead() -> None:
    motion = Motion.begin(found((0, 0, 30, 60, 1.0)).boxes_px)
    for step in range(1, 40):
        box = found((6.0 * step, 0, 30, 60, 1.0)).boxes_px
        motion = motion.after(FRAME_S).measured(np.array([0]), box)
    ahead = motion.after(10 * FRAME_S).boxes_px[0, [0, 2]].mean()
    assert abs(ahead - 6.0 * 49) < 3.0


def test_two_that_cross_keep_their_numbers() -> None:
    tracker, numbers = ImageTracker(), []
    for step in range(60):
        here, there = 100 + 8.0 * step, 580 - 8.0 * step
        seen = tracker.step(
            step * FRAME_S, found((here, 200, 40, 80, 0.9), (there, 215, 44, 88, 0.8))
        )
        if step in (5, 59):
            numbers.append((at(seen, here), at(seen, there)))
    assert numbers[0] == numbers[1]
    assert numbers[0][0] != numbers[0][1]


def test_one_that_was_hidden_is_found_again() -> None:
    tracker, told = ImageTracker(), []
    for step in range(50):
        is_hidden = 20 <= step < 40
        boxes = () if is_hidden else ((100 + 3.0 * step, 200, 40, 80, 0.9),)
        told.append(tracker.step(step * FRAME_S, found(*boxes)))
    assert not len(told[30])
    assert told[49].number.tolist() == told[10].number.tolist() == [1]


def test_one_that_is_hidden_for_long_is_given_up() -> None:
    tracker = ImageTracker(TrackerSettings(waits_s=0.2))
    box = found((100, 200, 40, 80, 0.9))
    for step in range(5):
        tracker.step(step * FRAME_S, box)
    tracker.step(1.0, found())
    assert not len(tracker.step(1.1, box)), "seen once since"
    assert tracker.step(1.2, box).number.tolist() == [2]


def test_weak_boxes_carry_a_track_and_start_none() -> None:
    tracker = ImageTracker()
    for step in range(30):
        score = 0.9 if step < 5 else 0.2
        seen = tracker.step(
            step * FRAME_S, found((100 + step, 200, 40, 80, score), (500, 200, 40, 80, 0.3))
        )
    assert seen.number.tolist() == [1]
    assert seen.detection.tolist() == [0]


@pytest.mark.parametrize("every", [1, 3])
def test_what_is_sure_for_a_moment_is_not_told_for_long(every: int) -> None:
    tracker, wheel, body = ImageTracker(), [], []
    for step in range(0, 60, every):
        moment, hidden = (0.5 if step < 6 else 0.15), (0.9 if step < 30 else 0.3)
        seen = tracker.step(
            step * FRAME_S, found((100, 200, 20, 40, moment), (500, 200, 40, 80, hidden))
        )
        close = [np.abs(seen.boxes_px[:, [0, 2]].mean(1) - x) < 30 for x in (100, 500)]
        wheel.append(bool(close[0].any()))
        body.append(bool(close[1].any()))
    assert any(wheel[: 12 // every]) and not any(wheel[36 // every :])
    assert all(body[1:])


def test_belief_is_the_running_mean_of_the_scores() -> None:
    """Discrete steps against the solution of tau db/dt = score - b."""
    settings = TrackerSettings(tell=0.6, recent_s=0.8)
    tracker, last = ImageTracker(settings), 0.0
    for step in range(90):
        score = 0.95 if step < 10 else 0.2
        if len(tracker.step(step * FRAME_S, found((100, 200, 40, 80, score)))):
            last = step * FRAME_S
    falls_s = 0.8 * np.log((0.95 - 0.2) / (0.6 - 0.2))
    assert last == pytest.approx(9 * FRAME_S + falls_s, abs=FRAME_S)


def test_one_false_box_is_never_told() -> None:
    tracker = ImageTracker()
    assert not len(tracker.step(0.0, found((100, 100, 40, 80, 0.95))))
    assert not len(tracker.step(FRAME_S, found()))
    assert not len(tracker.step(2 * FRAME_S, found((100, 100, 40, 80, 0.95))))


@pytest.mark.parametrize("every", [2, 3, 5])
def test_dropped_frames_change_no_number(every: int) -> None:
    tracker = ImageTracker()
    for step in range(0, 60, every):
        seen = tracker.step(
            step * FRAME_S, found((100 + 2.0 * step, 200, 40, 80, 0.9), (300, 240, 30, 60, 0.9))
        )
    assert sorted(seen.number.tolist()) == [1, 2]


def test_the_label_is_by_votes() -> None:
    tracker = ImageTracker()
    for step in range(10):
        label = 1 if step == 6 else 2
        seen = tracker.step(step * FRAME_S, found((100, 100, 40, 80, 0.8), label=label))
        if step:
            assert seen.label.tolist() == [2]


def test_frames_out_of_order_are_refused() -> None:
    tracker = ImageTracker()
    tracker.step(1.0, found())
    for time_s in (1.0, 0.9, float("nan")):
        with pytest.raises(FrameOrderError, match="sort"):
            tracker.step(time_s, found())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_no_assignment_is_better(seed: int) -> None:
    from itertools import permutations

    overlap = np.random.default_rng(seed).uniform(0, 1, (3, 4))
    row, column = matched(overlap, 0.3)
    assert (overlap[row, column] >= 0.3).all()
    assert len(set(column.tolist())) == len(column)
    valued = np.where(overlap >= 0.3, overlap, 0)
    best = max(valued[range(3), list(order)].sum() for order in permutations(range(4), 3))
    assert valued[row, column].sum() == pytest.approx(best)


def test_a_crowd_at_random_keeps_most_identities() -> None:
    rng = np.random.default_rng(3)
    place, speed = rng.uniform(100, 1800, (12, 2)), rng.uniform(-90, 90, (12, 2))
    tracker, frames = ImageTracker(), []
    for step in range(60):
        middle = place + speed * step * FRAME_S
        rows = np.column_stack(
            [middle + rng.normal(0, 1.5, (12, 2)), np.full(12, 40), np.full(12, 80)]
        )
        hit = rng.uniform(size=12) < 0.85
        scores = rng.uniform(0.15, 0.95, 12)
        seen = tracker.step(step * FRAME_S, found(*np.column_stack([rows, scores])[hit].tolist()))
        half = np.array([20.0, 40.0])
        boxes = np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
        truth = Truth(np.arange(12), np.zeros(12, np.int64), boxes, np.ones(12, np.bool_))
        frames.append((seen, truth))
    counted = compare(frames[10:])
    assert counted.switched <= 2
    assert counted.idf1 > 0.85
