"""Single targets in front of the radar: what they truly are, and what the chain made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types.radar import RadarCube
from common.types.stamped import Stamped
from positioning.radar.detections import RadarDetections
from positioning.radar.pipeline import RadarChain
from positioning.radar.waveform import Waveform
from positioning.sim.radar.device import Device, Interferer, Rain
from positioning.sim.radar.paths import point_targets
from positioning.sim.radar.rain import rain_echo
from positioning.sim.radar.samples import convert

Floats = NDArray[np.float64]
NEAR_M, NEAR_MPS, NEAR_RAD = 1.0, 1.0, 0.15  # a detection this close to the truth is of the target


@dataclass(frozen=True, slots=True)
class Weather:
    """What stands between the radar and the target."""

    rain: Rain | None = None
    interferers: Sequence[Interferer] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """Range, range rate and azimuth at the frame's middle, and cross section."""

    range_m: float
    velocity_mps: float
    azimuth_rad: float
    rcs_m2: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """error: (3,) range, range rate and azimuth of the detection nearest to the target, NaN where
    there is none; snr_db of it; others: detections that are not of it."""

    target: Target
    error: Floats
    snr_db: float
    others: int


def target(rng: np.random.Generator, far_m: float, dbsm: float) -> Target:
    """Somewhere ahead, from 8 m to `far_m`, up to 20 m/s either way, 45 degrees to each side."""
    return Target(
        float(rng.uniform(8, far_m)),
        float(rng.uniform(-20, 20)),
        float(rng.uniform(-np.pi / 4, np.pi / 4)),
        10 ** (dbsm / 10),
    )


def cube(
    what: Target, waveform: Waveform, device: Device, weather: Weather, rng: np.random.Generator
) -> RadarCube:
    """The frame of that target alone, in that weather."""
    toward = np.array([[np.cos(what.azimuth_rad), np.sin(what.azimuth_rad), 0.0]])
    rcs = np.array([what.rcs_m2])
    args = waveform, device, weather.rain
    paths = point_targets(what.range_m * toward, what.velocity_mps * toward, rcs, *args)
    extra = []
    if weather.rain is not None:
        extra.append(rain_echo(waveform, device, weather.rain, 0.0, rng))
    return convert(waveform, device, paths, rng, weather.interferers, extra)


def outcomes(
    targets: Sequence[Target], chain: RadarChain, device: Device, weather: Weather, seed: int
) -> Iterator[Outcome]:
    """One frame a target through the chain; the radar is told that it stands."""
    for number, what in enumerate(targets):
        rng = np.random.default_rng([seed, number])
        frame = cube(what, chain.waveform, device, weather, rng)
        found = chain.step(Stamped(number, 0, 0, "radar", frame), np.zeros(2)).value
        yield _judged(what, found)


def _judged(what: Target, found: RadarDetections) -> Outcome:
    truth = np.array([what.range_m, what.velocity_mps, what.azimuth_rad])
    measured = (found.range_m, found.radial_velocity_mps, found.azimuth_rad)
    error = np.stack(measured, axis=1) - truth
    near = (np.abs(error) < np.array([NEAR_M, NEAR_MPS, NEAR_RAD])).all(axis=1)
    if not near.any():
        return Outcome(what, np.full(3, np.nan), np.nan, len(found))
    best = int(np.argmax(np.where(near, found.snr_db, -np.inf)))
    return Outcome(what, error[best], float(found.snr_db[best]), int(np.count_nonzero(~near)))
