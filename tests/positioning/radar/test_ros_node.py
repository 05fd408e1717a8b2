"""Frames of samples in, clouds of points out."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from common.drivers.base import ConfigError
from common.types.radar import RadarCube, RadarPoints
from common.types.stamped import Stamped
from positioning.radar.waveform import RadarError
from positioning.sim.radar.radar import SimulatedRadar
from positioning.sim.road.scenario import street
from tests.common.ros.conftest import ros_context, ros_environment

__all__ = ["ros_context", "ros_environment"]

rclpy = pytest.importorskip("rclpy", reason="needs lingnan[ros]")
pytestmark = [
    pytest.mark.positioning,
    pytest.mark.ros,
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),
]

from common.ros.errors import MessageError  # noqa: E402
from positioning.radar import ros_node  # noqa: E402


def _frame() -> Stamped[ros_node.Frame]:
    cube = SimulatedRadar(street(3)).frame(1.0, np.random.default_rng(0))
    return Stamped(7, 5, 1_500_000_002, "bumper", cube)


def test_a_street_comes_out_as_a_cloud_of_its_points() -> None:
    frame = _frame()
    sent = ros_node.cube_from_message(ros_node.cube_to_message(frame), 7)
    assert isinstance(sent.value, RadarCube) and isinstance(frame.value, RadarCube)
    np.testing.assert_array_equal(sent.value.adc, frame.value.adc)
    with ros_node.open_chain(ros_node.RadarRosConfig) as step:
        found = step(frame)
        assert step(frame.with_value(found.value)).value is found.value
    assert len(found.value) > 5
    message = ros_node.points_to_message(found)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (1, 500_000_002)
    assert message.width == len(found.value) and message.header.frame_id == "bumper"
    first = np.frombuffer(bytes(message.data), "<f4")[:3]
    np.testing.assert_allclose(first, found.value.xyz_m[0], rtol=1e-6)
    again = ros_node.points_from_message(message, 7)
    np.testing.assert_allclose(again.value.table, found.value.table, rtol=1e-4, atol=1e-5)
    assert again.host_time_ns == frame.host_time_ns


def test_a_cube_of_another_shape_is_named() -> None:
    small = Stamped(0, 0, 0, "radar", RadarCube(np.zeros((4, 1, 2, 8, 2), np.int16)))
    with (
        ros_node.open_chain(ros_node.RadarRosConfig) as step,
        pytest.raises(RadarError, match=r"4.*8"),
    ):
        step(small)


def test_what_does_not_add_up_is_refused() -> None:
    message = ros_node.cube_to_message(_frame())
    message.data = message.data[:-2]
    with pytest.raises(MessageError, match="a layout of"):
        ros_node.cube_from_message(message, 0)
    message.layout.dim = message.layout.dim[:2]
    with pytest.raises(MessageError, match="a layout of"):
        ros_node.cube_from_message(message, 0)
    cloud = ros_node.points_to_message(
        Stamped(0, 0, 0, "radar", RadarPoints.of(np.array([[9.0, 0.1, 0.0, -3.0, 12.0]])))
    )
    cloud.width = 2
    with pytest.raises(MessageError, match="2 points"):
        ros_node.points_from_message(cloud, 0)
    cloud.fields = cloud.fields[:3]
    with pytest.raises(MessageError, match="fields"):
        ros_node.points_from_message(cloud, 0)


def test_no_number_nothing_and_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = ros_node.points_to_message(
        Stamped(0, 0, 0, "radar", RadarPoints.of(np.array([[9.0, 0.1, 0.0, -3.0, 12.0]])))
    )
    broken = np.frombuffer(bytes(cloud.data), "<f4").copy()
    broken[0] = np.nan
    cloud.data = type(cloud.data)(cloud.data.typecode, broken.tobytes())
    with pytest.raises(MessageError, match=r"PointCloud2: .*NaN"):
        ros_node.points_from_message(cloud, 0)
    message = ros_node.cube_to_message(_frame())
    message.layout.data_offset = 2
    with pytest.raises(MessageError, match="an offset"):
        ros_node.cube_from_message(message, 0)
    message.layout.data_offset = 0
    monkeypatch.setattr(ros_node, "MAX_SAMPLES", 1000)
    with pytest.raises(MessageError, match="over 1000"):
        ros_node.cube_from_message(message, 0)
    message.data = message.data[:0]
    message.layout.dim[0].size = 0
    with pytest.raises(MessageError, match="a frame of samples"):
        ros_node.cube_from_message(message, 0)


def test_a_radar_is_named_by_its_kind() -> None:
    assert ros_node.open_radar(ros_node.RadarRosConfig()) is None
    driver = ros_node.open_radar(ros_node.RadarRosConfig(radar={"kind": "radar", "type": "sim"}))
    assert driver is not None and driver.spec.kind == "radar"
    with pytest.raises(ConfigError, match="kind is one of"):
        ros_node.open_radar(ros_node.RadarRosConfig(radar={"kind": "camera", "type": "sim"}))


@pytest.mark.parametrize("source", ["samples", "driver"])
def test_a_running_node_tells_points(ros_context: Any, source: str) -> None:
    """Frames on its topic, or a simulated sensor of its own; clouds on `points`."""
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.parameter import Parameter
    from rclpy.qos import qos_profile_sensor_data

    from common.ros.node import PipelineNode

    sensor = '{"kind": "radar", "type": "sim"}' if source == "driver" else "{}"
    overrides = [Parameter("radar", value=sensor)]
    node: Any = PipelineNode(ros_node.WIRING, context=ros_context, parameter_overrides=overrides)
    other = rclpy.create_node("other", context=ros_context)
    sent = ros_node.cube_to_message(_frame())
    samples = other.create_publisher(type(sent), "samples", qos_profile_sensor_data)
    heard: list[Any] = []
    cloud = ros_node.PointCloud2
    other.create_subscription(cloud, "points", heard.append, qos_profile_sensor_data)
    executor = SingleThreadedExecutor(context=ros_context)
    executor.add_node(node)
    executor.add_node(other)
    node.trigger_configure()
    node.trigger_activate()
    end = time.monotonic() + 60.0
    while not heard and time.monotonic() < end:
        if source == "samples":
            samples.publish(sent)
        until = time.monotonic() + 1.0
        while not heard and time.monotonic() < until:
            executor.spin_once(timeout_sec=0.05)
    executor.shutdown()
    node.destroy_node()
    other.destroy_node()
    told = ros_node.points_from_message(heard[0], 0)
    assert told.frame_id == ("radar" if source == "samples" else heard[0].header.frame_id)
    assert len(told.value) > (5 if source == "samples" else 0)
    if source == "samples":
        with ros_node.open_chain(ros_node.RadarRosConfig) as step:
            alone = step(_frame())
        np.testing.assert_allclose(told.value.xyz_m, alone.value.xyz_m, rtol=1e-5, atol=1e-4)
