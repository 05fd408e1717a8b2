"""Height maps as a ROS 2 lifecycle node: heights in, flaws with depths out.

python -m inspection.relief.ros_node --ros-args -p recipe:=wafer-die -r heights:=/sensor/heights

Heights come as sensor_msgs/Image of encoding 32FC1 in um, NaN where nothing was seen; flaws go as
JSON in std_msgs/String, with the fields of `lingnan inspection relief --json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field

from common.drivers.base import ConfigError, Driver
from common.drivers.registry import create
from common.errors import LingnanError
from common.ros.convert import IMAGE, MAX_TEXT_BYTES, Codec
from common.ros.errors import MessageError
from common.ros.node import Wiring
from common.ros.ros2 import String
from common.ros.run import run
from common.types.heightmap import HeightMap
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.relief.classify import shipped
from inspection.relief.lateral import UNKNOWN
from inspection.relief.pipeline import inspect
from inspection.relief.recipes import recipe
from inspection.relief.run import record
from inspection.relief.sensorfile import read

Heights = Image | HeightMap
Found = dict[str, Any]
Step = Callable[[Stamped[Heights]], Stamped[Found]]


class ReliefRosConfig(BaseModel):
    """The node's parameters.

    recipe: the product. sensor: path of a file that `relief-sensor` wrote. um_per_px: pitch of
    maps from the topic. profiler: a height sensor's config; empty takes maps from the topic.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: str = ""
    sensor: str = ""
    um_per_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5.0
    profiler: dict[str, Any] = Field(default_factory=dict)


@contextmanager
def open_relief(current: Callable[[], ReliefRosConfig]) -> Iterator[Step]:
    """The step; LingnanError when recipe or sensor cannot be had."""
    config = current()
    if not config.recipe:
        raise ConfigError("the parameter `recipe` names no product: -p recipe:=wafer-die")
    chosen, kinds = recipe(config.recipe), shipped()
    sensor = read(Path(config.sensor)) if config.sensor else UNKNOWN

    def step(sample: Stamped[Heights]) -> Stamped[Found]:
        seen = heights(sample.value, config.um_per_px)
        return sample.with_value(record(inspect(seen, chosen, kinds, sensor)))

    yield step


def heights(value: Heights, um_per_px: float) -> HeightMap:
    """A driver's map as it is; an image of heights at this pitch. ValueError for other images."""
    if isinstance(value, HeightMap):
        return value
    if value.encoding != "32FC1":
        raise ValueError(f"heights come as 32FC1 in um, not as {value.encoding}")
    return HeightMap(value.pixels, um_per_px)


def open_profiler(config: ReliefRosConfig) -> Driver[Heights] | None:
    """The sensor that the parameters name, not open yet."""
    return create({**config.profiler, "kind": "profiler"}) if config.profiler else None


def found_to_message(sample: Stamped[Found]) -> Any:
    """std_msgs/String with the record, and the stamp and frame of its map."""
    told = {"stamp_ns": sample.host_time_ns, "frame_id": sample.frame_id, "seq": sample.seq}
    text = json.dumps({**told, **sample.value}, allow_nan=False, separators=(",", ":"))
    return String(data=text)


def found_from_message(message: Any, seq: int) -> Stamped[Found]:
    """The record back. MessageError says why not."""
    if len(message.data) > MAX_TEXT_BYTES:
        raise MessageError(f"flaws of {len(message.data)} bytes, over {MAX_TEXT_BYTES}")
    try:
        told = json.loads(message.data)
        stamp_ns, frame_id = int(told.pop("stamp_ns")), str(told.pop("frame_id"))
        told.pop("seq")
        return Stamped(seq, stamp_ns, stamp_ns, frame_id, told)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MessageError(f"flaws message: {error!r}") from None


FLAWS: Codec[Found] = Codec(String, found_to_message, found_from_message)
WIRING = Wiring(
    name="inspection_relief",
    config=ReliefRosConfig(),
    pipeline=open_relief,
    subscribes=(cast("Codec[Heights]", IMAGE), "heights"),
    publishes=(FLAWS, "flaws"),
    driver=open_profiler,
)


def main() -> None:
    """Configure, activate and spin."""
    try:
        run(WIRING, autostart=True, arguments=sys.argv[1:])
    except LingnanError as error:
        sys.exit(f"inspection, relief: {error}")


if __name__ == "__main__":
    main()
