"""The vehicle, its inertial sensor and its wheels, against identities of kinematics."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.gnss.geodesy import EARTH_RATE_RADPS
from positioning.sim.gnss import imu, place, vehicle, wheel
from positioning.sim.gnss.layouts import LAYOUTS, build

pytestmark = pytest.mark.positioning

PLACE = place.at(23.13, 113.32, 20.0)


@pytest.fixture(scope="module")
def motion() -> vehicle.Motion:
    rng = np.random.default_rng(3)
    return vehicle.drive(build(LAYOUTS["canyon"], rng), 130.0, rng)


def turned_by(angle: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(angle)
    cross = np.array([
        [0, -angle[2], angle[1]], [angle[2], 0, -angle[0]], [-angle[1], angle[0], 0],
    ])  # fmt: skip
    first = np.sinc(size / np.pi)
    return np.eye(3) + first * cross + 0.5 * np.sinc(size / 2 / np.pi) ** 2 * cross @ cross


def test_integrating_the_perfect_sensor_gives_the_drive_back(motion: vehicle.Motion) -> None:
    """A strapdown mechanisation in ECEF with coning and sculling (Savage 1998): 1 cm a minute."""
    start, stop = 20.0, 80.0
    record = imu.sense(imu.PERFECT, motion, PLACE, stop, np.random.default_rng(0))
    used = record.time_s > start + 1e-6
    turn, step = np.array([0.0, 0.0, EARTH_RATE_RADPS]), 0.01
    angles, pushes = record.rate_radps[used] * step, record.force_mps2[used] * step
    at = np.array([start])
    axes = PLACE.axes.T @ motion.attitude(at)[0]
    position = PLACE.ecef(motion.position(at))[0]
    velocity = (motion.position(at, 1) @ PLACE.axes)[0]
    angle0, push0 = angles[0], pushes[0]
    for angle, push in zip(angles, pushes, strict=True):
        coned = angle + np.cross(angle0, angle) / 12
        sculled = push + np.cross(angle, push) / 2
        sculled += (np.cross(angle0, push) + np.cross(push0, angle)) / 12
        pull = imu.gravitation(position) - 2 * np.cross(turn, velocity)
        pull -= np.cross(turn, np.cross(turn, position))
        faster = velocity + turned_by(-turn * step / 2) @ axes @ sculled + pull * step
        position, velocity = position + (velocity + faster) / 2 * step, faster
        axes = turned_by(-turn * step) @ axes @ turned_by(coned)
        angle0, push0 = angle, push
    end = np.array([stop])
    truth = PLACE.ecef(motion.position(end))[0]
    assert np.linalg.norm(position - truth) < 0.01
    assert np.linalg.norm(axes - PLACE.axes.T @ motion.attitude(end)[0]) < 1e-4
    assert np.linalg.norm(motion.position(end) - motion.position(at)) > 100


def test_standing_still_it_feels_gravity_and_the_earths_turn() -> None:
    still = vehicle.standing(np.zeros(3), 10.0)
    rate, force = imu.exact(still, PLACE, np.array([5.0]))
    assert np.linalg.norm(rate) == pytest.approx(EARTH_RATE_RADPS)
    assert np.arcsin(rate[0, 2] / EARTH_RATE_RADPS) == pytest.approx(np.radians(23.13), abs=1e-9)
    latitude = np.radians(23.13)
    somigliana = 9.7803253359 * (1 + 0.00193185265241 * np.sin(latitude) ** 2)
    somigliana /= np.sqrt(1 - 0.00669437999013 * np.sin(latitude) ** 2)
    assert force[0, 2] == pytest.approx(somigliana - 3.086e-6 * 20, abs=2e-4)
    assert abs(force[0, :2]).max() < 1e-3


def test_derivatives_and_turn_rates_are_those_of_the_motion(motion: vehicle.Motion) -> None:
    times, tiny = np.linspace(5, 100, 40), 1e-4
    ahead, behind = motion.attitude(times + tiny), motion.attitude(times - tiny)
    spin = np.einsum("tji,tjk->tik", motion.attitude(times), (ahead - behind) / (2 * tiny))
    rate = np.column_stack((spin[:, 2, 1], spin[:, 0, 2], spin[:, 1, 0]))
    assert np.allclose(rate, motion.turn_rate(times), atol=1e-5)
    lever = np.array([0.9, 0.1, 1.0])
    moved = (motion.point(times + tiny, lever) - motion.point(times - tiny, lever)) / (2 * tiny)
    assert np.allclose(moved, motion.point_velocity(times, lever), atol=1e-5)


def test_the_car_drives_as_a_car_can(motion: vehicle.Motion) -> None:
    times = np.arange(0, 130, 0.05)
    speed = np.linalg.norm(motion.position(times, 1), axis=1)
    assert speed.max() < 1.1 * LAYOUTS["canyon"].speed_limit_mps
    assert (speed < 0.05).any()
    assert np.linalg.norm(motion.position(times, 2), axis=1).max() < 3.5
    sideways = np.einsum("ti,ti->t", motion.attitude(times)[:, :, 1], motion.position(times, 1))
    assert abs(sideways).max() < 0.02


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_car_keeps_out_of_houses(name: str) -> None:
    rng = np.random.default_rng(11)
    made = build(LAYOUTS[name], rng)
    path = vehicle.drive(made, 200.0, rng).position(np.arange(0, 200, 0.5))
    for box in made.boxes.packed():
        if box[6] == 0:
            along = (path[:, :2] - box[:2]) @ box[2:4]
            across = (path[:, :2] - box[:2]) @ np.array([-box[3], box[2]])
            assert not np.any((abs(along) < box[4] + 0.9) & (abs(across) < box[5] + 0.9))


def test_noise_has_the_density_that_is_told() -> None:
    still = vehicle.standing(np.zeros(3), 300.0)
    grade = imu.ImuGrade(gyro_step=0.0, gyro_wander=0.0, force_step=0.0, force_wander=0.0)
    record = imu.sense(grade, still, PLACE, 300.0, np.random.default_rng(2))
    for values, density in ((record.rate_radps, 1.2e-4), (record.force_mps2, 1.0e-3)):
        assert np.allclose(values.std(axis=0), density * 10.0, rtol=0.03)


def test_wheels_tell_speed_to_their_scale(motion: vehicle.Motion) -> None:
    exact = wheel.WheelGrade(scale=0.0, stiffness=np.inf, step_mps=0.0, noise_mps=0.0)
    record = wheel.sense(exact, motion, 100.0, np.random.default_rng(0))
    true = np.linalg.norm(motion.position(record.time_s, 1), axis=1)
    assert np.allclose(record.speed_mps, true, atol=0.06)
    real = wheel.sense(wheel.WheelGrade(), motion, 100.0, np.random.default_rng(0))
    fast = true > 5
    ratio = real.speed_mps[fast] / true[fast]
    assert ratio.std() < 0.02
    assert 1e-4 < abs(np.median(ratio) - 1) < 0.04


def test_a_tyre_slips_as_a_brush() -> None:
    """Linear where nothing slides, faster beyond, and less in braking, which both axles share."""
    grade, friction = wheel.WheelGrade(), 0.8
    told = wheel.slip(grade, np.array([1e-3, 1.0, 2.0, -1e-3]), friction)
    per_push = 1 / (grade.load * grade.stiffness * wheel.GRAVITY_MPS2)
    assert np.isclose(told[0], 1e-3 * per_push, rtol=1e-3)
    assert np.isclose(told[3], -grade.braking * told[0], rtol=1e-3)
    assert 2.0 * told[1] < told[2] < 1.5 * 2.0 * per_push
