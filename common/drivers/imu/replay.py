"""A recorded IMU."""

from __future__ import annotations

from typing import ClassVar

from common.drivers.imu.config import ReplayImuConfig
from common.drivers.imu.message import IMU
from common.drivers.replay import ReplayDriver
from common.types.imu import ImuSample


class ReplayImu(ReplayDriver[ImuSample]):
    """A topic of sensor_msgs/msg/Imu of an MCAP file."""

    Config: ClassVar[type[ReplayImuConfig]] = ReplayImuConfig

    def __init__(self, config: ReplayImuConfig) -> None:
        super().__init__(
            config.path, IMU, topic=config.topic, pace=config.pace, frame_id=config.frame_id
        )
