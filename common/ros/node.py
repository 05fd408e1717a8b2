"""A direction's pipeline as a ROS 2 lifecycle node.

Of the transitions (https://design.ros2.org/articles/node_lifecycle.html), configure opens the
pipeline and the driver, activate starts the samples, deactivate stops them, and cleanup closes
everything. A direction's `ros_node.py` holds a `Wiring` and nothing else:

    WIRING = Wiring(
        name="inspection",
        config=RosConfig(),                    # its fields become the parameters
        pipeline=open_pipeline,                # with open_pipeline(current) as step: step(sample)
        subscribes=(IMAGE, "image"),
        publishes=(DETECTIONS, "detections"),
        driver=lambda config: create(config.camera) if config.camera else None,
    )

    def main() -> None:
        run(WIRING)
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from common.drivers.base import Driver, Health, State
from common.errors import LingnanError
from common.ros.convert import Codec
from common.ros.declare import NodeParameters
from common.ros.diagnostics import PERIOD_S, TOPIC, diagnostics
from common.ros.ros2 import (
    DiagnosticArray,
    LifecycleNode,
    TransitionCallbackReturn,
    qos_profile_sensor_data,
)
from common.ros.sources import DriverSource, Source, TopicSource
from common.types.stamped import Stamped

C = TypeVar("C", bound=BaseModel)
I = TypeVar("I")  # noqa: E741 - input and output
O = TypeVar("O")  # noqa: E741

Step = Callable[[Stamped[I]], Stamped[O] | None]


@dataclass(frozen=True, slots=True)
class Wiring(Generic[C, I, O]):
    """What a direction says about its node.

    name: of the node. config: the defaults of the parameters.
    pipeline: gives the pure step while its context lasts; a step that returns None publishes
        nothing. It is called with `current`, which gives the configuration of the moment: fields
        marked live change while the step is in use, the others do not.
    subscribes, publishes: message type and topic; topics are relative, so they can be remapped.
    also: further messages and topics that tell of the same results.
    driver: a driver that is not open yet, or None where samples come from the topic.
    """

    name: str
    config: C
    pipeline: Callable[[Callable[[], C]], AbstractContextManager[Step[I, O]]]
    subscribes: tuple[Codec[I], str]
    publishes: tuple[Codec[O], str]
    driver: Callable[[C], Driver[I] | None] = lambda config: None
    also: tuple[tuple[Codec[O], str], ...] = ()


class PipelineNode(LifecycleNode, Generic[C, I, O]):  # type: ignore[misc] # rclpy is untyped here
    """The node of a `Wiring`. `node_options` go to rclpy's LifecycleNode (context, overrides)."""

    def __init__(self, wiring: Wiring[C, I, O], **node_options: Any) -> None:
        self._wiring = wiring
        self._is_active = False
        self._opened = ExitStack()
        self._source: Source[I] | None = None
        self._step: Step[I, O] | None = None
        self._outlets: list[tuple[Codec[O], Any]] = []
        self._published = self._failed = 0
        self._failure = ""
        self._told = State.READY  # the state last logged
        super().__init__(wiring.name, **node_options)
        try:
            self._settings = NodeParameters(self, wiring.config, lambda: self._is_active)
        except LingnanError:
            self.destroy_node()
            raise
        self._diagnostics = self.create_publisher(DiagnosticArray, TOPIC, 10)
        self.create_timer(PERIOD_S, self._report)

    @property
    def health(self) -> Health:
        """Of the source; DEGRADED while the pipeline fails on what the source gives."""
        health = self._source.health if self._source else Health(State.READY, "not configured")
        if self._failure and health.state is State.READY:
            return replace(health, state=State.DEGRADED, reason=self._failure)
        return health

    def on_configure(self, state: Any) -> Any:
        """Open the pipeline, then the driver. On failure everything is closed again."""
        return self._attempt("configure", self._open)

    def on_activate(self, state: Any) -> Any:
        """Let results out, then samples in."""
        return self._attempt(
            "activate", lambda: super(PipelineNode, self).on_activate(state), self._start
        )

    def on_deactivate(self, state: Any) -> Any:
        """Stop the samples, once the one in hand is published; then let nothing out."""
        return self._attempt(
            "deactivate", self._stop, lambda: super(PipelineNode, self).on_deactivate(state)
        )

    def on_cleanup(self, state: Any) -> Any:
        """Close the driver and the pipeline."""
        return self._attempt("clean up", self._close)

    def on_shutdown(self, state: Any) -> Any:
        """As cleanup, from any state."""
        return self._attempt("shut down", self._close)

    def on_error(self, state: Any) -> Any:
        """Close everything; the node can be configured again."""
        return self._attempt("recover", self._close)

    def destroy_node(self) -> None:
        """Close what is open, then the node."""
        self._close()
        super().destroy_node()

    def _attempt(self, what: str, *acts: Callable[[], object]) -> Any:
        """rclpy drops what a transition raises; here it is told."""
        try:
            for act in acts:
                act()
        except Exception as error:
            why = str(error) if isinstance(error, LingnanError) else repr(error)
            self.get_logger().error(f"could not {what}: {why}")
            return TransitionCallbackReturn.ERROR  # on_error closes; the node is unconfigured then
        return TransitionCallbackReturn.SUCCESS

    def _open(self) -> None:
        current, wiring = self._settings.current, self._wiring
        self._step = self._opened.enter_context(wiring.pipeline(current))
        driver = wiring.driver(current())
        source = DriverSource(driver) if driver else TopicSource(self, *wiring.subscribes)
        self._opened.callback(source.close)
        for told in (wiring.publishes, *wiring.also):
            self._advertise(*told)
        self._source = source

    def _advertise(self, codec: Codec[O], topic: str) -> None:
        made = self.create_lifecycle_publisher(codec.message, topic, qos_profile_sensor_data)
        self._opened.callback(self.destroy_lifecycle_publisher, made)
        self._outlets.append((codec, made))

    def _start(self) -> None:
        if self._source is not None:
            self._source.start(self._handle)
        self._is_active = True

    def _stop(self) -> None:
        self._is_active = False
        if self._source is not None:
            self._source.stop()

    def _close(self) -> None:
        self._stop()
        self._source = self._step = None
        self._outlets = []
        self._failure = ""
        self._opened.close()

    def _handle(self, sample: Stamped[I]) -> None:
        if self._step is None:
            return
        try:
            result = self._step(sample)
            if result is not None:
                self._publish(result)
                self._published += 1
            self._failure = ""
        except Exception as error:  # one bad sample must not end the stream
            self._failed += 1
            self._failure = f"sample {sample.seq}: {type(error).__name__}: {error}"
            self.get_logger().error(self._failure, throttle_duration_sec=1.0)

    def _publish(self, result: Stamped[O]) -> None:
        for codec, publisher in self._outlets:
            message = codec.encode(result)
            if message is not None:
                publisher.publish(message)

    def _report(self) -> None:
        facts = {"published": self._published, "failed": self._failed, "active": self._is_active}
        stamp = self.get_clock().now().to_msg()
        name = self.get_fully_qualified_name()
        health = self.health
        self._diagnostics.publish(diagnostics(name, health, facts, stamp))
        if health.state is not self._told:
            self._told = health.state
            self.get_logger().warning(f"{health.state.value} {health.reason}".rstrip())
