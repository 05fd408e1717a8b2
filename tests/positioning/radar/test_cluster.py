"""DBSCAN against its definition; the own velocity; the chain's description of a scene."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from positioning.radar import ego
from positioning.radar.cluster import dbscan
from positioning.radar.detections import clusters
from tests.positioning.radar.made import found, frame

pytestmark = pytest.mark.positioning

PLACES = arrays(np.float64, st.tuples(st.integers(0, 25), st.just(2)), elements=st.floats(0, 6))


@given(PLACES, st.integers(1, 4))
def test_dbscan_keeps_its_definition(places: np.ndarray, points: int) -> None:
    """By brute force: cores, what they reach, borders, noise."""
    labels = dbscan(places, points)
    near = np.linalg.norm(places[:, None] - places[None], axis=2) <= 1.0
    core = near.sum(axis=1) >= points
    for i in range(len(places)):
        assert (labels[i] >= 0) == bool((near[i] & core).any())
        for j in range(len(places)):
            if core[i] and core[j] and near[i, j]:
                assert labels[i] == labels[j]
    reach = near & core[:, None] & core[None]
    for _ in range(len(places)):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    same = labels[:, None] == labels[None]
    assert (same[np.ix_(core, core)] == reach[np.ix_(core, core)]).all()


@given(st.integers(0, 1000))
def test_own_velocity_comes_out_of_what_stands(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own = rng.uniform(-15, 15, 2)
    toward = ego.directions(rng.uniform(-1, 1, 30), np.zeros(30))
    rates = -toward @ own + rng.normal(0, 0.05, 30)
    rates[:8] += rng.uniform(3, 15, 8)  # road users
    told = ego.estimate(rates, toward, 0.3)
    assert told is not None
    assert np.allclose(told, own, atol=0.25)


def test_own_velocity_of_nothing_is_not_known() -> None:
    assert ego.estimate(np.zeros(2), np.ones((2, 2)), 0.3) is None
    rng = np.random.default_rng(1)
    toward = ego.directions(rng.uniform(-1, 1, 30), np.zeros(30))
    assert ego.estimate(rng.uniform(-30, 30, 30), toward, 0.05) is None


def test_a_car_is_one_cluster_and_a_lamp_post_another() -> None:
    car = [(20.0 + 0.9 * k, -6.0, 0.05, 5.0) for k in range(3)]
    seen = found(frame([*car, (35.0, 0.0, -0.4, 5.0)]), cluster_points=1)
    groups = clusters(seen)
    assert len(groups.members) == 2
    assert sorted(groups.ground_mps.round(1).tolist()) == [-6.0, 0.0]
    moving = groups.xy_m[np.argmin(groups.ground_mps)]
    assert moving == pytest.approx([20.9 * np.cos(0.05), 20.9 * np.sin(0.05)], abs=0.5)
    assert seen.is_static.sum() == 1


def test_points_carry_the_detections() -> None:
    seen = found(frame([(20.0, -6.0, 0.3, 5.0)]))
    points = seen.points()
    assert np.allclose(points.column("range_m"), seen.range_m, atol=1e-4)
    assert np.allclose(points.xyz_m[:, :2], seen.xy_m, atol=1e-3)


def test_the_covariance_over_ground_is_that_of_the_polar_one_turned() -> None:
    seen = found(frame([(20.0, -6.0, 0.3, 5.0)]))
    across, along = np.linalg.eigh(seen.xy_covariance_m2[0])[0][::-1]
    assert along == pytest.approx(seen.covariance[0, 0, 0], rel=1e-6)
    assert across == pytest.approx(20.0**2 * seen.covariance[0, 2, 2], rel=1e-3)
