"""A receiver on its way: from geometry, air, ways and loops to observations.

Truth goes with the rows: which were seen directly, how much longer the tracked way was, what the
errors are made of.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.observations import Observations
from positioning.gnss.satellite import BANDS, SPEED_OF_LIGHT_MPS
from positioning.sim.gnss import air as atmosphere
from positioning.sim.gnss import clocks, rays, signals
from positioning.sim.gnss.antenna import PATCH, PATCH_CENTRE, PhaseCentre
from positioning.sim.gnss.city import Array, City
from positioning.sim.gnss.clocks import Oscillator
from positioning.sim.gnss.correlator import combine
from positioning.sim.gnss.place import Place
from positioning.sim.gnss.sky import Sky, line_of_sight
from positioning.sim.gnss.tracking import Loops, Tracked, track
from positioning.sim.gnss.vehicle import Motion

_AIR_STEP_S = 5.0
_LEAF_M = 0.4  # over which the shade of leaves changes
_LEAF_PER_DB = 0.035  # relative field, RMS, a dB of canopy loss
_MOST_LEAF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Receiver:
    """pair: which slots it tracks, see signals.PAIRS. pattern, centre: its antenna.
    rounding_m: of the correlation's peak by the front end, in the two bands. mask_rad: lowest
    elevation. loops and clock: see there. strength_db: spread of signals' strength."""

    rate_hz: float = 5.0
    pair: str = "L1L2"
    pattern: Array = field(default_factory=lambda: PATCH)
    centre: PhaseCentre = PATCH_CENTRE
    rounding_m: tuple[float, float] = (12.0, 5.0)
    mask_rad: float = np.radians(5.0)
    loops: Loops = field(default_factory=Loops)
    clock: Oscillator = field(default_factory=Oscillator)
    strength_db: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Beside E epochs and N rows of observations.

    time_s: (E,) s from the start in GPS time, when the epochs truly were. position_m, velocity_mps:
    (E, 3) ECEF of the antenna. clock_s: (E,) of the receiver. azimuth_rad, elevation_rad: (N,).
    line_of_sight: (N,) bool, no building or deck between. excess_m: (N, 2) what the tracked way is
    longer. canopy_m: (N,) of leaves on the direct way. code_error_m, carrier_error_m: (N, 2), of
    multipath, leaves and noise. slipped: (N, 2), told or not. range_m: (N,) geometry alone.
    """

    time_s: Array
    position_m: Array
    velocity_mps: Array
    clock_s: Array
    azimuth_rad: Array
    elevation_rad: Array
    line_of_sight: NDArray[np.bool_]
    excess_m: Array
    canopy_m: Array
    code_error_m: Array
    carrier_error_m: Array
    slipped: NDArray[np.bool_]
    range_m: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Geometry:
    """Rows of every satellite above the mask at every epoch."""

    epoch: NDArray[np.int64]
    index: NDArray[np.int64]
    range_m: Array
    rate_mps: Array
    clock_s: Array
    satellite_m: Array
    ray: Array
    azimuth_rad: Array
    elevation_rad: Array


def observe(
    receiver: Receiver,
    motion: Motion,
    lever_m: Array,
    city: City,
    place: Place,
    sky: Sky,
    air: atmosphere.Air,
    start: tuple[int, float],
    duration_s: float,
    rng: np.random.Generator,
) -> tuple[Observations, Truth]:
    """What the receiver tells of a drive. start: GPS week and second."""
    week, tow = start
    tags = np.arange(round(duration_s * receiver.rate_hz)) / receiver.rate_hz
    bias, drift = clocks.run(receiver.clock, tags, rng)
    times = tags - bias
    local, moving = motion.point(times, lever_m), motion.point_velocity(times, lever_m)
    position, velocity = place.ecef(local), moving @ place.axes
    seen = _geometry(receiver, sky, place, week, tow + times, position, velocity)
    sent = signals.table(sky.satellites, receiver.pair, sky.messages.glonass_channels())
    frequency, traits = sent.frequency_hz[seen.index], sent.traits[seen.index]
    local_ray = seen.ray @ place.axes.T
    paths = rays.trace(city, local, moving, seen.epoch, local_ray, frequency, receiver.pattern)
    fading = _leaves(paths.canopy_m, seen, np.linalg.norm(moving, axis=1), receiver, rng)
    whole = combine(paths, frequency, traits, np.array(receiver.rounding_m), fading)
    strength = rng.normal(0, receiver.strength_db, (len(sky.satellites), 2))
    cn0 = traits[:, :, 2] + strength[seen.index] + whole.gain_db
    stress = np.einsum("ij,ij->i", motion.position(times, 2)[seen.epoch], local_ray)
    errors = (whole.code_m, whole.carrier_m, whole.tracked_m, whole.tracked_mps)
    tracked = track(
        receiver.loops, seen.index, times[seen.epoch], cn0, frequency, traits, errors, stress, rng
    )
    delays = _delays(receiver, seen, sky, air, place, (week, tow), times, position, frequency)
    clock_m = SPEED_OF_LIGHT_MPS * (bias[seen.epoch] - seen.clock_s)
    rate = seen.rate_mps + SPEED_OF_LIGHT_MPS * drift[seen.epoch]
    keep = np.asarray(tracked.locked.any(axis=1))
    observations = _observations(
        (seen, keep), sent, sky.satellites, (week, tow + tags), seen.range_m + clock_m, rate,
        delays, tracked, rng, position[0],
    )  # fmt: skip
    truth = Truth(
        times, position, velocity, bias, seen.azimuth_rad[keep], seen.elevation_rad[keep],
        paths.line_of_sight[keep], whole.tracked_m[keep], paths.canopy_m[keep],
        tracked.code_m[keep], tracked.carrier_m[keep], tracked.slipped[keep], seen.range_m[keep],
    )  # fmt: skip
    return observations, truth


def _geometry(
    receiver: Receiver, sky: Sky, place: Place, week: int, tow_s: Array, position_m: Array,
    velocity_mps: Array,
) -> _Geometry:  # fmt: skip
    count, epochs = len(sky.satellites), len(tow_s)
    every = np.arange(count)
    up = np.zeros(count, np.bool_)
    for e in (0, epochs // 2, epochs - 1):
        here = np.broadcast_to(position_m[e], (count, 3))
        _, at, _, _ = line_of_sight(sky, every, week, np.full(count, tow_s[e]), here)
        up |= atmosphere.directions(at, here)[2] > receiver.mask_rad
    some = every[up]
    epoch, index = np.repeat(np.arange(epochs), len(some)), np.tile(some, epochs)
    here = position_m[epoch]
    distance, at, rate, clock = line_of_sight(sky, index, week, tow_s[epoch], here)
    ray, azimuth, elevation, _ = atmosphere.directions(at, here)
    rate = rate - np.einsum("ij,ij->i", velocity_mps[epoch], ray)
    keep = elevation > receiver.mask_rad
    columns = (epoch, index, distance, rate, clock, at, ray, azimuth, elevation)
    epoch, index, *rest = (np.asarray(column)[keep] for column in columns)
    return _Geometry(epoch.astype(np.int64), index.astype(np.int64), *rest)


def _leaves(
    canopy_m: Array, seen: _Geometry, speed_mps: Array, receiver: Receiver, rng: np.random.Generator
) -> NDArray[np.complex128]:
    """(N,) complex factors about 1: what the gaps between leaves do as the antenna moves."""
    draws = rng.normal(size=(len(canopy_m), 2)) @ np.array([1, 1j]) / np.sqrt(2)
    if not canopy_m.any():
        return np.ones(len(canopy_m), np.complex128)
    state = np.zeros(seen.index.max() + 1, np.complex128)
    fading = np.empty(len(canopy_m), np.complex128)
    first = np.searchsorted(seen.epoch, np.arange(len(speed_mps) + 1))
    for e, speed in enumerate(speed_mps):
        rows = slice(first[e], first[e + 1])
        same = np.exp(-speed / receiver.rate_hz / _LEAF_M)
        at = seen.index[rows]
        state[at] = same * state[at] + np.sqrt(1 - same**2) * draws[rows]
        fading[rows] = state[at]
    return np.asarray(1 + np.minimum(_MOST_LEAF, _LEAF_PER_DB * canopy_m) * fading)


def _delays(
    receiver: Receiver, seen: _Geometry, sky: Sky, air: atmosphere.Air, place: Place,
    start: tuple[int, float], times_s: Array, position_m: Array, frequency_hz: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """(code, carrier) delays (N, 2) of air, antenna and the satellites' electronics."""
    week, tow = start
    knots = np.arange(times_s[0] - _AIR_STEP_S, times_s[-1] + 2 * _AIR_STEP_S, _AIR_STEP_S)
    dry, electrons = np.zeros(len(seen.index)), np.zeros(len(seen.index))
    when = times_s[seen.epoch]
    if air.is_on:
        for satellite in np.unique(seen.index):
            rows = seen.index == satellite
            at = np.searchsorted(times_s, knots).clip(0, len(times_s) - 1)
            here = position_m[at]
            same = np.full(len(knots), satellite)
            _, sent_from, _, _ = line_of_sight(sky, same, week, tow + knots, here)
            ray, azimuth, elevation, height = atmosphere.directions(sent_from, here)
            elevation = np.maximum(elevation, 0.03)
            slow = atmosphere.troposphere_m(air, height, azimuth, elevation)
            bent = atmosphere.ionosphere_m_hz2(air, here, ray, tow + knots)
            dry[rows] = _between(when[rows], knots, slow)
            electrons[rows] = _between(when[rows], knots, bent)
    centre = receiver.centre.range_m(seen.azimuth_rad, seen.elevation_rad)
    slots = signals.PAIRS[receiver.pair]
    with np.errstate(divide="ignore"):
        iono = np.where(frequency_hz > 0, electrons[:, None] / frequency_hz**2, np.nan)
    group = np.column_stack([
        sky.group_delay_m(seen.index, week, tow + when, frequency_hz[:, band]) for band in (0, 1)
    ])  # fmt: skip
    common = dry[:, None] + centre[:, list(slots)]
    return common + iono + (group if air.is_on else 0.0), common - iono


