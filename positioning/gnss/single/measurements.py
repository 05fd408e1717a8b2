"""Observations of one receiver with everything taken off that does not depend on the receiver.

What remains of a pseudorange is distance, receiver clock, the system's clock and what the street
did to it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import atmosphere, geodesy
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.states import Orbits
from positioning.gnss.satellite import GLONASS_HZ, SPEED_OF_LIGHT_MPS
from positioning.jit import compiled

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class DelayedOrbits(Orbits, Protocol):
    """Orbits that also tell the group delay of a signal (broadcast ones do)."""

    def group_delay_s(
        self, satellite: NDArray[np.int16], week: NDArray[np.int32], tow_s: F64, carrier_hz: F64
    ) -> F64:
        """(N,) delay of the code on carriers (N,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Rows M of one band of E epochs; rows of epoch e are first[e]:first[e + 1].

    time_s: (E,) receive times from the first epoch on. first: (E + 1,).
    satellite: (M,). system: (M,) index into SYSTEMS.
    position_m, velocity_mps: (M, 3), of the satellite, ECEF when it sent.
    range_m: (M,) pseudorange with the satellite's clock and group delay taken off.
    rate_mps: (M,) from Doppler with the satellite's clock rate taken off; NaN is none.
    phase_m: (M,) carrier phase with the satellite's clock taken off; NaN is none.
    slip: (M,) lost lock, or half a cycle open. cn0_dbhz: (M,). wavelength_m: (M,).
    variance_m2: (M,) of orbit and clock. code_m2: (M,) of the code, NaN where the settings tell.
    """

    week: NDArray[np.int32]
    tow_s: F64
    time_s: F64
    first: NDArray[np.int64]
    satellite: NDArray[np.int16]
    system: NDArray[np.int64]
    position_m: F64
    velocity_mps: F64
    range_m: F64
    rate_mps: F64
    phase_m: F64
    slip: NDArray[np.bool_]
    cn0_dbhz: F64
    wavelength_m: F64
    variance_m2: F64
    code_m2: F64

    def __len__(self) -> int:
        """Epochs."""
        return len(self.time_s)

    @property
    def epoch_of_row(self) -> NDArray[np.int64]:
        """(M,) the epoch of each row."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def epochs(self, start: int, stop: int) -> Measurements:
        """Epochs start to stop as views of the same arrays."""
        low, high = int(self.first[start]), int(self.first[stop])
        of_epochs = {name: getattr(self, name)[start:stop] for name in ("week", "tow_s", "time_s")}
        of_rows = {f.name: getattr(self, f.name)[low:high] for f in fields(self)[4:]}
        return Measurements(first=self.first[start : stop + 1] - low, **of_epochs, **of_rows)


def prepare(
    observations: Observations,
    orbits: DelayedOrbits,
    channels: dict[int, int] | None = None,
    code_m2: F64 | None = None,
) -> Measurements:
    """Rows of the first band that have a code and a healthy satellite with an ephemeris.

    channels: GLONASS frequency channels, for files whose header does not tell them. code_m2: (N,)
    variances of the first band's codes.
    """
    carrier = _carriers(observations, channels or {})
    epoch = observations.epoch_of_row
    week, tow = observations.week[epoch], observations.tow_s[epoch]
    code = observations.code_m[:, 0]
    satellite = observations.satellite
    sent = tow - code / SPEED_OF_LIGHT_MPS
    clock = orbits.states(satellite, week, sent).clock_s  # at the satellite's own time: good to ns
    sent = sent - clock
    states = orbits.states(satellite, week, sent)
    delay = orbits.group_delay_s(satellite, week, sent, carrier)
    wavelength = SPEED_OF_LIGHT_MPS / carrier
    ahead = SPEED_OF_LIGHT_MPS * states.clock_s
    keep = np.isfinite(code) & states.healthy & np.isfinite(ahead + delay)
    kept_before = np.concatenate(([0], np.cumsum(keep)))
    begin = observations.week[0] * 604_800.0 + observations.tow_s[0]
    return Measurements(
        week=observations.week,
        tow_s=observations.tow_s,
        time_s=observations.week * 604_800.0 + observations.tow_s - begin,
        first=kept_before[observations.first].astype(np.int64),
        satellite=satellite[keep],
        system=(satellite[keep] // 100).astype(np.int64),
        position_m=states.position_m[keep],
        velocity_mps=states.velocity_mps[keep],
        range_m=(code + ahead - SPEED_OF_LIGHT_MPS * delay)[keep],
        rate_mps=(
            -observations.doppler_hz[:, 0] * wavelength + SPEED_OF_LIGHT_MPS * states.clock_rate
        )[keep],
        phase_m=(observations.phase_cycles[:, 0] * wavelength + ahead)[keep],
        slip=(observations.slip | observations.half_cycle)[keep, 0],
        cn0_dbhz=observations.cn0_dbhz[keep, 0].astype(np.float64),
        wavelength_m=wavelength[keep],
        variance_m2=states.variance_m2[keep],
        code_m2=np.full(int(keep.sum()), np.nan) if code_m2 is None else code_m2[keep],
    )


def _carriers(observations: Observations, channels: dict[int, int]) -> F64:
    carrier = observations.frequency_hz[:, 0].copy()
    centre, step = GLONASS_HZ["1"]
    for satellite, channel in channels.items():
        untold = (observations.satellite == satellite) & np.isnan(carrier)
        carrier[untold & (observations.signal[:, 0] != b"")] = centre + step * channel
    return carrier


def without_atmosphere(
    measurements: Measurements, receiver_m: F64, klobuchar: F64 | None
) -> tuple[F64, F64, F64]:
    """Delay of the atmosphere (M,) in m, azimuth and elevation (rad) at positions (E, 3).

    klobuchar: (8,) coefficients, or None for no ionosphere.
    """
    latitude, longitude, height = geodesy.to_geodetic(receiver_m)
    delay, azimuth, elevation = (np.empty(len(measurements.satellite)) for _ in range(3))
    axes = geodesy.enu_axes(latitude, longitude)
    given = np.zeros(8) if klobuchar is None else klobuchar
    _delays(measurements.first, measurements.position_m, receiver_m, axes, latitude, longitude,
            height, measurements.tow_s, _day(measurements), given, klobuchar is not None,
            measurements.wavelength_m, delay, azimuth, elevation)  # fmt: skip
    return delay, azimuth, elevation


def _day(measurements: Measurements) -> float:
    """Day of the year to within one: the troposphere's season needs no more."""
    days = float(measurements.week[0]) * 7 + float(measurements.tow_s[0]) / 86_400 + 5
    return days % 365.2425


@compiled
def _delays(
    first: I64,
    satellite_m: F64,
    receiver_m: F64,
    axes: F64,
    latitude: F64,
    longitude: F64,
    height: F64,
    tow_s: F64,
    day: float,
    klobuchar: F64,
    ionosphere: bool,
    wavelength_m: F64,
    delay: F64,
    azimuth: F64,
    elevation: F64,
) -> None:
    l1 = SPEED_OF_LIGHT_MPS / atmosphere.L1_HZ
    for e in range(len(tow_s)):
        for n in range(first[e], first[e + 1]):
            local = axes[e] @ (satellite_m[n] - receiver_m[e])
            azimuth[n] = np.arctan2(local[0], local[1])
            elevation[n] = np.arctan2(local[2], np.hypot(local[0], local[1]))
            delay[n] = atmosphere.troposphere(latitude[e], height[e], elevation[n], day)
            if ionosphere:
                on_l1 = atmosphere.klobuchar(
                    klobuchar, latitude[e], longitude[e], azimuth[n], elevation[n], tow_s[e]
                )
                delay[n] += on_l1 * (wavelength_m[n] / l1) ** 2
