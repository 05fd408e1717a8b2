"""The int8 detector as a ROS 2 lifecycle node: images in, detections out.

python -m edge_deploy.ros_node --ros-args -r image:=/camera/image_raw

Computed by the proven integer forms: what is published here is what every target computes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from common.drivers.base import ConfigError, Driver
from common.drivers.registry import create
from common.errors import LingnanError
from common.ros.convert import DETECTIONS, IMAGE
from common.ros.node import Wiring
from common.ros.run import run
from common.runtime.weights import load
from common.types.detections import Detections
from common.types.image import Image
from common.types.stamped import Stamped
from edge_deploy.checksets import WEIGHTS
from edge_deploy.models.detector import parts
from edge_deploy.pipeline import prepare, prepare_bytes
from edge_deploy.pipeline import step as integers

SHIPPED = "detector_int8"


class RosConfig(BaseModel):
    """The node's parameters.

    model: path of a quantised detector with the outputs heat and size; empty takes the shipped
    one. camera: a camera's config; empty takes images from the topic.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = ""
    camera: dict[str, Any] = Field(default_factory=dict)


Step = Callable[[Stamped[Image]], Stamped[Detections]]


@contextmanager
def open_pipeline(current: Callable[[], RosConfig]) -> Iterator[Step]:
    """The step with what was detected as its result; LingnanError when the model cannot be had."""
    config = current()
    network = (
        prepare(Path(config.model))
        if config.model
        else prepare_bytes(load(WEIGHTS, SHIPPED).payload, SHIPPED)
    )
    if len(network.graph.outputs) != 2:
        told = len(network.graph.outputs)
        raise ConfigError(f"{config.model}: a detector has the outputs heat and size, this {told}")

    def step(sample: Stamped[Image]) -> Stamped[Detections]:
        found = integers(network, sample)
        return found.with_value(parts(network.graph, found.value))

    yield step


def open_camera(config: RosConfig) -> Driver[Image] | None:
    """The camera that the parameters name, not open yet."""
    return create({**config.camera, "kind": "camera"}) if config.camera else None


WIRING = Wiring(
    name="edge",
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
        sys.exit(f"edge: {error}")


if __name__ == "__main__":
    main()
