"""Loops under noise: thermal errors, loss of lock, re-acquisition, cycle slips, their flags.

Jitter by Kaplan & Hegarty (2006) ch. 5: the early-minus-late power loop and the Costas loop. A
Costas loop slips after a mean time by Holmes (1982), from its jitter with the stress of dynamics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.jit import compiled
from positioning.sim.gnss.city import Array


@dataclass(frozen=True, slots=True)
class Loops:
    """A receiver's tracking.

    code_hz, carrier_hz: noise bandwidths. integration_s: before the discriminators.
    lose_dbhz, acquire_dbhz: C/N0 below which lock is lost, above which it is found again.
    memory_s: correlation time of errors. slip_told: chance that a slip is flagged.
    step_dbhz: of the C/N0 that is told. half_cycle_s: after lock or a slip, until the sign of the
    data is known and half a cycle put right. stress_rad: phase error of the loop under 1 m/s^2
    along the line of sight.
    """

    code_hz: float = 0.5
    carrier_hz: float = 15.0
    integration_s: float = 0.02
    lose_dbhz: float = 22.0
    acquire_dbhz: float = 27.0
    memory_s: float = 0.5
    slip_told: float = 0.85
    step_dbhz: float = 1.0
    half_cycle_s: float = 1.2
    stress_rad: float = 0.03
    noise: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """(N, 2) each. locked: observed at all. code_m, carrier_m, doppler_mps: errors to be added.
    cycles: whole and half cycles that the phase is off since lock. cn0_dbhz: as told.
    slip, half_cycle: the flags that are told. slipped: what in truth happened."""

    locked: NDArray[np.bool_]
    code_m: Array
    carrier_m: Array
    doppler_mps: Array
    cycles: Array
    cn0_dbhz: Array
    slip: NDArray[np.bool_]
    half_cycle: NDArray[np.bool_]
    slipped: NDArray[np.bool_]


def track(
    loops: Loops,
    satellite: NDArray[np.int64],
    time_s: Array,
    cn0_dbhz: Array,
    frequency_hz: Array,
    traits: Array,
    composite: tuple[Array, Array, Array, Array],
    stress_mps2: Array,
    rng: np.random.Generator,
) -> Tracked:
    """Follow N rows in their order.

    satellite: (N,) index of each row's. cn0_dbhz, frequency_hz: (N, 2). composite: (N, 2) each, its
    code_m, carrier_m, tracked_m, tracked_mps. stress_mps2: (N,) acceleration along the sight.
    """
    rows = len(satellite)
    flags = [np.zeros((rows, 2), np.bool_) for _ in range(4)]
    values = [np.full((rows, 2), np.nan) for _ in range(5)]
    settings = np.array([
        loops.code_hz, loops.carrier_hz, loops.integration_s, loops.lose_dbhz, loops.acquire_dbhz,
        loops.memory_s, loops.slip_told, loops.step_dbhz, loops.half_cycle_s, loops.stress_rad,
        float(loops.noise),
    ])  # fmt: skip
    draws, chance = rng.normal(size=(rows, 2, 5)), rng.random((rows, 2, 5))
    locked, slip, half, slipped = flags
    code, carrier, doppler, cycles, told = values
    _track(
        settings, satellite, time_s, cn0_dbhz, frequency_hz, traits, *composite, stress_mps2,
        draws, chance, locked, slip, half, slipped, code, carrier, doppler, cycles, told,
    )  # fmt: skip
    return Tracked(locked, code, carrier, doppler, cycles, told, slip, half, slipped)


@compiled
def code_jitter_m(
    cn0_dbhz: float, chip_m: float, spacing_m: float, boc: bool, bandwidth_hz: float, time_s: float
) -> float:
    """Standard deviation of the delay loop: early-minus-late power (Kaplan & Hegarty 5.6.2)."""
    ratio = 10 ** (cn0_dbhz / 10)
    d = spacing_m / chip_m
    squaring = 1 + 2 / (time_s * ratio * (2 - d))
    sigma = chip_m * np.sqrt(bandwidth_hz * d / (2 * ratio) * squaring)
    return float(sigma / np.sqrt(3.0) if boc else sigma)


@compiled
def carrier_jitter_rad(cn0_dbhz: float, bandwidth_hz: float, time_s: float) -> float:
    """Standard deviation of a Costas loop's phase (Kaplan & Hegarty 5.6.1)."""
    ratio = 10 ** (cn0_dbhz / 10)
    return float(np.sqrt(bandwidth_hz / ratio * (1 + 1 / (2 * time_s * ratio))))


@compiled
def slip_interval_s(jitter_rad: float, stress_rad: float, bandwidth_hz: float) -> float:
    """Mean time between slips of a first-order Costas loop (Holmes 1982, 5.4), the loop's range of
    half a cycle eaten up by the stress."""
    room = max(0.05, 1 - 2 * abs(stress_rad) / np.pi)
    rho = (room / (2 * jitter_rad)) ** 2
    mean = np.pi**2 * rho * _bessel_i0(min(rho, 40.0)) ** 2 / (2 * bandwidth_hz)
    return float(min(mean, _NEVER_S))


_NEVER_S = 1e12


