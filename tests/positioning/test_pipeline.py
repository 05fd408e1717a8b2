"""The pipeline in real time, the demonstration and the node, on simulated drives."""

from __future__ import annotations

import threading
from functools import cache

import cv2
import numpy as np
import pytest

from common.types.gnss import GnssEpoch
from positioning.gnss.formats.epochs import observations, split
from positioning.gnss.solution import Quality
from positioning.pipeline import Base, Pipeline
from positioning.replay import stamped
from positioning.sim.gnss.scenario import Drive, Scenario, simulate

pytestmark = pytest.mark.positioning


@cache
def drive() -> Drive:
    return simulate(Scenario(layout="open", seed=11, duration_s=10.0))


def test_epochs_that_were_split_are_the_same_observations() -> None:
    rover = drive().rover
    again = observations(split(rover))
    for name in ("week", "tow_s", "first", "satellite", "signal", "half_cycle"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rover, name))
    for name in ("code_m", "phase_cycles", "doppler_hz", "cn0_dbhz"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rover, name))
    told = rover.slip & np.isfinite(rover.phase_cycles)
    first = np.unique(rover.satellite, return_index=True)[1]
    told[first] = again.slip[first] = False  # what was never seen before cannot have slipped
    assert not np.any(told & ~again.slip)


def test_beside_a_base_an_open_sky_is_fixed_and_without_one_metres() -> None:
    d = drive()
    based = Pipeline(d.navigation, Base(d.base, d.base_position_m))
    alone = Pipeline(d.navigation)
    found = [(based.step(s).value, alone.step(s).value) for s in stamped(split(d.rover))]
    relative = np.array([one.position_m for one, _ in found]) - d.truth.position_m
    single = np.array([one.position_m for _, one in found]) - d.truth.position_m
    assert found[-1][0].quality is Quality.FIX and found[-1][1].quality is Quality.SINGLE
    assert np.linalg.norm(relative[-10:], axis=1).max() < 0.05
    assert np.linalg.norm(single, axis=1).max() < 15.0


def test_one_recording_gives_one_result_and_time_does_not_run_back() -> None:
    d = drive()
    epochs = list(stamped(split(d.rover.epochs(0, 12))))
    ways = []
    for _ in range(2):
        pipeline = Pipeline(d.navigation)
        ways.append(np.array([pipeline.step(s).value.position_m for s in epochs]))
    assert ways[0].tobytes() == ways[1].tobytes()
    with pytest.raises(ValueError, match="not after"):
        pipeline.step(epochs[3])


def test_without_ephemerides_or_signals_there_is_no_place() -> None:
    d = drive()
    (first, *_) = stamped(split(d.rover.epochs(0, 1)))
    assert Pipeline().step(first).value.quality is Quality.NONE
    dark = GnssEpoch.make(first.value.week, first.value.tow_s, first.value.signals[:0])
    assert Pipeline(d.navigation).step(first.with_value(dark)).value.quality is Quality.NONE


def test_the_demonstration_shows_a_map_and_tells_that_it_is_simulated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from positioning import demo, road_view

    monkeypatch.setattr(demo, "STEP_S", 0.0)
    monkeypatch.setattr(demo, "DRIVE_S", 6.0)
    monkeypatch.setattr(road_view, "SECONDS", 0.6)
    stop = threading.Event()
    frames = demo.demo(stop)
    assert str(next(frames).facts["caption"]).startswith("road in"), "at once, before any city"
    cities = (frame for frame in frames if "city" in frame.facts)
    frame = [next(cities) for _ in range(8)][-1]
    stop.set()
    assert next(frames, None) is None
    picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None and picture.shape == (630, 960, 3)
    assert frame.facts["simulated"] is True and frame.facts["counters"]
    level_m = frame.facts["horizontal protection level, m"]
    assert frame.facts["horizontal error, m"] < level_m < 50.0
    assert frame.facts["bars"]["Horizontal over the drive, m"]["level 95 %"] >= level_m / 2


@pytest.mark.ros
@pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")
def test_a_place_travels_as_a_navsatfix_and_frames_as_an_epoch() -> None:
    pytest.importorskip("rclpy", reason="needs lingnan[ros]")
    from std_msgs.msg import UInt8MultiArray

    from common.ros.errors import MessageError
    from positioning import ros_node
    from positioning.sim.gnss import ubx

    d = drive()
    message = UInt8MultiArray(data=ubx.raw(d.rover.epochs(0, 1), 18))
    sample = ros_node.epoch_from_message(message, 4)
    assert sample.seq == 4 and sample.value.count > 10
    place = Pipeline(d.navigation).step(sample)
    again = ros_node.fix_from_message(ros_node.fix_to_message(place), 4).value
    np.testing.assert_allclose(again.position_m, place.value.position_m, atol=1e-6)
    np.testing.assert_allclose(again.covariance_m2, place.value.covariance_m2, atol=1e-6)
    with pytest.raises(MessageError, match="0 epochs"):
        ros_node.epoch_from_message(UInt8MultiArray(data=b"junk"), 0)
