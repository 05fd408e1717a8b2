"""Runs a node until it is interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from common.ros.errors import RosError
from common.ros.node import PipelineNode, Wiring
from common.ros.ros2 import ExternalShutdownException, TransitionCallbackReturn, rclpy


def run(
    wiring: Wiring[Any, Any, Any], *, autostart: bool = False, arguments: Sequence[str] = ()
) -> None:
    """Spin the node until SIGINT, SIGTERM or the context's end.

    autostart: configure and activate at once, for use without a lifecycle manager; RosError if
        that fails. arguments: as on a ROS command line, e.g. ("--ros-args", "-p", "rate:=5.0").
    """
    rclpy.init(args=[wiring.name, *arguments])
    node: PipelineNode[Any, Any, Any] | None = None
    try:
        node = PipelineNode(wiring)
        if autostart:
            _start(node)
        with suppress(KeyboardInterrupt, ExternalShutdownException):
            rclpy.spin(node)
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def _start(node: PipelineNode[Any, Any, Any]) -> None:
    for name, trigger in (
        ("configured", node.trigger_configure),
        ("activated", node.trigger_activate),
    ):
        if trigger() != TransitionCallbackReturn.SUCCESS:
            raise RosError(f"{node.get_name()} could not be {name}; its log says why")
