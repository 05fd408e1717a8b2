"""A camera node and a finder node in processes of their own, managed and heard from here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs lingnan[ros]")
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data

from common.ros.convert import DETECTIONS, IMAGE

pytestmark = [
    pytest.mark.common,
    pytest.mark.ros,
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),  # of lark, for rosidl
]
HERE = Path(__file__).parent
PATIENCE_S = 60.0  # discovery on a loaded machine


@pytest.fixture
def processes(ros_environment: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    environment = os.environ | ros_environment
    started = [
        subprocess.Popen([sys.executable, str(HERE / name)], env=environment)
        for name in ("image_process.py", "finder_process.py")
    ]
    yield started
    for process in started:
        process.kill()
        process.wait()


class Manager:
    """This process: calls services and collects messages, all with time-outs."""

    def __init__(self, context: Any) -> None:
        self.node = rclpy.create_node("manager", context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.images: dict[int, Any] = {}
        self.found: dict[int, Any] = {}
        self._collect(IMAGE, "image", self.images)
        self._collect(DETECTIONS, "detections", self.found)

    def _collect(self, codec: Any, topic: str, into: dict[int, Any]) -> None:
        def receive(message: Any) -> None:
            sample = codec.decode(message, len(into))
            into[sample.host_time_ns] = sample.value

        self.node.create_subscription(codec.message, topic, receive, qos_profile_sensor_data)

    def until(self, done: Callable[[], object], timeout_s: float = PATIENCE_S) -> bool:
        end = time.monotonic() + timeout_s
        while not done() and time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.05)
        return bool(done())

    def call(self, kind: type, name: str, request: Any) -> Any:
        client = self.node.create_client(kind, name)
        assert self.until(client.service_is_ready), f"{name} did not appear"
        answer = client.call_async(request)
        assert self.until(answer.done), f"{name} did not answer"
        return answer.result()

    def change(self, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.call(ChangeState, "/finder/change_state", request).success)

    def set_level(self, level: int) -> Any:
        parameter = Parameter("level", value=level).to_parameter_msg()
        request = SetParameters.Request(parameters=[parameter])
        return self.call(SetParameters, "/finder/set_parameters", request).results[0]

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()


def _bright_box(pixels: np.ndarray, level: int) -> list[int]:
    """The truth, computed here from the image that arrived here."""
    columns = np.flatnonzero((pixels > level).any(0))
    rows = np.flatnonzero((pixels > level).any(1))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


@pytest.mark.timeout(300)
def test_images_cross_and_come_back_as_detections(ros_context: Any, processes) -> None:
    manager = Manager(ros_context)
    try:
        assert manager.until(lambda: len(manager.images) >= 3), "no image arrived"
        assert not manager.found  # the finder is not active yet
        assert manager.set_level(150).successful
        assert manager.change(Transition.TRANSITION_CONFIGURE)
        assert manager.change(Transition.TRANSITION_ACTIVATE)
        refused = manager.set_level(99)
        assert not refused.successful
        assert "read-only while the node is active" in refused.reason
        assert manager.until(lambda: len(manager.found.keys() & manager.images.keys()) >= 10)
        for stamp in manager.found.keys() & manager.images.keys():
            pixels, found = manager.images[stamp].pixels, manager.found[stamp]
            assert found.boxes_px[0].tolist() == _bright_box(pixels, 150)
            assert found.scores[0] == pytest.approx(pixels.mean(), rel=1e-6)
        assert manager.change(Transition.TRANSITION_DEACTIVATE)
        state = manager.call(GetState, "/finder/get_state", GetState.Request())
        assert state.current_state.label == "inactive"
    finally:
        manager.close()
    for process in processes:  # an orderly end on SIGINT, as from a launch file
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_S) == 0
