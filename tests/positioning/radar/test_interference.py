"""Another radar's ramps: found, bridged, and nothing else touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types.stamped import Stamped
from positioning.radar import interference, spectrum
from positioning.sim.radar.device import Interferer
from positioning.sim.radar.paths import point_targets
from positioning.sim.radar.samples import convert
from positioning.sim.radar.samples import interference as crossing
from tests.positioning.radar.made import QUIET, SMALL, found, frame

pytestmark = pytest.mark.positioning


def test_a_clean_frame_is_left_alone() -> None:
    signal = spectrum.samples(frame([(12.0, 8.0, 0.2, 100.0)]).value, SMALL)
    mask = interference.disturbed(signal)
    before = signal.copy()
    interference.mitigate(signal, mask)
    assert mask.mean() < interference.WORTH
    assert np.array_equal(signal, before)


def test_crossings_are_where_the_ramps_meet() -> None:
    """A ramp of slope S' crosses the pass band of 0 to fs in fs / |S - S'| seconds."""
    other = Interferer(slope_hz_per_s=5e12, interval_s=36e-6, offset_s=0.0, ramp_s=36e-6,
                       carrier_hz=77.05e9)  # fmt: skip
    wave = crossing(SMALL, QUIET, other, np.random.default_rng(0))
    length = (np.abs(wave[:, 0]) > 0.7 * np.abs(wave).max()).sum(axis=1)
    assert length.max() == pytest.approx(10e6 / 15e12 * 10e6, abs=2)


def test_a_weak_target_survives_a_crossing_radar() -> None:
    place = np.array([[25.0, 0.0, 0.0]])
    paths = point_targets(place, np.array([[3.0, 0, 0]]), np.array([0.16]), SMALL, QUIET)
    others = (Interferer(position_m=(10.0, 1.0, 0.0)),)
    cube = convert(SMALL, QUIET, paths, np.random.default_rng(2), others)
    sample = Stamped(0, 0, 0, "radar", cube)
    clean = found(frame([(25.0, 3.0, 0.0, 0.16)], seed=2))
    helped, unaided = found(sample), found(sample, mitigate_interference=False)
    assert helped.disturbed > 0.01
    near = np.abs(helped.range_m - 25.0) < 0.1
    assert near.any()
    assert clean.snr_db.max() - helped.snr_db[near].max() < 1.0
    weak = unaided.snr_db[np.abs(unaided.range_m - 25.0) < 0.1]
    assert clean.snr_db.max() - weak.max(initial=-np.inf) > 2.0


@settings(max_examples=20)
@given(st.floats(3, 60), st.integers(10, 90), st.integers(1, 24))
def test_a_gap_in_a_tone_is_bridged(tone: float, start: int, length: int) -> None:
    clean = np.exp(2j * np.pi * tone * np.arange(128) / 128).astype(np.complex64)[None]
    gap = np.zeros((1, 128), bool)
    gap[:, start : start + length] = True
    broken = np.where(gap, np.complex64(0), clean)
    error = np.abs(interference.fill(broken, gap) - clean)[gap]
    assert np.sqrt((error**2).mean()) < 0.75  # zeros would be 1
