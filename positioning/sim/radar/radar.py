"""A simulated radar on a simulated road."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.types.radar import RadarCube
from positioning.radar.waveform import Waveform
from positioning.sim.radar.device import Device, Interferer, Rain
from positioning.sim.radar.paths import trace
from positioning.sim.radar.rain import rain_echo
from positioning.sim.radar.samples import convert
from positioning.sim.radar.scatterers import Eye, Mount, scatterers
from positioning.sim.road.world import World

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedRadar:
    """`frame` makes what the converter would give; the same arguments give the same frame."""

    world: World
    waveform: Waveform = field(default_factory=Waveform)
    device: Device = field(default_factory=Device)
    mount: Mount = field(default_factory=Mount)
    rain: Rain | None = None
    interferers: Sequence[Interferer] = ()

    def frame(self, time_s: float, rng: np.random.Generator) -> RadarCube:
        """The frame whose middle is at `time_s`."""
        eye = self._eye(time_s)
        paths = trace(scatterers(eye), eye.walls(), self.waveform, self.device, self.rain)
        extra = []
        if self.rain is not None:
            forward = float(self.velocity_mps(time_s)[0])
            extra.append(rain_echo(self.waveform, self.device, self.rain, forward, rng))
        return convert(self.waveform, self.device, paths, rng, self.interferers, extra)

    def velocity_mps(self, time_s: float) -> Floats:
        """(2,) the radar's own velocity in its own frame, as wheel and gyro would tell it."""
        step = self.waveform.frame_s / 2
        eye = self._eye(time_s)
        moved = eye.position_m(time_s + step) - eye.position_m(time_s - step)
        cos, sin = np.cos(eye.yaw_rad(time_s)), np.sin(eye.yaw_rad(time_s))
        forward, left = cos * moved[0] + sin * moved[1], cos * moved[1] - sin * moved[0]
        return np.array([forward, left]) / (2 * step)

    def _eye(self, time_s: float) -> Eye:
        return Eye(self.world, self.mount, time_s, self.waveform.frame_s)
