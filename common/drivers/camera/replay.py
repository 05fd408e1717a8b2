"""A recorded camera."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from common.drivers.camera.config import ReplayCameraConfig
from common.drivers.camera.message import IMAGE
from common.drivers.replay import ReplayDriver
from common.types.image import Image


class ReplayCamera(ReplayDriver[Image]):
    """An image topic of an MCAP file; `um_per_px` fills in where the recording has none."""

    Config: ClassVar[type[ReplayCameraConfig]] = ReplayCameraConfig

    def __init__(self, config: ReplayCameraConfig) -> None:
        def calibrated(image: Image) -> Image:
            known = image.um_per_px is not None
            return image if known else replace(image, um_per_px=config.um_per_px)

        super().__init__(
            config.path,
            IMAGE,
            topic=config.topic,
            pace=config.pace,
            frame_id=config.frame_id,
            amend=calibrated,
        )
