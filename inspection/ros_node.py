"""Inspection as a ROS 2 lifecycle node: images in, detections out.

python -m inspection.ros_node --ros-args -p job:=part.job -r image:=/camera/image_raw
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from common.drivers.base import ConfigError, Driver
from common.drivers.registry import create
from common.errors import LingnanError
from common.ros.convert import DETECTIONS, IMAGE
from common.ros.node import Wiring
from common.ros.run import run
from common.types.detections import Detections
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.job import Job
from inspection.layouts.load import read_image
from inspection.pipeline import Pipeline


class RosConfig(BaseModel):
    """The node's parameters.

    job: path of the job file. reference: path of the golden image, for jobs that compare.
    um_per_px: edge of a pixel on the part, in micrometres.
    camera: a camera's config; empty takes images from the topic.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    job: str = ""
    reference: str = ""
    um_per_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0
    camera: dict[str, Any] = Field(default_factory=dict)


Step = Callable[[Stamped[Image]], Stamped[Detections]]


@contextmanager
def open_pipeline(current: Callable[[], RosConfig]) -> Iterator[Step]:
    """The step with what was found as its result; LingnanError when the job cannot be had."""
    config = current()
    if not config.job:
        raise ConfigError("the parameter `job` names no job file: -p job:=part.job")
    reference = read_image(Path(config.reference)) if config.reference else None
    pipeline = Pipeline(Job.load(Path(config.job)).method(), reference, config.um_per_px)

    def step(sample: Stamped[Image]) -> Stamped[Detections]:
        result = pipeline.step(sample)
        return result.with_value(result.value.finding.found)

    yield step


def open_camera(config: RosConfig) -> Driver[Image] | None:
    """The camera that the parameters name, not open yet."""
    return create({**config.camera, "kind": "camera"}) if config.camera else None


WIRING = Wiring(
    name="inspection",
    config=RosConfig(),
    pipeline=open_pipeline,
    subscribes=(IMAGE, "image"),
    publishes=(DETECTIONS, "detections"),
    driver=open_camera,
)


def main() -> None:
    """Configure, activate and spin."""
    try:
        run(WIRING, autostart=True, arguments=sys.argv[1:])
    except LingnanError as error:
        sys.exit(f"inspection: {error}")


if __name__ == "__main__":
    main()
