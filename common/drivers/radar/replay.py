"""A recorded radar."""

from __future__ import annotations

from typing import ClassVar

from common.drivers.radar.config import ReplayRadarConfig
from common.drivers.radar.message import POINTS
from common.drivers.replay import ReplayDriver
from common.types.radar import RadarPoints


class ReplayRadar(ReplayDriver[RadarPoints]):
    """A topic of points of an MCAP file."""

    Config: ClassVar[type[ReplayRadarConfig]] = ReplayRadarConfig

    def __init__(self, config: ReplayRadarConfig) -> None:
        super().__init__(
            config.path,
            POINTS,
            topic=config.topic,
            pace=config.pace,
            frame_id=config.frame_id,
        )
