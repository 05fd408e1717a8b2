"""The lifecycle node: what each transition opens and closes, and what its parameters allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import BaseModel, Field

pytest.importorskip("rclpy", reason="needs lingnan[ros]")
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data

from common.drivers.base import State
from common.drivers.camera.config import SimCameraConfig
from common.drivers.registry import create
from common.errors import LingnanError
from common.ros.convert import DETECTIONS, IMAGE
from common.ros.errors import ParameterError
from common.ros.node import PipelineNode, Wiring
from common.types.detections import Detections
from common.types.image import Image
from common.types.stamped import Stamped

pytestmark = [
    pytest.mark.common,
    pytest.mark.ros,
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),  # of lark, for rosidl
]


class Config(BaseModel):
    threshold: Annotated[float, Field(ge=0, le=255, json_schema_extra={"live": True})] = 10.0
    model: str = "good"
    tags: list[str] = Field(default_factory=list)
    camera: SimCameraConfig | None = None


@dataclass
class Story:
    """What happened to the pipeline, in order, and what it answers with."""

    events: list[str] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    current: Callable[[], Config] = Config
    step_error: Exception | None = None

    @contextmanager
    def pipeline(self, current: Callable[[], Config]) -> Iterator[Callable[[Stamped[Image]], Any]]:
        config = current()
        self.current = current
        if config.model == "missing":
            raise LingnanError("missing.onnx: no such file")
        if config.model == "broken":
            raise ZeroDivisionError
        self.events.append("opened")
        yield self.step
        self.events.append("closed")

    def step(self, sample: Stamped[Image]) -> Stamped[Detections]:
        if self.step_error:
            raise self.step_error
        self.thresholds.append(self.current().threshold)
        self.seen.append(int(sample.value.pixels[0, 0]))
        return sample.with_value(Detections())


class World:
    """A node under test beside a plain node that publishes images and hears results."""

    def __init__(self, context: Any, **options: Any) -> None:
        self.story = Story()
        wiring = Wiring(
            name="under_test",
            config=Config(),
            pipeline=self.story.pipeline,
            subscribes=(IMAGE, "image"),
            publishes=(DETECTIONS, "detections"),
            driver=lambda config: create(config.camera) if config.camera else None,
        )
        self.node: PipelineNode = PipelineNode(wiring, context=context, **options)
        import rclpy

        self.other = rclpy.create_node("other", context=context)
        self.images = self.other.create_publisher(IMAGE.message, "image", qos_profile_sensor_data)
        self.heard: list[Any] = []
        self.reports: list[Any] = []
        self.other.create_subscription(
            DETECTIONS.message, "detections", self.heard.append, qos_profile_sensor_data
        )
        self.other.create_subscription(DiagnosticArray, "/diagnostics", self.reports.append, 10)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.other)

    @property
    def state(self) -> str:
        return str(self.node._state_machine.current_state[1])

    def until(self, done: Callable[[], object], timeout_s: float = 30.0) -> bool:
        end = time.monotonic() + timeout_s
        while not done() and time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.05)
        return bool(done())

    def show(self, grey: int) -> None:
        image = Image(np.full((4, 4), grey, np.uint8))
        self.images.publish(IMAGE.encode(Stamped(0, 0, 5_000 + grey, "f", image)))

    def show_until(self, grey: int, done: Callable[[], object]) -> bool:
        def publish_and_check() -> object:
            self.show(grey)
            return done()

        return self.until(publish_and_check)

    def set(self, name: str, value: Any) -> Any:
        return self.node.set_parameters([Parameter(name, value=value)])[0]

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()


@pytest.fixture
def world(ros_context: Any) -> Iterator[World]:
    made = World(ros_context)
    yield made
    made.close()


def test_results_flow_only_while_active(world: World) -> None:
    world.show(1)
    assert not world.until(lambda: world.heard, 0.3)
    world.node.trigger_configure()
    assert world.story.events == ["opened"]
    world.show(2)
    assert not world.until(lambda: world.heard, 0.3)
    world.node.trigger_activate()
    assert world.show_until(3, lambda: world.heard)
    result = DETECTIONS.decode(world.heard[0], 0)
    assert (result.host_time_ns, result.frame_id) == (5_003, "f")  # the image's own stamp
    world.node.trigger_deactivate()
    count = len(world.story.seen)
    world.show(4)
    world.until(lambda: False, 0.3)
    assert len(world.story.seen) == count
    assert set(world.story.seen) == {3}
    world.node.trigger_cleanup()
    assert world.story.events == ["opened", "closed"]
    assert world.state == "unconfigured"


def test_it_can_be_configured_again_and_destroyed_while_active(world: World) -> None:
    for _ in range(2):
        world.node.trigger_configure()
        world.node.trigger_activate()
        world.node.trigger_deactivate()
        world.node.trigger_cleanup()
    world.node.trigger_configure()
    world.node.trigger_activate()
    assert world.show_until(1, lambda: world.heard)
    world.node.destroy_node()
    assert world.story.events == ["opened", "closed"] * 3


@pytest.mark.parametrize("model", ["missing", "broken"])
def test_a_pipeline_that_does_not_open_leaves_the_node_unconfigured(world, model: str) -> None:
    assert world.set("model", model).successful
    world.node.trigger_configure()
    assert world.state == "unconfigured"
    assert world.set("model", "good").successful
    world.node.trigger_configure()
    assert world.state == "inactive"


def test_one_bad_sample_does_not_end_the_stream(world: World) -> None:
    world.node.trigger_configure()
    world.node.trigger_activate()
    world.story.step_error = RuntimeError("bad part")
    assert world.show_until(1, lambda: world.node.health.state is State.DEGRADED)
    assert "RuntimeError: bad part" in world.node.health.reason
    world.story.step_error = None
    assert world.show_until(2, lambda: world.heard)
    assert world.node.health.state is State.READY


def test_a_message_that_contradicts_itself_is_counted_and_passed_over(world: World) -> None:
    world.node.trigger_configure()
    world.node.trigger_activate()
    broken = IMAGE.encode(Stamped(0, 0, 0, "f", Image(np.zeros((4, 4), np.uint8))))
    broken.step = 3

    def publish_broken() -> bool:
        world.images.publish(broken)
        return world.node.health.counters.corrupt > 0

    assert world.until(publish_broken)
    assert world.node.health.state is State.DEGRADED
    assert world.story.seen == []
    assert world.show_until(7, lambda: world.heard)
    assert world.node.health.state is State.READY


def test_parameters_are_described_and_bounded(world: World) -> None:
    descriptor = world.node.describe_parameter("threshold")
    (bounds,) = descriptor.floating_point_range
    assert (bounds.from_value, bounds.to_value) == (0.0, 255.0)
    assert "read-only" in world.node.describe_parameter("model").additional_constraints
    assert not world.set("threshold", 256.0).successful
    assert not world.set("camera", "[1").successful
    assert "camera" in world.set("camera", "[1").reason
    assert world.set("tags", ["a", "b"]).successful
    assert world.set("tags", []).successful
    assert not world.set("tags", [1]).successful
    unset = world.node.set_parameters([Parameter("tags", Parameter.Type.NOT_SET)])[0]
    assert "cannot be unset" in unset.reason


def test_while_active_only_live_parameters_change(world: World) -> None:
    world.node.trigger_configure()
    world.node.trigger_activate()
    assert world.show_until(1, lambda: 10.0 in world.story.thresholds)
    assert world.set("threshold", 20.0).successful
    assert world.show_until(1, lambda: 20.0 in world.story.thresholds)
    assert not world.set("threshold", -1.0).successful
    assert world.story.current().threshold == 20.0
    refused = world.set("model", "other")
    assert not refused.successful
    assert "read-only while the node is active" in refused.reason
    world.node.trigger_deactivate()
    assert world.set("model", "other").successful


@pytest.mark.parametrize(
    ("name", "value"), [("threshold", 300.0), ("threshold", "x"), ("camera", "{")]
)
def test_refused_overrides_stop_the_node_by_name(ros_context: Any, name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=name):
        World(ros_context, parameter_overrides=[Parameter(name, value=value)])


def test_a_driver_that_cannot_deliver_is_told(ros_context: Any) -> None:
    camera = SimCameraConfig(height_px=8, width_px=8)  # its scene is of another size
    override = Parameter("camera", value=camera.model_dump_json())
    world = World(ros_context, parameter_overrides=[override])
    try:
        world.node.trigger_configure()
        world.node.trigger_activate()
        assert world.until(lambda: world.node.health.state is State.UNAVAILABLE)
        assert world.until(
            lambda: any(
                status.level == DiagnosticStatus.ERROR and "the camera has" in status.message
                for report in world.reports
                for status in report.status
            )
        )
        world.node.trigger_deactivate()
        assert world.state == "inactive"
    finally:
        world.close()


def test_a_driver_as_the_source(ros_context: Any) -> None:
    size = {"height_px": 8, "width_px": 8}
    camera = SimCameraConfig(**size, parameters=size, rate_hz=50.0)
    override = Parameter("camera", value=camera.model_dump_json())
    world = World(ros_context, parameter_overrides=[override])
    try:
        world.node.trigger_configure()
        world.node.trigger_activate()
        assert world.until(lambda: len(world.heard) >= 3)
        stamps = [DETECTIONS.decode(message, 0).host_time_ns for message in world.heard]
        assert sorted(set(stamps)) == stamps
        assert world.until(
            lambda: any(
                status.level == DiagnosticStatus.OK
                and int({v.key: v.value for v in status.values}["published"]) >= 3
                for report in world.reports
                for status in report.status
            )
        )
        world.node.trigger_deactivate()
        count = len(world.story.seen)
        world.until(lambda: False, 0.2)
        assert len(world.story.seen) == count
    finally:
        world.close()
    assert world.story.events == ["opened", "closed"]
