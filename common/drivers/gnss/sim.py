"""A simulated GNSS receiver."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from common.drivers.gnss.config import SimGnssConfig
from common.drivers.gnss.scenes import GnssScene
from common.drivers.gnss.view import declared, octets
from common.drivers.simulated import scenes
from common.drivers.simulated.freerun import FreeRunBackend, Measure, Pace
from common.drivers.stream import StreamDriver
from common.types.gnss import GnssEpoch


class SimGnss(StreamDriver[GnssEpoch]):
    """A receiver that hands over what a real one would. ConfigError when there is no such scene."""

    Config: ClassVar[type[SimGnssConfig]] = SimGnssConfig

    def __init__(self, config: SimGnssConfig) -> None:
        pace = Pace(config.rate_hz, config.realtime, config.drop_rate, config.seed)
        backend = FreeRunBackend(pace, lambda: _measure(config), config.scene)
        spec = declared("sim", config.frame_id, config.rate_hz, config.delivery)
        super().__init__(spec, backend, octets)


def _measure(config: SimGnssConfig) -> Measure[GnssEpoch]:
    scene: GnssScene = scenes.load(config.scene, config.parameters, "observe")

    def measure(number: int, time_s: float, rng: np.random.Generator) -> tuple[int, GnssEpoch]:
        epoch = scene.observe(time_s, rng)
        return epoch.time_ns, epoch.padded()

    return measure