def _between(when: Array, knots: Array, values: Array) -> Array:
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(knots, values)(when))


def _observations(
    rows: tuple[_Geometry, NDArray[np.bool_]], sent: signals.Table, satellites: NDArray[np.int16],
    tags: tuple[int, Array], range_m: Array, rate_mps: Array, delays: tuple[Array, Array],
    tracked: Tracked, rng: np.random.Generator, near_m: Array,
) -> Observations:  # fmt: skip
    """The arrays of a file, from rows of which some were tracked."""
    seen, keep = rows
    index, count = seen.index[keep], int(keep.sum())
    week, tow = tags
    first = np.searchsorted(seen.epoch[keep], np.arange(len(tow) + 1))
    values = {name: np.full((count, BANDS), np.nan) for name in ("code", "phase", "doppler", "cn0")}
    flags = {name: np.zeros((count, BANDS), np.bool_) for name in ("slip", "half")}
    signal, carrier = np.zeros((count, BANDS), "S2"), np.full((count, BANDS), np.nan)
    whole = _whole_cycles(range_m, seen.index, sent.frequency_hz)
    start_phase = rng.uniform(0, 1, 100)
    for band, slot in enumerate(sent.slots):
        locked = tracked.locked[keep, band]
        frequency = sent.frequency_hz[index, band]
        wavelength = np.where(frequency > 0, SPEED_OF_LIGHT_MPS / np.maximum(frequency, 1), np.nan)
        code = range_m[keep] + delays[0][keep, band] + tracked.code_m[keep, band]
        path = range_m[keep] + delays[1][keep, band] + tracked.carrier_m[keep, band]
        fraction = start_phase[10 * (satellites[index] // 100) + slot]
        cycles = tracked.cycles[keep, band] - whole[index, band] + fraction
        told = {
            "code": code,
            "phase": path / wavelength + cycles,
            "doppler": -(rate_mps[keep] + tracked.doppler_mps[keep, band]) / wavelength,
            "cn0": tracked.cn0_dbhz[keep, band],
        }
        for name, column in told.items():
            values[name][locked, slot] = column[locked]
        flags["slip"][:, slot] = tracked.slip[keep, band] & locked
        flags["half"][:, slot] = tracked.half_cycle[keep, band] & locked
        signal[locked, slot] = sent.code[index, band][locked]
        carrier[locked, slot] = frequency[locked]
    seconds = tow % 604_800
    return Observations(
        week=(week + tow // 604_800).astype(np.int32),
        tow_s=seconds,
        first=first.astype(np.int64),
        satellite=satellites[index],
        code_m=values["code"],
        phase_cycles=values["phase"],
        doppler_hz=values["doppler"].astype(np.float32),
        cn0_dbhz=values["cn0"].astype(np.float32),
        slip=flags["slip"],
        half_cycle=flags["half"],
        signal=signal,
        frequency_hz=carrier,
        approx_position_m=near_m + 3.0 * rng.normal(size=3),
    )


def _whole_cycles(range_m: Array, index: NDArray[np.int64], frequency_hz: Array) -> Array:
    """(S, 2) cycles in each satellite's first range, less a few million, so that phases fit."""
    first = np.zeros(len(frequency_hz))
    satellites, at = np.unique(index, return_index=True)
    first[satellites] = range_m[at]
    return np.asarray(np.round(first[:, None] * frequency_hz / SPEED_OF_LIGHT_MPS * 0.9))
