"""Two receivers under a sky of circular orbits, observed without the code that is tested.

Ranges come from the light-time equation in a frame that does not turn, the troposphere from
Saastamoinen's own formula; the code that is tested uses Sagnac's term and another mapping.
"""

from __future__ import annotations

import numpy as np
from pyproj import Transformer

from positioning.gnss.observations import Observations
from positioning.gnss.orbits.states import SatelliteStates
from positioning.gnss.satellite import BANDS, encode

C = 299_792_458.0
TURN = 7.2921151467e-5
RADIUS_M = 26.56e6
WEEK, START_S = 2300, 100_000.0
BASE_M = np.array([-3959400.631, 3385704.533, 3667523.111])
HZ = {"G": (1575.42e6, 1227.60e6, 1176.45e6), "E": (1575.42e6, 1207.14e6, 1176.45e6)}
SIGNALS = {"G": (b"1C", b"2W", b"5Q"), "E": (b"1C", b"7Q", b"5Q")}


TO_GEODETIC = Transformer.from_crs("EPSG:4978", "EPSG:4979")


class Sky:
    """Circular orbits; `states` as any source of orbits gives them."""

    def __init__(self, names: tuple[str, ...], seed: int = 4) -> None:
        rng = np.random.default_rng(seed)
        self.numbers = np.array([encode(n) for n in names], np.int16)
        zenith = BASE_M / np.linalg.norm(BASE_M)
        self.start, self.axis = [], []
        while len(self.start) < len(names):
            place = rng.normal(size=3)
            place /= np.linalg.norm(place)
            sight = place * RADIUS_M - BASE_M
            if sight @ zenith / np.linalg.norm(sight) < 0.4:
                continue
            axis = np.cross(place, rng.normal(size=3))
            self.start.append(place)
            self.axis.append(axis / np.linalg.norm(axis))
        self.rate = np.sqrt(3.986004418e14 / RADIUS_M**3)
        self.clock_s = rng.uniform(-4e-4, 4e-4, len(names))

    def fixed(self, index, time_s):
        """Where a satellite is in the frame that stood as the Earth did at START_S."""
        angle = self.rate * (time_s - START_S)
        place, axis = self.start[index], self.axis[index]
        return RADIUS_M * (place * np.cos(angle) + np.cross(axis, place) * np.sin(angle))

    def ecef(self, index, time_s):
        return turned(self.fixed(index, time_s), time_s)

    def states(self, satellite, week, tow_s):
        index = np.searchsorted(self.numbers, satellite)
        known = np.isin(satellite, self.numbers)
        place, speed = np.full((len(index), 3), np.nan), np.full((len(index), 3), np.nan)
        clock = np.full(len(index), np.nan)
        for row in np.flatnonzero(known & np.isfinite(tow_s)):
            i, t = index[row], tow_s[row]
            place[row] = self.ecef(i, t)
            speed[row] = (self.ecef(i, t + 0.5) - self.ecef(i, t - 0.5)) / 1.0
            clock[row] = self.clock_s[i]
        return SatelliteStates(
            place, speed, clock, np.zeros(len(index)), np.ones(len(index)), known
        )


def turned(place, time_s):
    """From the frame that does not turn into ECEF at a time."""
    angle = TURN * (time_s - START_S)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([c * place[0] + s * place[1], c * place[1] - s * place[0], place[2]])


def still(place, time_s):
    """From ECEF at a time into the frame that does not turn."""
    return turned(place, 2 * START_S - time_s)


def flight(sky, index, receiver_m, time_s):
    """Range in m and elevation in rad at reception at time_s, by iterating the light time."""
    at, delay = still(receiver_m, time_s), 0.07
    for _ in range(8):
        delay = np.linalg.norm(sky.fixed(index, time_s - delay) - at) / C
    sight = sky.fixed(index, time_s - delay) - at
    up = at / np.linalg.norm(at)
    return delay * C, np.arcsin(sight @ up / np.linalg.norm(sight))


def air(height_m, elevation):
    """Hydrostatic slant delay after Saastamoinen, 1 / cos z less its tan^2 term."""
    pressure = 1013.25 * (1 - 2.2557e-5 * height_m) ** 5.2568
    cos = np.sin(elevation)
    return 0.002277 / cos * (pressure - 1.156 * (1 / cos**2 - 1))


def height(place):
    """Ellipsoidal height in m, by pyproj."""
    return TO_GEODETIC.transform(*place)[2]


def observe(
    sky,
    receivers_m,
    names=None,
    *,
    epochs=20,
    step_s=1.0,
    clock_m=0.0,
    noise_m=0.0,
    seed=0,
    whole=True,
):
    """Observations of a receiver at (E, 3) or (3,); phases carry random integers if `whole`."""
    rng, number = np.random.default_rng(seed), np.random.default_rng(seed + 1000)
    numbers = sky.numbers if names is None else np.array([encode(n) for n in names], np.int16)
    rows = epochs * len(numbers)
    track = np.broadcast_to(receivers_m, (epochs, 3))
    integers = number.integers(-10_000, 10_000, (len(numbers), BANDS)) * float(whole)
    code, phase = np.zeros((rows, BANDS)), np.zeros((rows, BANDS))
    hertz, signal = np.zeros((rows, BANDS)), np.zeros((rows, BANDS), "S2")
    for e in range(epochs):
        time_s = START_S + e * step_s
        for k, satellite in enumerate(numbers):
            i, row = int(np.searchsorted(sky.numbers, satellite)), e * len(numbers) + k
            letter = "GRE"[satellite // 100]
            true_s = time_s - clock_m / C
            distance, elevation = flight(sky, i, track[e], true_s)
            total = distance + air(height(track[e]), elevation) + clock_m - C * sky.clock_s[i]
            hertz[row], signal[row] = HZ[letter], SIGNALS[letter]
            code[row] = total + 100 * noise_m * rng.normal(size=BANDS)
            ranges = total + noise_m * rng.normal(size=BANDS)
            phase[row] = ranges * hertz[row] / C + integers[k]
    return Observations(
        week=np.full(epochs, WEEK, np.int32),
        tow_s=START_S + step_s * np.arange(epochs),
        first=np.arange(epochs + 1, dtype=np.int64) * len(numbers),
        satellite=np.tile(numbers, epochs),
        code_m=code,
        phase_cycles=phase,
        doppler_hz=np.zeros((rows, BANDS), np.float32),
        cn0_dbhz=np.full((rows, BANDS), 45, np.float32),
        slip=np.zeros((rows, BANDS), bool),
        half_cycle=np.zeros((rows, BANDS), bool),
        signal=signal,
        frequency_hz=hertz,
    )
