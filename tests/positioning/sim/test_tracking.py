"""Loops: the delay lock loop against the multipath envelope, jitter, slips, the clock."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.sim.gnss import clocks, correlator, tracking
from positioning.sim.gnss.rays import MOST, Paths

pytestmark = pytest.mark.positioning

CHIP_M = 293.05
LAMBDA_M = 299792458.0 / 1575.42e6


def two_ways(
    excess_m: float, amplitude: float, phase_rad: float, rate_mps: float = 0.0, direct: float = 1.0
) -> Paths:
    """The direct way, and one that is longer, whose carrier arrives `phase_rad` from the direct."""
    excess, rate = np.zeros((1, MOST)), np.zeros((1, MOST))
    field = np.zeros((1, MOST, 2), np.complex128)
    excess[0, 1], rate[0, 1] = excess_m, rate_mps
    field[0, 0] = direct
    field[0, 1] = amplitude * np.exp(1j * (phase_rad + 2 * np.pi * excess_m / LAMBDA_M))
    count = np.full(1, 2, np.int32)
    return Paths(count, excess, rate, field, np.ones(1, np.bool_), np.zeros(1))


def combined(paths: Paths, spacing: float = 0.1, boc: bool = False) -> correlator.Composite:
    frequency = np.array([[1575.42e6, 0.0]])
    traits = np.array([[[CHIP_M, spacing * CHIP_M, 43.0, float(boc)], [0.0] * 4]])
    return correlator.combine(paths, frequency, traits, np.zeros(2), np.ones(1, np.complex128))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("excess_m", [2.0, 6.0, 12.0, 60.0, 150.0, 250.0])
def test_multipath_envelope_of_a_narrow_correlator(excess_m: float, sign: float) -> None:
    """Closed form for half the amplitude in or out of phase: first a slope a x / (1 + a), then a
    plateau of a d / 2 (Braasch; Kaplan & Hegarty, fig. 6.9)."""
    a, half = 0.5 * sign, 0.05 * CHIP_M
    slope = a * excess_m / (1 + a)
    expected = slope if abs(excess_m - slope) <= half else a * half
    code = combined(two_ways(excess_m, 0.5, 0.0 if sign > 0 else np.pi)).code_m[0, 0]
    assert code == pytest.approx(expected, abs=0.02)


def test_beyond_a_chip_a_mirrored_way_does_nothing() -> None:
    assert combined(two_ways(1.06 * CHIP_M, 0.5, 0.0)).code_m[0, 0] == pytest.approx(0, abs=1e-3)


def test_alone_the_mirrored_way_is_what_is_tracked() -> None:
    got = combined(two_ways(37.0, 0.3, 0.0, direct=0.0))
    assert got.code_m[0, 0] == pytest.approx(37.0, abs=1e-3)
    assert got.gain_db[0, 0] == pytest.approx(20 * np.log10(0.3), abs=1e-6)
    assert got.tracked_m[0, 0] == 37.0


@pytest.mark.parametrize("phase", [0.0, 0.7, np.pi / 2, 2.5, np.pi])
def test_carrier_error_is_that_of_the_phasor_sum(phase: float) -> None:
    """tan e = a sin p / (1 + a cos p), at a delay so short that correlation is the same."""
    a = 0.4
    exact = np.arctan2(a * np.sin(phase), 1 + a * np.cos(phase)) / (2 * np.pi) * LAMBDA_M
    got = combined(two_ways(1e-6, a, phase))
    assert got.carrier_m[0, 0] == pytest.approx(-exact, abs=1e-6)
    power = 1 + a**2 + 2 * a * np.cos(phase)
    assert got.gain_db[0, 0] == pytest.approx(10 * np.log10(power), abs=1e-3)


def test_motion_averages_the_beat_away() -> None:
    """Of a way that beats at tens of Hz the powers are left: the code's error is a^2 R d / 2, and
    the strength is the sum of both."""
    moving = combined(two_ways(60.0, 0.5, 0.0, rate_mps=7.03))
    share = 1 - 60.0 / CHIP_M
    assert moving.code_m[0, 0] == pytest.approx(0.25 * share * 0.05 * CHIP_M / 0.95, rel=0.08)
    assert moving.gain_db[0, 0] == pytest.approx(10 * np.log10(1 + (0.5 * share) ** 2), abs=0.1)


def test_a_boc_signal_suffers_less_than_its_code_alone() -> None:
    plain = combined(two_ways(200.0, 0.5, 0.0)).code_m[0, 0]
    assert abs(combined(two_ways(200.0, 0.5, 0.0), boc=True).code_m[0, 0]) < plain


def test_jitter_at_textbook_points() -> None:
    """Kaplan & Hegarty (2006): at 45 dB-Hz a Costas loop of 18 Hz and 20 ms has 1.4 degrees; a
    narrow code loop of 0.2 Hz and 0.1 chip some 0.2 m."""
    assert np.degrees(tracking.carrier_jitter_rad(45.0, 18.0, 0.02)) == pytest.approx(
        1.37, abs=0.02
    )
    code = tracking.code_jitter_m(45.0, CHIP_M, 0.1 * CHIP_M, False, 0.2, 0.02)
    assert code == pytest.approx(CHIP_M * np.sqrt(0.2 * 0.1 / 2 / 10**4.5), rel=0.01)


def test_slips_come_with_weakness_and_with_stress() -> None:
    times = [
        tracking.slip_interval_s(tracking.carrier_jitter_rad(level, 15.0, 0.02), 0.0, 15.0)
        for level in (22.0, 26.0, 30.0, 35.0)
    ]
    assert np.all(np.diff(times) >= 0)
    assert times[0] < 10 < 1e6 < times[-1]
    jitter = tracking.carrier_jitter_rad(28.0, 15.0, 0.02)
    assert tracking.slip_interval_s(jitter, 0.8, 15.0) < tracking.slip_interval_s(jitter, 0, 15.0)


def test_a_clock_wanders_as_its_deviation_says() -> None:
    quiet = clocks.Oscillator(offset=0.0, white=2e-10, walk=0.0, millisecond_jumps=False)
    bias, _ = clocks.run(quiet, np.arange(40_000.0), np.random.default_rng(0))
    steps = np.diff(bias)
    assert np.sqrt(np.mean(np.diff(steps) ** 2) / 2) == pytest.approx(2e-10, rel=0.03)


def test_millisecond_jumps_keep_the_clock_near() -> None:
    fast = clocks.Oscillator(offset=2e-5)
    bias, drift = clocks.run(fast, np.arange(0, 300, 0.2), np.random.default_rng(1))
    assert abs(bias).max() <= 5.1e-4
    jumps = np.abs(np.diff(bias) - 0.2 * drift[1:])
    assert set(np.round(jumps * 1e3, 6)) == {0.0, 1.0}


def test_half_a_cycle_is_put_right_and_that_is_told() -> None:
    """At 23 dBHz a loop slips every few seconds. Half a cycle off lasts no longer than the sign of
    the data takes, and the phase comes back with a flag: of a slip, or of the sign now known."""
    loops, rows, step_s = tracking.Loops(acquire_dbhz=20.0), 20_000, 0.2
    both, time_s = np.ones((rows, 2)), step_s * np.arange(rows)
    traits = np.tile([CHIP_M, 0.1 * CHIP_M, 45.0, 0.0], (rows, 2, 1))
    none = np.zeros((rows, 2))
    got = tracking.track(
        loops, np.zeros(rows, np.int64), time_s, 23.0 * both, 1575.42e6 * both, traits,
        (none, none, none, none), np.zeros(rows), np.random.default_rng(3),
    )  # fmt: skip
    here = got.locked[:, 0]
    cycles = got.cycles[here, 0]
    slip, unsure = got.slip[here, 0], got.half_cycle[here, 0]
    is_off = cycles % 1 != 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_off.astype(np.int8), [0]))))
    begins, ends = edges[::2], edges[1::2]
    assert len(begins) > 40
    afresh = np.add.reduceat(np.append(slip, 0), np.column_stack((begins, ends)).ravel())[::2]
    longest = loops.half_cycle_s * (1 + afresh) + 1.5 * step_s  # each told slip asks anew
    assert np.all((ends - begins) * step_s <= longest)
    back = ends[ends < len(cycles)]
    told = slip[back] | (unsure[back - 1] & ~unsure[back])
    assert told.mean() > 0.97  # the rest turned over a second time before the first was noticed
    assert np.abs(np.diff(cycles)).max() >= 1
