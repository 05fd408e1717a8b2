"""The simulated road for the radar drivers: `scene = "positioning.sim.radar.scene:road"`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from common.types.radar import RadarCube, RadarPoints
from common.types.stamped import Stamped
from positioning.radar.pipeline import RadarChain
from positioning.sim.radar.device import Rain
from positioning.sim.radar.radar import SimulatedRadar
from positioning.sim.road import scenario as scenarios
from positioning.sim.road.world import World

Name = Literal["street", "junction", "crossing"]
WORLDS: dict[str, Callable[[int], World]] = {
    "street": scenarios.street,
    "junction": scenarios.junction,
    "crossing": scenarios.crossing,
}


@dataclass(frozen=True, slots=True, eq=False)
class Road:
    """One scenario, over and over; gives samples, or the points that the chain finds in them."""

    radar: SimulatedRadar
    chain: RadarChain

    def sample(self, number: int, time_s: float, rng: np.random.Generator) -> RadarCube:
        """The samples of the frame whose middle is at `time_s`."""
        return self.radar.frame(time_s % self.radar.world.duration_s, rng)

    def measure(self, number: int, time_s: float, rng: np.random.Generator) -> RadarPoints:
        """The points of that frame."""
        cube = self.sample(number, time_s, rng)
        ego = self.radar.velocity_mps(time_s % self.radar.world.duration_s)
        return self.chain.step(Stamped(number, 0, 0, "radar", cube), ego).value.points()


def road(scenario: Name = "street", seed: int = 0, rain_mm_h: float = 0.0) -> Road:
    """A `Road`; the waveform is the default one, frames of (128, 3, 4, 256) samples."""
    if scenario not in WORLDS:
        raise ValueError(f"scenario {scenario!r} is none of {', '.join(WORLDS)}")
    rain = Rain(rain_mm_h) if rain_mm_h > 0 else None
    return Road(SimulatedRadar(WORLDS[scenario](seed), rain=rain), RadarChain())
