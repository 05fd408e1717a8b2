"""Frames of hand-placed targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from common.types.radar import RadarCube
from common.types.stamped import Stamped
from positioning.radar.detections import RadarDetections
from positioning.radar.pipeline import RadarChain
from positioning.radar.settings import RadarSettings
from positioning.radar.waveform import Waveform
from positioning.sim.radar.device import Device
from positioning.sim.radar.paths import point_targets
from positioning.sim.radar.samples import convert

SMALL = Waveform(samples=128, loops=64)
QUIET = replace(Device(), phase_noise_dbc_hz=None)
STANDING = np.zeros(2)


def frame(
    targets: list[tuple[float, float, float, float]],
    waveform: Waveform = SMALL,
    device: Device = QUIET,
    seed: int = 0,
    elevation_rad: float = 0.0,
) -> Stamped[RadarCube]:
    """Targets as (range m, range rate m/s, azimuth rad, m2), all at one elevation."""
    values = np.array(targets, np.float64).reshape(-1, 4)
    level = np.cos(elevation_rad)
    toward = np.stack(
        [
            level * np.cos(values[:, 2]),
            level * np.sin(values[:, 2]),
            np.full(len(values), np.sin(elevation_rad)),
        ],
        axis=1,
    )
    place, velocity = values[:, :1] * toward, values[:, 1:2] * toward
    paths = point_targets(place, velocity, values[:, 3], waveform, device)
    cube = convert(waveform, device, paths, np.random.default_rng(seed))
    return Stamped(seed, 0, 0, "radar", cube)


def found(
    sample: Stamped[RadarCube], waveform: Waveform = SMALL, **more: object
) -> RadarDetections:
    """What the chain makes of it, told that the radar stands."""
    settings = RadarSettings.model_validate(more)
    return RadarChain(waveform, settings).step(sample, STANDING).value
