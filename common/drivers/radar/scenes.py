"""What a simulated radar measures. Who may be named: `simulated.scenes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from common.types.radar import RadarCube, RadarPoints


class PointScene(Protocol):
    """A radar with its own chain on something that it sees."""

    def measure(self, number: int, time_s: float, rng: np.random.Generator) -> RadarPoints:
        """The points of frame `number`, whose middle is at `time_s` since it was connected.

        All noise is drawn from `rng`: the same arguments give the same points.
        """
        ...


class SampleScene(Protocol):
    """A radar whose samples are read out."""

    def sample(self, number: int, time_s: float, rng: np.random.Generator) -> RadarCube:
        """The samples of frame `number`, as `PointScene.measure`."""
        ...


@dataclass(frozen=True)
class Passing:
    """One car that passes at `offset_m` to the left, from 40 m ahead, again and again."""

    speed_mps: float = 10.0
    offset_m: float = 3.0
    sigma_m: float = 0.05

    def measure(self, number: int, time_s: float, rng: np.random.Generator) -> RadarPoints:
        ahead = 40.0 - (self.speed_mps * time_s) % 36.0
        distance = float(np.hypot(ahead, self.offset_m))
        rate = -self.speed_mps * ahead / distance
        azimuth = float(np.arctan2(self.offset_m, ahead))
        seen = abs(distance + float(rng.normal(0, self.sigma_m)))
        return RadarPoints.of(np.array([[seen, azimuth, 0.0, rate, 30.0 - distance / 4]]))


@dataclass(frozen=True)
class Tone:
    """A standing target in range bin `bin` of every chirp, with thermal noise."""

    loops: int = 128
    transmitters: int = 3
    receivers: int = 4
    samples: int = 256
    bin: float = 20.0
    amplitude: float = 100.0
    sigma: float = 2.0

    def sample(self, number: int, time_s: float, rng: np.random.Generator) -> RadarCube:
        shape = (self.loops, self.transmitters, self.receivers, self.samples, 2)
        turn = 2 * np.pi * self.bin / self.samples * np.arange(self.samples)
        wave = self.amplitude * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        noise = rng.standard_normal(shape, np.float32) * np.float32(self.sigma)
        return RadarCube(np.clip(np.rint(wave + noise), -32768, 32767).astype(np.int16))


def passing(**parameters: Any) -> PointScene:
    """A `Passing`."""
    return Passing(**parameters)


def tone(**parameters: Any) -> SampleScene:
    """A `Tone`."""
    return Tone(**parameters)
