"""Observations as the coupled estimate takes them: in a local frame, clocks left in.

Codes and phases are differences to a base: satellites' clocks and the atmosphere cancel. Receiver
clocks are no states: within an epoch the rows of a group share one, which the normal equations
eliminate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.coupled.errors import CoupledError
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.orbits.states import SatelliteStates
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

WEEK_S = 604_800.0
_OLDEST_BASE_S = 30.0
_WAVY_DBHZ = 45.0
_NO_CN0 = 35.0
_GAP_S = 1.5  # between epochs of which phases may be compared


class Rows(NamedTuple):
    """Rows M of E epochs: one signal of one satellite.

    first: (E + 1,). time_s: (E,). satellite_m: (M, 3) in the local frame, the Earth's turn in
    flight taken in. source: (M, 2) observation row and band. group: (M,) which share a clock.
    code_m, rate_mps: (M,) = distance + clock, = -los.v + drift. before: (M,) the same signal's row
    an epoch earlier where the phase went on without a slip, else -1. phase_m: (M,).
    *_sigma: (M,); inf leaves out.
    """

    first: I64
    time_s: F64
    satellite_m: F64
    source: I64
    group: I64
    code_m: F64
    rate_mps: F64
    phase_m: F64
    before: I64
    code_sigma: F64
    rate_sigma: F64
    phase_sigma: F64

    def epochs(self, low: int, high: int) -> Rows:
        """Epochs low to high; phases do not reach back before them."""
        a, b = int(self.first[low]), int(self.first[high])
        before = self.before[a:b] - a
        before[before < 0] = -1
        cut = {name: getattr(self, name)[a:b] for name in self._fields[2:]}
        return Rows(self.first[low : high + 1] - a, self.time_s[low:high],
                    **{**cut, "before": before})  # fmt: skip


class Frame(NamedTuple):
    """A local frame: origin_m (3,) ECEF, axes (3, 3) rows east, north, up."""

    origin_m: F64
    axes: F64

    def local(self, ecef_m: F64) -> F64:
        """(..., 3) of ECEF points."""
        return np.asarray((ecef_m - self.origin_m) @ self.axes.T)

    def ecef(self, local_m: F64) -> F64:
        """(..., 3) ECEF of local points."""
        return np.asarray(self.origin_m + local_m @ self.axes)


def frame_about(position_m: F64) -> Frame:
    """The frame about the middle of places (E, 3)."""
    origin = np.nanmedian(position_m, axis=0)
    latitude, longitude, _ = geodesy.to_geodetic(origin)
    return Frame(origin, geodesy.enu_axes(latitude, longitude))


def relative(
    rover: Observations,
    base: Observations,
    orbits: BroadcastOrbits,
    base_position_m: F64,
    near_m: F64,
    frame: Frame,
    settings: Settings,
    variance_m2: F64 | None = None,
) -> Rows:
    """Rows of differences to the latest base epoch; near_m (E, 3) within some 100 m.

    variance_m2: (N, BANDS, 2) of codes and phases, NaN or None for the settings'. CoupledError
    where nothing is in common.
    """
    states = _at_transmission(rover, orbits)
    of_base = _at_transmission(base, orbits)
    place = np.broadcast_to(base_position_m, (len(base.satellite), 3))
    modelled = _range(of_base.position_m, place) - SPEED_OF_LIGHT_MPS * of_base.clock_s
    partner = _partners(rover, base)
    epoch = rover.epoch_of_row
    after = np.maximum(partner, 0)
    same = np.abs(rover.frequency_hz / base.frequency_hz[after] - 1) < 1e-7
    ours = (partner >= 0) & np.isfinite(states.clock_s) & states.healthy
    usable = ours[:, None] & same & (rover.signal != b"")
    clock = SPEED_OF_LIGHT_MPS * states.clock_s[:, None]
    wave = SPEED_OF_LIGHT_MPS / rover.frequency_hz
    other = modelled[after][:, None]
    code = rover.code_m + clock - (base.code_m[after] - other)
    phase = rover.phase_cycles * wave + clock - (base.phase_cycles[after] * wave - other)
    if not usable.any():
        raise CoupledError("rover and base have no satellite and signal in common at any time")
    lost = rover.slip | rover.half_cycle | base.slip[after] | base.half_cycle[after]
    given = (states, near_m[epoch], frame, settings, variance_m2)
    return _rows(rover, usable, code, phase, lost, *given)


def nothing(rover: Observations) -> Rows:
    """The epochs without any row."""
    one, several = np.empty(0), np.zeros(0, np.int64)
    return Rows(
        np.zeros(len(rover) + 1, np.int64), rover.week * WEEK_S + rover.tow_s, np.empty((0, 3)),
        np.zeros((0, 2), np.int64), several, one, one, one, several, one, one, one,
    )  # fmt: skip


def _rows(
    rover: Observations, usable: NDArray[np.bool_], code: F64, phase: F64,
    lost: NDArray[np.bool_], states: SatelliteStates, near_m: F64, frame: Frame,
    settings: Settings, variance_m2: F64 | None,
) -> Rows:  # fmt: skip
    row, band = np.nonzero(usable & np.isfinite(code))
    satellite, epoch = rover.satellite[row], rover.epoch_of_row[row]
    time_s = rover.week * WEEK_S + rover.tow_s
    at = near_m[row]
    place = states.position_m[row]
    los = place - at
    los /= np.linalg.norm(los, axis=1)[:, None]
    # the Sagnac term as a shift of the satellite along the line of sight
    turn = _range(place, at) - np.linalg.norm(place - at, axis=1)
    elevation = np.arcsin(los @ frame.axes[2])
    told = rover.cn0_dbhz[row, band].astype(np.float64)
    thermal = 10 ** ((_WAVY_DBHZ - np.where(np.isnan(told), _NO_CN0, told)) / 10)
    dilution = 1 / np.sin(np.maximum(elevation, 0.05)) ** 2
    low = elevation < settings.mask_rad
    s = settings

    def sigma(floor: float, ratio: float, slant: bool, bad: NDArray[np.bool_]) -> F64:
        variance = floor**2 * (dilution if slant else 1.0) + ratio**2 * thermal
        return np.where(low | bad, np.inf, np.sqrt(variance))

    wave = SPEED_OF_LIGHT_MPS / rover.frequency_hz[row, band]
    velocity = states.velocity_mps[row]
    spin = (
        geodesy.EARTH_RATE_RADPS
        / SPEED_OF_LIGHT_MPS
        * (velocity[:, 0] * at[:, 1] - velocity[:, 1] * at[:, 0])
    )
    rate = -rover.doppler_hz[row, band] * wave + SPEED_OF_LIGHT_MPS * states.clock_rate[row]
    rate = rate - np.sum(velocity * los, axis=1) - spin
    code_sigma = sigma(s.code_floor_m, s.code_ratio, True, ~np.isfinite(code[row, band]))
    if variance_m2 is not None:
        told = np.sqrt(variance_m2[row, band, 0])
        code_sigma = np.where(np.isnan(told) | np.isinf(code_sigma), code_sigma, told)
    _, group = np.unique(
        np.column_stack((band, satellite // 100, rover.signal[row, band].view(np.int16))),
        axis=0, return_inverse=True,
    )  # fmt: skip
    return Rows(
        first=np.searchsorted(epoch, np.arange(len(rover) + 1)).astype(np.int64),
        time_s=time_s,
        satellite_m=frame.local(place + turn[:, None] * los),
        source=np.column_stack((row, band)).astype(np.int64),
        group=group.astype(np.int64).ravel(),
        code_m=code[row, band],
        rate_mps=np.nan_to_num(rate),
        phase_m=phase[row, band],
        before=_before(epoch, satellite, band, phase[row, band], lost[row, band], time_s),
        code_sigma=code_sigma,
        rate_sigma=sigma(s.rate_floor_mps, s.rate_ratio, False, ~np.isfinite(rate)),
        phase_sigma=sigma(s.phase_floor_m, s.phase_ratio, False, np.zeros(len(row), np.bool_)),
    )


def _before(
    epoch: I64, satellite: NDArray[np.int16], band: I64, phase: F64, lost: NDArray[np.bool_],
    time_s: F64,
) -> I64:  # fmt: skip
    """(M,) each signal's row of the epoch before, -1 where its phase did not go on."""
    order = np.lexsort((epoch, band, satellite))
    prior, here = order[:-1], order[1:]
    goes_on = (satellite[prior] == satellite[here]) & (band[prior] == band[here])
    goes_on &= (epoch[here] - epoch[prior] == 1) & np.isfinite(phase[here] - phase[prior])
    goes_on &= ~lost[here] & (time_s[epoch[here]] - time_s[epoch[prior]] < _GAP_S)
    out = np.full(len(epoch), -1, np.int64)
    out[here[goes_on]] = prior[goes_on]
    return out


