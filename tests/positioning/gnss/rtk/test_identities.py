"""RTK on a noise-free and a noisy sky: what must hold whatever the numbers are."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from positioning.gnss import geodesy
from positioning.gnss.observations import join
from positioning.gnss.rtk.errors import RtkError
from positioning.gnss.rtk.pipeline import Rtk, solve
from positioning.gnss.rtk.tuning import Mode
from positioning.gnss.satellite import encode
from positioning.gnss.solution import Quality
from tests.positioning.gnss.rtk.world import BASE_M, Sky, observe

pytestmark = [pytest.mark.positioning, pytest.mark.timeout(600)]  # compiles over a minute

NAMES = ("G01", "G04", "G09", "G11", "G17", "G22", "E02", "E07", "E13", "E24", "E30")
ROVER_M = BASE_M + np.array([310.0, 420.0, -50.0])
SKY = Sky(NAMES)


@cache
def base(noise_m=0.0):
    return observe(SKY, BASE_M, clock_m=31.0, noise_m=noise_m, seed=1)


@cache
def rover(noise_m=0.0):
    return observe(SKY, ROVER_M, clock_m=-12_000.0, noise_m=noise_m, seed=2)


def fixed(result):
    solution, _ = result
    assert np.all(solution.quality == Quality.FIX)
    return solution.position_m


@pytest.mark.parametrize("mode", list(Mode))
def test_a_noise_free_rover_is_found_to_a_millimetre(mode):
    found = fixed(solve(rover(), base(), SKY, BASE_M, mode))
    assert np.linalg.norm(found - ROVER_M, axis=1).max() < 1e-3


def test_noise_of_3_mm_leaves_a_centimetre():
    found = fixed(solve(rover(0.003), base(0.003), SKY, BASE_M))
    assert np.linalg.norm(found - ROVER_M, axis=1).max() < 0.025


def test_the_told_covariance_is_the_error_s():
    solution, _ = solve(rover(0.003), base(0.003), SKY, BASE_M)
    error = solution.position_m - ROVER_M
    scaled = np.einsum("ei,eij,ej->e", error, np.linalg.inv(solution.covariance_m2), error) / 3
    assert 0.2 < scaled.mean() < 2.0


def test_a_zero_baseline_is_zero():
    found = fixed(solve(base(0.002), base(0.002), SKY, BASE_M))
    assert np.abs(found - BASE_M).max() < 1e-6


def test_swapping_base_and_rover_negates_the_baseline():
    there = fixed(solve(rover(0.002), base(0.002), SKY, BASE_M)) - BASE_M
    back = fixed(solve(base(0.002), rover(0.002), SKY, ROVER_M)) - ROVER_M
    assert np.abs(there + back).max() < 1e-3


def test_a_base_put_wrong_moves_the_rover_with_it():
    off = np.array([0.4, -0.7, 0.3])
    there = fixed(solve(rover(), base(), SKY, BASE_M))
    moved = fixed(solve(rover(), base(), SKY, BASE_M + off))
    assert np.abs(moved - there - off).max() < 1e-3


def test_names_of_satellites_do_not_matter():
    order = np.random.default_rng(0).permutation(6)
    names = np.array([encode(n) for n in NAMES], np.int16)
    renamed = names.copy()
    renamed[:6] = names[:6][order]  # GPS satellites under each other's names

    class Renamed:
        def states(self, satellite, week, tow_s):
            real = names[[int(np.flatnonzero(renamed == s)[0]) for s in satellite]]
            return SKY.states(real.astype(np.int16), week, tow_s)

    def rename(observed):
        rows = np.arange(len(observed.satellite)).reshape(len(observed), -1)
        rows = rows[:, np.argsort(renamed)].ravel()
        taken = {
            f: getattr(observed, f)[rows]
            for f in ("code_m", "phase_cycles", "signal", "frequency_hz", "cn0_dbhz")
        }
        return replace(observed, **taken)

    plain = fixed(solve(rover(0.002), base(0.002), SKY, BASE_M))
    other = fixed(solve(rename(rover(0.002)), rename(base(0.002)), Renamed(), BASE_M))
    assert np.abs(plain - other).max() < 1e-6


def test_steps_are_the_whole_file():
    whole, integrity = solve(rover(0.002), base(0.002), SKY, BASE_M)
    filtered = Rtk(SKY, BASE_M, baseline_km=0.53)
    for e, (now, then) in enumerate(zip(rover(0.002), base(0.002), strict=True)):
        epoch = filtered.step(now, then)
        assert np.abs(epoch.position_m - whole.position_m[e]).max() < 1e-6
        assert epoch.quality == whole.quality[e]
        assert epoch.numbers[2] == integrity.fixed[e]


def test_the_highest_satellite_sets_and_nothing_jumps():
    gone = ~(
        (rover().epoch_of_row >= 10) & np.isin(rover().satellite, [encode("G01"), encode("E02")])
    )
    found = fixed(solve(rover(0.001).where(gone), base(0.001), SKY, BASE_M))
    assert np.linalg.norm(found - ROVER_M, axis=1).max() < 0.01


@pytest.mark.parametrize("told", [True, False])
def test_a_cycle_slip_moves_nothing(told):
    observed = rover(0.001)
    phase, slip = observed.phase_cycles.copy(), observed.slip.copy()
    row = np.flatnonzero((observed.epoch_of_row == 8) & (observed.satellite == encode("G09")))[0]
    later = (observed.epoch_of_row >= 8) & (observed.satellite == encode("G09"))
    phase[later, 0] += 1.0
    slip[row, 0] = told
    solution, integrity = solve(
        replace(observed, phase_cycles=phase, slip=slip), base(0.001), SKY, BASE_M
    )
    assert np.all(solution.quality == Quality.FIX)
    assert np.linalg.norm(solution.position_m - ROVER_M, axis=1).max() < 0.01
    assert integrity.slips_found[8] == (0 if told else 1) and integrity.slips_found.sum() <= 1


def test_codes_that_lie_by_a_hundred_metres_are_refused():
    observed = rover(0.002)
    code = observed.code_m.copy()
    code[observed.satellite == encode("G11"), 0] += 100.0
    found = fixed(solve(replace(observed, code_m=code), base(0.002), SKY, BASE_M))
    assert np.linalg.norm(found - ROVER_M, axis=1).max() < 0.02


def test_half_cycles_are_used_but_not_fixed():
    observed = rover(0.002)
    half = observed.half_cycle.copy()
    half[observed.satellite == encode("G11")] = True
    _, plain = solve(observed, base(0.002), SKY, BASE_M)
    _, marked = solve(replace(observed, half_cycle=half), base(0.002), SKY, BASE_M)
    assert np.all(plain.ambiguities - marked.ambiguities == 3)
    assert np.all(marked.phases_used == plain.phases_used)


def test_old_data_of_the_base_are_used_until_they_are_too_old():
    solution, _ = solve(rover(0.001), base(0.001).epochs(0, 5), SKY, BASE_M)
    assert np.allclose(solution.age_s[5:], np.arange(1, 16))
    late = observe(SKY, ROVER_M, epochs=2, step_s=45.0, noise_m=0.001, seed=2)
    solution, _ = solve(late, base(0.001).epochs(0, 1), SKY, BASE_M)
    assert solution.quality[1] == Quality.NONE and np.all(np.isnan(solution.position_m[1]))


def test_a_moving_rover_is_followed():
    track = ROVER_M + np.arange(20)[:, None] * np.array([12.0, -9.0, 4.0])
    moving = observe(SKY, track, noise_m=0.002, seed=6)
    found = fixed(solve(moving, base(0.002), SKY, BASE_M))
    assert np.linalg.norm(found - track, axis=1).max() < 0.03


def test_a_gap_in_the_rover_begins_anew():
    observed = rover(0.002)
    parts = join([observed.epochs(0, 5), observed.epochs(12, 20)])
    found = fixed(solve(parts, base(0.002), SKY, BASE_M))
    assert np.linalg.norm(found - ROVER_M, axis=1).max() < 0.03


def test_a_long_baseline_still_floats_within_the_codes():
    latitude, longitude, height = geodesy.to_geodetic(BASE_M)
    far = geodesy.to_ecef(latitude + 0.0024, longitude + 0.0038, height + 100.0)
    observed = observe(SKY, far, noise_m=0.002, seed=3, epochs=10)
    solution, _ = solve(observed, base(0.002), SKY, BASE_M)
    assert np.linalg.norm(solution.position_m - far, axis=1).max() < 1.5


def test_files_without_a_common_time_are_named():
    late = replace(rover(), tow_s=rover().tow_s + 9000.0)
    with pytest.raises(RtkError, match=r"no common epochs.*after the base"):
        solve(late, base(), SKY, BASE_M)


def test_swapped_files_are_named():
    far = BASE_M + np.array([3_000.0, 4_000.0, 0.0])
    distant = observe(SKY, far, epochs=2)
    with pytest.raises(RtkError, match="base and rover are swapped"):
        solve(base(), distant, SKY, BASE_M)


def test_a_base_from_elsewhere_is_named():
    with pytest.raises(RtkError, match=r"km from the base position"):
        solve(rover(), base(), SKY, BASE_M + np.array([9e3, 0.0, 0.0]))


def test_satellites_without_orbits_are_named():
    class Few(Sky):
        def states(self, satellite, week, tow_s):
            states = super().states(satellite, week, tow_s)
            states.healthy[satellite > 4] = False
            return states

    with pytest.raises(RtkError, match=r"without any are G09, G11.*E30"):
        solve(rover(), base(), Few(NAMES), BASE_M)


@pytest.mark.parametrize("place", [(0, 0, 0), (35.1, 139.0, 40.0), (np.nan, 0, 0), (1, 2)])
def test_a_base_position_that_is_none_is_refused(place):
    with pytest.raises(RtkError, match="base position"):
        solve(rover(), base(), SKY, np.array(place, float))


def test_a_step_takes_one_epoch():
    with pytest.raises(RtkError, match="one epoch"):
        Rtk(SKY, BASE_M).step(rover(), base())
