"""Publishes a simulated camera's images as a lifecycle node that starts by itself."""

from contextlib import nullcontext

from pydantic import BaseModel

from common.drivers.camera.config import SimCameraConfig
from common.drivers.registry import create
from common.ros.convert import IMAGE
from common.ros.node import Wiring
from common.ros.run import run

SIZE = {"height_px": 480, "width_px": 640}


class Config(BaseModel):
    camera: SimCameraConfig = SimCameraConfig(**SIZE, parameters=SIZE, rate_hz=20.0)


run(
    Wiring(
        name="camera",
        config=Config(),
        pipeline=lambda current: nullcontext(lambda sample: sample),
        subscribes=(IMAGE, "unused"),
        publishes=(IMAGE, "image"),
        driver=lambda config: create(config.camera),
    ),
    autostart=True,
)
