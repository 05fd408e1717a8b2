"""The simulated road: motion, mirrors, hiding, weather, limbs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.types.stamped import Stamped
from positioning.radar.pipeline import RadarChain
from positioning.radar.waveform import Waveform
from positioning.sim.radar.device import Device, Rain
from positioning.sim.radar.paths import mirrored, trace
from positioning.sim.radar.radar import SimulatedRadar
from positioning.sim.radar.rain import bin_power_mw, rain_echo
from positioning.sim.radar.scatterers import Eye, Mount, Scatterers, body_points_m, scatterers
from positioning.sim.radar.scene import road
from positioning.sim.road.motion import Motion
from positioning.sim.road.scenario import crossing, junction, street
from positioning.sim.road.shapes import KINDS, shape
from positioning.sim.road.world import Actor, Wall, World, corners_m, hidden

pytestmark = pytest.mark.positioning

STILL = Motion.straight((0.0, 0.0), (0.0, 0.0))


@given(st.integers(0, 100), st.floats(-3, 12))
def test_velocity_is_the_derivative_of_position(seed: int, time_s: float) -> None:
    rng = np.random.default_rng(seed)
    motion = Motion(np.arange(5.0) * 2, rng.uniform(-20, 20, (5, 2)))
    step = 1e-5
    slope = (motion.position_m(time_s + step) - motion.position_m(time_s - step)) / (2 * step)
    assert np.allclose(slope, motion.velocity_mps(time_s), atol=1e-3)


@pytest.mark.parametrize("make", [street, junction, crossing])
def test_one_seed_gives_one_world(make: object) -> None:
    one, same, other = (make(seed).truth(1.5) for seed in (1, 1, 2))  # type: ignore[operator]
    assert np.array_equal(one.centre_m, same.centre_m) and one.kind == same.kind
    assert not np.array_equal(one.centre_m, other.centre_m)


def test_reflectors_lie_in_their_boxes_and_boxes_have_their_size() -> None:
    rng = np.random.default_rng(0)
    actors = tuple(
        Actor(n, shape(kind, rng), Motion.straight((10.0 * n, 0.0), (3.0, 4.0)))
        for n, kind in enumerate(KINDS)
    )
    truth = World(STILL, actors).truth(0.7)
    sides = np.linalg.norm(np.diff(corners_m(truth), axis=1), axis=2)
    assert np.allclose(sides[:, :2], truth.size_m[:, :2])
    for actor in actors:
        points = body_points_m(actor, 0.7)
        middle = actor.motion.position_m(0.7)
        reach = np.hypot(actor.shape.length_m, actor.shape.width_m) / 2 + 0.3
        assert (np.linalg.norm(points[:, :2] - middle, axis=1) <= reach).all()
        assert (points[:, 2] <= actor.shape.height_m + 1e-9).all() and (points[:, 2] >= 0).all()


def test_a_mirror_keeps_distances_and_returns_what_is_mirrored_twice() -> None:
    rng = np.random.default_rng(2)
    curve = rng.uniform(-10, 10, (6, 3, 3))
    wall = Wall(np.array([0.0, 5.0]), np.array([20.0, 9.0]), 3.0, 0.5)
    once = mirrored(curve, wall)
    assert np.allclose(mirrored(once, wall), curve)
    on_wall = np.array([7.0, 5.0 + 4.0 * 7 / 20, 1.0])
    before, after = (np.linalg.norm(c[:, 0] - on_wall, axis=1) for c in (curve, once))
    assert np.allclose(before, after)
    assert np.allclose(np.linalg.norm(curve[:, 1], axis=1), np.linalg.norm(once[:, 1], axis=1))


def test_a_wall_casts_the_ghosts_that_geometry_gives() -> None:
    """A target at (20, 0) and a wall along y = 4: ghosts at the image (20, 8), once and twice."""
    curve = np.zeros((1, 3, 3))
    curve[0, 0] = (20.0, 0.0, 0.0)
    one = Scatterers(curve, np.array([10.0]), np.zeros(1), np.ones(1, bool))
    wall = Wall(np.array([0.0, 4.0]), np.array([40.0, 4.0]), 3.0, 0.25)
    paths = trace(one, (wall,), Waveform(), Device(), None)
    length = np.linalg.norm(paths.out[:, 0], axis=1) + np.linalg.norm(paths.home[:, 0], axis=1)
    direct, image = 20.0, np.hypot(20, 8)
    assert np.allclose(np.sort(length), [2 * direct, direct + image, direct + image, 2 * image])
    short = Wall(np.array([0.0, 4.0]), np.array([5.0, 4.0]), 3.0, 0.25)
    assert len(trace(one, (short,), Waveform(), Device(), None)) == 1


def test_what_stands_behind_a_wall_is_hidden() -> None:
    segment = np.array([[[10.0, -5.0], [10.0, 5.0]]])
    points = np.array([[20.0, 0, 1.0], [20.0, 12.0, 1.0], [5.0, 0, 1.0], [20.0, 0, 30.0]])
    met = hidden(np.array([0.0, 0.0, 1.0]), points, segment, np.array([3.0]))[:, 0]
    assert met.tolist() == [True, False, False, False]


def test_a_van_hides_the_pedestrian_behind_it() -> None:
    rng = np.random.default_rng(0)
    walker = Actor(0, shape("pedestrian", rng), Motion.straight((20.0, 0.0), (0.0, 0.0)))
    van = Actor(1, shape("van", rng), Motion.straight((12.0, 0.0), (0.0, 0.0)))
    seen = []
    for actors in ((walker,), (walker, van)):
        found = scatterers(Eye(World(STILL, actors), Mount(), 0.0, 0.01))
        far = np.linalg.norm(found.curve[:, 0], axis=1) > 18
        seen.append(found.rcs_m2[far].sum())
    assert seen[1] < 0.1 * seen[0]


def test_legs_swing_at_the_gait_and_spread_the_doppler() -> None:
    rng = np.random.default_rng(0)
    body = shape("pedestrian", rng)
    walker = Actor(0, body, Motion.straight((0.0, 0.0), (-1.3, 0.0)))
    period = 1 / body.gait_hz
    points = [body_points_m(walker, t) - np.array([-1.3 * t, 0, 0]) for t in (0.2, 0.2 + period)]
    assert np.allclose(points[0], points[1])
    world = World(STILL, (Actor(0, body, Motion.straight((12.0, 0.0), (-1.3, 0.0))),))
    spread = []
    for t in np.arange(4) * period / 8:
        curve = Eye(world, Mount(), float(t), 0.014).curve(
            lambda s: body_points_m(world.actors[0], s)
        )
        spread.append(np.ptp(curve[:, 1, 0]))
    assert max(spread) == pytest.approx(2 * 0.30 * 2 * np.pi * body.gait_hz, rel=0.15)


def test_rain_has_the_power_of_the_radar_equation() -> None:
    wave, device, rain = Waveform(samples=64, loops=32), Device(), Rain(25.0)
    echo = rain_echo(wave, device, rain, 0.0, np.random.default_rng(0))
    bins = np.fft.fft(echo, axis=-1) / 64
    measured = (np.abs(bins) ** 2).mean(axis=(0, 1))
    expected = bin_power_mw(wave, device, rain)
    assert np.allclose(measured[2:] / expected[2:], 1.0, atol=0.35)
    assert rain.attenuation_db_per_m * 1000 == pytest.approx(11.4, abs=0.1)


def test_the_chain_tells_its_own_speed_by_what_stands() -> None:
    radar = SimulatedRadar(crossing(5))
    sample = Stamped(0, 0, 0, "radar", radar.frame(1.0, np.random.default_rng(0)))
    seen = RadarChain().step(sample).value
    assert seen.ego_mps is not None
    assert seen.ego_mps == pytest.approx(radar.velocity_mps(1.0), abs=0.3)
    assert seen.is_static.sum() >= 5 and (~seen.is_static).sum() >= 1


def test_the_drivers_scene_gives_points_and_samples() -> None:
    scene = road("crossing", seed=3)
    points = scene.measure(0, 0.5, np.random.default_rng(1))
    assert len(points) > 3
    with pytest.raises(ValueError, match="street"):
        road("sea")  # type: ignore[arg-type]