def _at_transmission(observations: Observations, orbits: BroadcastOrbits) -> SatelliteStates:
    """States (N,) of the satellites when they sent; clock_s with the rate's part taken in."""
    epoch = observations.epoch_of_row
    code = observations.code_m
    some = np.where(np.isfinite(code), code, -np.inf).max(axis=1)
    some[~np.isfinite(some)] = np.nan
    week, told = observations.week[epoch], observations.tow_s[epoch] - some / SPEED_OF_LIGHT_MPS
    clock = orbits.states(observations.satellite, week, told).clock_s
    return orbits.states(observations.satellite, week, told - clock)


def _partners(rover: Observations, base: Observations) -> I64:
    """(N,) row of the same satellite in the latest base epoch, -1 where there is none."""
    ours = rover.week * WEEK_S + rover.tow_s
    theirs = base.week * WEEK_S + base.tow_s
    latest = np.searchsorted(theirs, ours + 0.05, side="right") - 1
    fresh = (latest >= 0) & (ours - theirs[np.maximum(latest, 0)] < _OLDEST_BASE_S)
    key = base.epoch_of_row * 1000 + base.satellite
    wanted = latest[rover.epoch_of_row] * 1000 + rover.satellite
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where((key[at] == wanted) & fresh[rover.epoch_of_row], at, -1).astype(np.int64)


def _range(satellite_m: F64, receiver_m: F64) -> F64:
    """(N,) distance flown, the Earth's turn in flight included."""
    apart = np.linalg.norm(satellite_m - receiver_m, axis=1)
    turned = satellite_m[:, 0] * receiver_m[:, 1] - satellite_m[:, 1] * receiver_m[:, 0]
    return np.asarray(apart + geodesy.EARTH_RATE_RADPS / SPEED_OF_LIGHT_MPS * turned)
