"""Single differences of rover and base, signal by signal, and how noisy each is.

A difference is only taken between carriers of one frequency. Which signals it joins is part of
its key: a satellite tracked on another signal has another ambiguity and may have another code bias.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.rtk.arrays import F64, Differences, Receiver
from positioning.gnss.rtk.geometry import line_of_sight, mapping, up_and_height, zenith_delay
from positioning.gnss.rtk.tuning import Tuning
from positioning.gnss.satellite import BANDS, SYSTEMS
from positioning.jit import compiled

NUMBERS = 128  # more than there are satellites of a system
_TRACKINGS = 2048
_SATELLITES = 100 * len(SYSTEMS)
_SAME_WAVE = 1e-7  # relative difference of two wavelengths that are the same
_WAVY = 45.0  # dBHz at which the thermal part of the noise is told


@compiled
def base_residuals(base: Receiver, position: F64) -> None:
    """Take range, satellite clock and troposphere out of a base's rows, and find elevations."""
    up, height = up_and_height(position)
    zenith = zenith_delay(height)
    direction = np.zeros(3)
    for row in range(len(base.satellite)):
        distance = line_of_sight(base.satellite_m[row], position, direction)
        sine = direction[0] * up[0] + direction[1] * up[1] + direction[2] * up[2]
        base.elevation_rad[row] = np.arcsin(sine)
        model = distance - base.clock_m[row] + zenith * mapping(sine)
        for band in range(BANDS):
            base.code_m[row, band] -= model
            base.phase_m[row, band] -= model


@compiled
def phase_variance(tuning: Tuning, sine_elevation: float, cn0_dbhz: float) -> float:
    """Variance of one receiver's phase, m^2; a C/N0 that is not told counts as 45 dBHz."""
    cn0 = cn0_dbhz if cn0_dbhz > 0.0 else _WAVY
    thermal = tuning.phase_thermal_m**2 * 10.0 ** (0.1 * (_WAVY - cn0))
    slant = tuning.phase_slant_m / sine_elevation
    return float(tuning.phase_floor_m**2 + slant**2 + thermal)


@compiled
def _variances(
    tuning: Tuning, sine_elevation: float, cn0_dbhz: float, told_m2: F64
) -> tuple[float, float]:
    """Of a rover's code and phase, m^2: as told (2,), or by the model where that is NaN."""
    phase = phase_variance(tuning, sine_elevation, cn0_dbhz)
    code = phase * tuning.code_ratio**2
    return (
        code if np.isnan(told_m2[0]) else told_m2[0],
        phase if np.isnan(told_m2[1]) else told_m2[1],
    )


@compiled
def _slips_of_base(base: Receiver, since: int, stop: int) -> F64:
    """(satellites, BANDS) 1 where the base lost lock in rows since:stop."""
    slipped = np.zeros((_SATELLITES, BANDS))
    for row in range(since, stop):
        for band in range(BANDS):
            if base.slip[row, band]:
                slipped[base.satellite[row], band] = 1.0
    return slipped


@compiled
def difference(
    rover: Receiver,
    r0: int,
    r1: int,
    base: Receiver,
    b0: int,
    b1: int,
    since: int,
    baseline_km: float,
    tuning: Tuning,
) -> Differences:
    """Rover rows r0:r1 less base rows b0:b1; base slips count from row `since` on."""  # fmt: skip
    beside_m = tuning.phase_per_km_m * baseline_km
    if baseline_km >= tuning.slant_from_km:
        beside_m = 0.0
    most = min(r1 - r0, b1 - b0) * BANDS
    key, group = np.zeros(most, np.int64), np.zeros(most, np.int64)
    satellite, elevation, wave = np.zeros(most, np.int64), np.zeros(most), np.zeros(most)
    code, phase, code2, phase2 = np.zeros(most), np.zeros(most), np.zeros(most), np.zeros(most)
    slip, half = np.zeros(most, np.bool_), np.zeros(most, np.bool_)
    where = np.zeros((most, 3))
    lost = _slips_of_base(base, since, b1)
    count, b = 0, b0
    for r in range(r0, r1):
        while b < b1 and base.satellite[b] < rover.satellite[r]:
            b += 1
        if b == b1:
            break
        name = int(rover.satellite[r])
        known = np.isfinite(rover.clock_m[r]) and base.elevation_rad[b] >= tuning.mask_rad
        if base.satellite[b] != name or not known:
            continue
        sine = np.sin(base.elevation_rad[b])
        for band in range(BANDS):
            wavelength = rover.wavelength_m[r, band]
            other = base.wavelength_m[b, band]
            if not abs(wavelength - other) < _SAME_WAVE * wavelength:
                continue
            pair = rover.tracking[r, band] * _TRACKINGS + base.tracking[b, band]
            kind = (pair * BANDS + band) * len(SYSTEMS) + name // 100
            group[count], key[count] = kind, kind * NUMBERS + name % 100
            satellite[count], wave[count], where[count] = name, wavelength, rover.satellite_m[r]
            code[count] = rover.code_m[r, band] + rover.clock_m[r] - base.code_m[b, band]
            phase[count] = rover.phase_m[r, band] + rover.clock_m[r] - base.phase_m[b, band]
            code2[count], phase2[count] = _variances(
                tuning, sine, rover.cn0_dbhz[r, band], rover.variance_m2[r, band]
            )
            of_base = phase_variance(tuning, sine, base.cn0_dbhz[b, band])
            code2[count] += of_base * tuning.code_ratio**2
            phase2[count] += of_base + (beside_m / sine) ** 2
            elevation[count] = base.elevation_rad[b]
            slip[count] = rover.slip[r, band] or lost[name, band] > 0.0
            half[count] = rover.half[r, band] or base.half[b, band]
            if np.isfinite(code[count]) or np.isfinite(phase[count]):
                count += 1
    return Differences(
        key[:count], group[:count], satellite[:count], wave[:count], code[:count], phase[:count],
        code2[:count], phase2[:count], elevation[:count], where[:count], slip[:count], half[:count],
    )  # fmt: skip