@compiled
def _bessel_i0(x: float) -> float:
    total, term = 1.0, 1.0
    for k in range(1, 120):
        term *= (x / (2 * k)) ** 2
        total += term
        if term < 1e-12 * total:
            break
    return total


@compiled
def _track(
    settings: Array, satellite: NDArray[np.int64], time: Array, cn0: Array, frequency: Array,
    traits: Array, way_code: Array, way_carrier: Array, way: Array, way_rate: Array, stress: Array,
    draws: Array, chance: Array, locked: NDArray[np.bool_], slip: NDArray[np.bool_],
    half: NDArray[np.bool_], slipped: NDArray[np.bool_], code: Array, carrier: Array,
    doppler: Array, cycles: Array, told: Array,
) -> None:  # fmt: skip
    code_hz, carrier_hz, integration, lose, acquire = settings[:5]
    memory, slip_told, step, half_s, stress_rad, noise = settings[5:]
    # of each satellite and band: locked, sign unsure since, last seen, wait until, whole cycles
    # off, half a cycle off, smoothed code error, code and carrier noise, way and its rate, since
    # when half a cycle is off that the receiver has not noticed (0 is none)
    state = np.zeros((satellite.max() + 1 if len(satellite) else 1, 2, 12))
    state[:, :, 2] = -1e9
    for row in range(len(satellite)):
        for b in range(2):
            if not frequency[row, b] > 0:
                continue
            s = state[satellite[row], b]
            wavelength = SPEED_OF_LIGHT_MPS / frequency[row, b]
            dt = time[row] - s[2]
            level = cn0[row, b]
            is_new = False
            if s[0] > 0 and (level < lose or dt > 2.0):
                s[0] = 0.0
            if s[0] == 0:
                if level < acquire:
                    s[3], s[2] = 0.0, time[row]
                    continue
                if s[3] == 0.0:  # searching takes longer the weaker it is
                    quick = 0.2 + 1.5 * 10 ** (-(level - acquire) / 12) * -np.log(
                        1 - chance[row, b, 0]
                    )
                    s[3] = time[row] + (quick if noise > 0 and dt < 1e8 else 0.0)
                if time[row] < s[3]:
                    s[2] = time[row]
                    continue
                is_new = True
                s[0], s[1], s[3], s[11] = 1.0, time[row], 0.0, 0.0
                s[4] = np.floor(chance[row, b, 1] * 2000) - 1000
                s[5] = 0.5 if chance[row, b, 2] < 0.5 and noise > 0 else 0.0
                s[6], s[7], s[8] = way_code[row, b], draws[row, b, 0], draws[row, b, 1]
            s[2] = time[row]
            fade = np.exp(-max(dt, 0.0) / memory) if not is_new else 0.0
            jump = not is_new and abs(way[row, b] - s[9] - s[10] * dt) > 0.12
            s[9], s[10] = way[row, b], way_rate[row, b]
            s[6] = fade * s[6] + (1 - fade) * way_code[row, b]
            fresh = np.sqrt(1 - fade * fade)
            s[7] = fade * s[7] + fresh * draws[row, b, 0]
            s[8] = 0.3 * fade * s[8] + np.sqrt(1 - (0.3 * fade) ** 2) * draws[row, b, 1]
            jitter = carrier_jitter_rad(level, carrier_hz, integration)
            interval = slip_interval_s(jitter, stress_rad * stress[row], carrier_hz)
            slips = noise > 0 and not is_new and chance[row, b, 3] < 1 - np.exp(-dt / interval)
            is_half = slips and not jump and chance[row, b, 2] < 0.5
            if noise > 0 and jump:
                s[4] += np.floor(chance[row, b, 1] * 40) - 20
            elif is_half:
                s[5] = 0.5 - s[5]  # the sign of the data turns over
            elif slips:
                s[4] += 1.0 if chance[row, b, 1] < 0.5 else -1.0
            happened = is_new or (noise > 0 and (jump or slips))
            is_told = is_new or (happened and chance[row, b, 4] < slip_told)
            if is_told or (noise > 0 and jump):
                s[1], s[11] = time[row], 0.0
            elif is_half:
                s[11] = time[row]
            noticed = s[11] > 0.0 and time[row] - s[11] >= half_s
            unsure = noise > 0 and time[row] - s[1] < half_s
            if noticed or (not unsure and s[11] == 0.0):
                s[5], s[11] = 0.0, 0.0  # frames' preambles have told the sign
            slipped[row, b], half[row, b] = happened, unsure
            slip[row, b] = is_told or noticed
            locked[row, b] = True
            cycles[row, b] = s[4] + s[5]
            boc = traits[row, b, 3] > 0
            sigma = code_jitter_m(
                level, traits[row, b, 0], traits[row, b, 1], boc, code_hz, integration
            )
            code[row, b] = s[6] + noise * sigma * s[7]
            spread = wavelength / (2 * np.pi) * jitter
            carrier[row, b] = way_carrier[row, b] + noise * spread * s[8]
            doppler[row, b] = way_rate[row, b] + noise * 4 * spread * draws[row, b, 2]
            seen = level + noise * draws[row, b, 3] * 0.6
            told[row, b] = np.round(seen / step) * step if step > 0 else seen
