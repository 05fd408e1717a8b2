"""Events follow ratios of light, not its level."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.acceptance import events
from inspection.imaging.contrast import Aperture, cnr
from inspection.imaging.events import EventMode, FrameDifference, count_on_part

pytestmark = pytest.mark.inspection

STEP_PX, FRAMES = 3, 16


def patch(level: float) -> np.ndarray:
    return np.full((4, 5), level, np.float32)


@given(st.floats(1e-2, 1e4), st.floats(0.1, 10.0), st.floats(0.05, 0.5))
def test_count_is_the_change_of_the_logarithm(level: float, factor: float, step: float) -> None:
    mode = EventMode(step, common_mode=False)
    mode.step(patch(level), 0.0)
    events = mode.step(patch(level * factor), 1.0)
    assert np.abs(events - np.log(factor) / step).max() < 1.001


def test_slow_change_adds_up_to_events() -> None:
    mode = EventMode(0.1, common_mode=False)
    counted = sum(mode.step(patch(np.exp(0.03 * i)), float(i)) for i in range(101))
    assert (np.abs(counted - 30) <= 1).all()  # 3.0 in steps of 0.1


def test_light_that_changes_everywhere_fires_nothing() -> None:
    rng = np.random.default_rng(1)
    part = rng.uniform(0.5, 2.0, (30, 40)).astype(np.float32)
    for common_mode, fires in ((True, False), (False, True)):
        mode = EventMode(0.1, common_mode=common_mode)
        mode.step(part, 0.0)
        assert mode.step(part * 1e4, 1.0).any() == fires


def test_a_pixel_is_blind_after_its_event() -> None:
    mode = EventMode(0.1, refractory_s=2.5, common_mode=False)
    levels = [1.0, 2.0, 4.0, 8.0, 8.0, 16.0]
    fired = [int(mode.step(patch(level), float(i))[0, 0]) for i, level in enumerate(levels)]
    assert fired == [0, 1, 0, 0, 0, 1]  # what came while it was blind is lost


def belt(with_defect: bool, swing_db: float, seed: int) -> Iterator[tuple[float, np.ndarray]]:
    """A part under room light that swings by `swing_db` while the part passes."""
    rng = np.random.default_rng(seed)
    part = np.ones((64, 64 + STEP_PX * FRAMES))
    if with_defect:
        part[30:34, 40:44] *= 0.7
    for i in range(FRAMES):
        level = 10 ** (swing_db / 20 * (0.5 + 0.5 * np.sin(1.3 * i)))
        window = np.ones((64, 64 + STEP_PX * FRAMES))
        window[:, STEP_PX * i :] = part[:, : part.shape[1] - STEP_PX * i]
        electrons = rng.poisson(2000 * window)  # each frame well exposed
        yield 1e-3 * i, (electrons * level).astype(np.float32)


@pytest.mark.parametrize("swing_db", [0.0, 100.0])
def test_a_weak_defect_shows_whatever_the_light_does(swing_db: float) -> None:
    mode = EventMode(0.15, floor=1e-6)
    counted = count_on_part(belt(True, swing_db, 1), mode, STEP_PX)
    mask = np.zeros(counted.shape, bool)
    mask[30:34, 40:44] = True
    aperture = Aperture.around(mask)
    allowed = np.ones(counted.shape, bool)
    allowed[20:44, 30:54] = False
    allowed[:, : STEP_PX * 2] = False
    places = aperture.clean(allowed, 300, np.random.default_rng(0))
    assert cnr(counted[None], aperture, places) > 5


def test_nothing_fires_on_a_part_without_a_defect() -> None:
    counted = count_on_part(belt(False, 100.0, 2), EventMode(0.15, floor=1e-6), STEP_PX)
    assert counted.mean() < 0.01


def test_bad_settings_and_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        EventMode(0.0)
    mode = EventMode(0.1)
    mode.step(patch(1.0), 0.0)
    with pytest.raises(ValueError, match="after frames"):
        mode.step(np.ones((3, 3), np.float32), 1.0)
    with pytest.raises(ValueError, match="no frame"):
        count_on_part([], EventMode(0.1))


def test_a_plain_difference_is_that_of_neighbours() -> None:
    rng = np.random.default_rng(4)
    frames = rng.uniform(0, 9, (5, 6, 30)).astype(np.float32)
    told = count_on_part(enumerate(frames), FrameDifference())
    np.testing.assert_allclose(told, np.abs(np.diff(frames, axis=0)).mean(axis=0), rtol=1e-6)


def strip(depth: float) -> np.ndarray:
    """A part of electrons/us with a dark square where every frame of the row shows it."""
    part = np.full((64, events.SIDE_PX), 2.0, np.float32)
    part *= 1 + 0.02 * np.random.default_rng(7).standard_normal(part.shape, dtype=np.float32)
    part[30:34, 90:94] *= 1 - depth
    return part


def contrasts(depth: float, swing_db: float, seed: int) -> dict[str, float]:
    """CNR of the strip's square by mode."""
    mask = np.zeros((64, events.SIDE_PX), bool)
    mask[30:34, 90:94] = True
    aperture, allowed = Aperture.around(mask), np.ones(mask.shape, bool)
    allowed[:, : events.TRAVEL_PX], allowed[:, events.WIDTH_PX :] = False, False
    allowed[18:46, 78:106] = False
    places = aperture.clean(allowed, 200, np.random.default_rng(0))
    maps = events.passed(strip(depth), swing_db, np.random.default_rng(seed))
    return {mode: cnr(seen[None], aperture, places) for mode, seen in maps.items()}


def test_only_a_defect_stands_out_on_the_rows_strip() -> None:
    for mode, clean in contrasts(0.0, 0.0, 1).items():
        assert clean < 4, mode
    for mode, seen in contrasts(0.4, 0.0, 1).items():
        assert seen > 5, mode


def test_events_show_more_of_it_when_the_light_swings() -> None:
    told = [contrasts(0.4, 40.0, seed) for seed in range(6)]
    events_cnr, plain = (np.median([one[m] for one in told]) for m in (events.EVENTS, events.PLAIN))
    assert events_cnr > 5 and events_cnr > 1.5 * plain
