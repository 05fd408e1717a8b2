"""Places as odometry: frames, what is told of the way, and the node in a running graph."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import Any

import numpy as np
import pytest

from positioning.gnss import geodesy
from positioning.gnss.formats.epochs import split
from positioning.gnss.solution import Quality
from positioning.odometry import Odometry
from positioning.pipeline import Place
from positioning.sim.gnss.scenario import Drive, Scenario, simulate
from tests.common.ros.conftest import ros_context, ros_environment

__all__ = ["ros_context", "ros_environment"]

pytestmark = pytest.mark.positioning

ORIGIN_M = np.array([-2_267_800.0, 5_009_300.0, 3_221_000.0])


def axes() -> Any:
    latitude, longitude, _ = geodesy.to_geodetic(ORIGIN_M)
    return geodesy.enu_axes(latitude, longitude)


def place(local_m: Any, velocity_mps: Any, sigma_mps: float = 0.1) -> Place:
    """At local coordinates about ORIGIN_M, with sigmas of 1, 2 and 3 m east, north and up."""
    turn = axes()
    return Place(
        2200, 0.0, ORIGIN_M + turn.T @ np.array(local_m), turn.T @ np.diag([1.0, 4.0, 9.0]) @ turn,
        turn.T @ np.array(velocity_mps), Quality.SINGLE, 9,
        velocity_covariance=np.eye(3) * sigma_mps**2,
    )  # fmt: skip


def test_a_car_that_drives_north_points_north_and_goes_ahead() -> None:
    told = Odometry(ORIGIN_M).step(place((3.0, -4.0, 5.0), (0.0, 10.0, 0.5)))
    assert told is not None
    np.testing.assert_allclose(told.position_m, (3.0, -4.0, 5.0), atol=1e-8)
    np.testing.assert_allclose(told.covariance_m2, np.diag([1.0, 4.0, 9.0]), atol=1e-9)
    assert told.yaw_rad == pytest.approx(math.pi / 2)
    assert math.sqrt(told.yaw_rad2) == pytest.approx(0.1 / 10.0)
    np.testing.assert_allclose(told.velocity_mps, (10.0, 0.0, 0.5), atol=1e-9)


def test_the_first_place_is_the_origin_where_none_is_given() -> None:
    odometry = Odometry()
    nowhere = place((0, 0, 0), (0, 0, 0))
    none = Place(2200, 0.0, nowhere.position_m * np.nan, nowhere.covariance_m2 * np.nan,
                 nowhere.velocity_mps, Quality.NONE, 0)  # fmt: skip
    assert odometry.step(none) is None
    first, second = (odometry.step(place((e, 0.0, 0.0), (0.0, 0.0, 0.0))) for e in (7.0, 9.0))
    assert first is not None and second is not None
    np.testing.assert_array_equal(first.position_m, 0.0)
    np.testing.assert_allclose(second.position_m, (2.0, 0.0, 0.0), atol=1e-4)


@pytest.mark.parametrize(("speed", "sigma"), [(0.3, 0.05), (5.0, 4.0)])
def test_a_car_that_may_stand_points_anywhere_and_is_no_faster_than_it_seems(
    speed: float, sigma: float
) -> None:
    told = Odometry(ORIGIN_M).step(place((0, 0, 0), (speed, 0.0, 0.0), sigma))
    assert told is not None and math.isnan(told.yaw_rad)
    np.testing.assert_array_equal(told.velocity_mps[:2], 0.0)
    level = np.trace(told.velocity_covariance[:2, :2])
    assert level == pytest.approx(speed**2 + 2 * sigma**2)


@cache
def drive() -> Drive:
    return simulate(Scenario(layout="open", seed=11, duration_s=10.0))


@pytest.mark.ros
@pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")
def test_what_is_not_told_has_a_variance_that_says_so() -> None:
    pytest.importorskip("rclpy", reason="needs lingnan[ros]")
    from common.types.stamped import Stamped
    from positioning import ros_node

    still = place((1.0, 2.0, 3.0), (np.nan,) * 3)
    motion = Odometry(ORIGIN_M).step(still)
    told = Stamped(1, 0, 2_000_000_003, "gnss_antenna", ros_node.Told(still, motion))
    message = ros_node.told_to_odometry(told)
    assert (message.header.frame_id, message.child_frame_id) == ("odom", "base_link")
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (2, 3)
    pose, twist = (
        np.array(part.covariance).reshape(6, 6) for part in (message.pose, message.twist)
    )
    np.testing.assert_allclose(pose[:3, :3], np.diag([1.0, 4.0, 9.0]), atol=1e-9)
    assert (np.diag(pose)[3:] >= 1e6).all() and (np.diag(twist) >= 1e6).all()
    assert message.pose.pose.orientation.w == 1.0 and message.twist.twist.linear.x == 0.0
    without = told.with_value(ros_node.Told(still, None))
    assert ros_node.told_to_odometry(without) is None


@pytest.mark.ros
@pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")
def test_a_running_node_tells_where_a_simulated_car_drives(ros_context: Any, tmp_path: Any) -> None:
    pytest.importorskip("rclpy", reason="needs lingnan[ros]")
    import rclpy
    from nav_msgs.msg import Odometry as Message
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.parameter import Parameter
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import NavSatFix
    from std_msgs.msg import UInt8MultiArray

    from common.ros.node import PipelineNode
    from positioning.ros_node import WIRING
    from positioning.sim.gnss import ubx
    from positioning.sim.gnss.files import write

    d = drive()
    write(d, tmp_path)
    override = Parameter("nav", value=[str(tmp_path / "nav.nav")])
    node: Any = PipelineNode(WIRING, context=ros_context, parameter_overrides=[override])
    other = rclpy.create_node("other", context=ros_context)
    raw = other.create_publisher(UInt8MultiArray, "raw", qos_profile_sensor_data)
    heard: list[Any] = []
    fixes: list[Any] = []
    other.create_subscription(Message, "odometry", heard.append, qos_profile_sensor_data)
    other.create_subscription(NavSatFix, "fix", fixes.append, qos_profile_sensor_data)
    executor = SingleThreadedExecutor(context=ros_context)
    executor.add_node(node)
    executor.add_node(other)
    node.trigger_configure()
    node.trigger_activate()
    sent, end = 0, time.monotonic() + 60.0
    while sent < 50 and time.monotonic() < end:
        count = len(heard)
        raw.publish(UInt8MultiArray(data=ubx.raw(d.rover.epochs(sent, sent + 1), 18)))
        sent += 1
        until = time.monotonic() + (1.0 if heard else 0.2)
        while len(heard) == count and time.monotonic() < until:
            executor.spin_once(timeout_sec=0.02)
    executor.shutdown()
    node.destroy_node()
    other.destroy_node()
    assert len(heard) > 20 and len(fixes) > 20
    first = fixes[0]
    place_of = (math.radians(first.latitude), math.radians(first.longitude), first.altitude)
    origin = geodesy.to_ecef(*(np.asarray(v) for v in place_of))
    last = heard[-1]
    e = int(np.argmin([abs(one.time_ns - _stamp_ns(last)) for one in split(d.rover)]))
    at, ahead = last.pose.pose.position, last.twist.twist.linear
    told = np.array([at.x, at.y, at.z])
    np.testing.assert_allclose(told, geodesy.to_enu(d.truth.position_m[e], origin), atol=15.0)
    assert ahead.x == pytest.approx(np.linalg.norm(d.truth.velocity_mps[e]), abs=0.5)
    assert ahead.y == 0.0


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)
