"""Epochs that are not fixed, told by their wide lanes: nearer, as sure as they say, and no fix."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.gnss.rtk.pipeline import solve
from positioning.gnss.rtk.tuning import Tuning
from positioning.gnss.solution import Quality
from tests.positioning.gnss.rtk.test_identities import ROVER_M, SKY, base, rover
from tests.positioning.gnss.rtk.world import BASE_M

pytestmark = [pytest.mark.positioning, pytest.mark.timeout(600)]  # compiles over a minute

NEVER_FIXED = Tuning(least_fixed=99)


def told(noise_m, wide_lanes, tuning=NEVER_FIXED):
    seen = rover(noise_m), base(noise_m)
    return solve(*seen, SKY, BASE_M, tuning=tuning, wide_lanes=wide_lanes)[0]


def test_wide_lanes_find_what_float_ambiguities_leave_open():
    by_float, by_wide = told(0.005, False), told(0.005, True)
    off, near = (np.linalg.norm(s.position_m - ROVER_M, axis=1) for s in (by_float, by_wide))
    assert np.all(by_wide.quality == Quality.FLOAT)
    assert np.median(near) < 0.05 < 0.3 < off[0]
    error = by_wide.position_m - ROVER_M
    inverse = np.linalg.inv(by_wide.covariance_m2)
    scaled = np.einsum("ei,eij,ej->e", error, inverse, error) / 3
    assert np.median(scaled) < 5.0


def test_a_fix_is_left_as_it_is():
    fixed, same = (told(0.003, wide, Tuning()) for wide in (False, True))
    assert np.all(fixed.quality == Quality.FIX)
    assert np.array_equal(fixed.position_m, same.position_m)


def test_without_two_bands_there_are_no_wide_lanes():
    from dataclasses import replace

    one = rover(0.003)
    signal = one.signal.copy()
    signal[:, 1:] = b""
    alone = replace(one, signal=signal)
    for keep in ("code_m", "phase_cycles"):
        values = getattr(one, keep).copy()
        values[:, 1:] = np.nan
        alone = replace(alone, **{keep: values})
    with_lanes, without = (
        solve(alone, base(0.003), SKY, BASE_M, tuning=NEVER_FIXED, wide_lanes=wide)[0]
        for wide in (True, False)
    )
    assert np.array_equal(with_lanes.position_m, without.position_m)
