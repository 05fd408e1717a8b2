"""Learned variances: their signs look at the past alone, and they weigh as they should."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from common.runtime.weights import verify_folder
from positioning.gnss.integrity.simulated import errors_m
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.pipeline import solve as rtk
from positioning.gnss.single.settings import Settings
from positioning.gnss.single.solve import solve as single
from positioning.gnss.solution import Quality
from positioning.gnss.variance.network import MODEL, WEIGHTS, Variances, unseen, variances, without
from positioning.gnss.variance.signs import SIGNS, Watcher
from positioning.sim.gnss.scenario import Drive, Scenario, simulate

pytestmark = pytest.mark.positioning

SEED = 28
SLOTS = [0, 1]


@cache
def drive() -> Drive:
    return simulate(Scenario(layout="canyon", seed=SEED, duration_s=40.0))


@cache
def told() -> np.ndarray:
    d = drive()
    return variances(d.rover, BroadcastOrbits(d.navigation), without("canyon"))


def test_signs_know_nothing_of_what_comes_later() -> None:
    d = drive()
    orbits = BroadcastOrbits(d.navigation)
    whole, half = Watcher(orbits).signs(d.rover), Watcher(orbits).signs(d.rover.epochs(0, 100))
    assert whole is not None and half is not None
    assert whole.shape[2] == len(SIGNS) and np.all(np.isfinite(whole))
    np.testing.assert_allclose(whole[: len(half)], half, atol=1e-5)


def test_an_epoch_at_a_time_says_the_same_as_the_file() -> None:
    d = drive()
    orbits = BroadcastOrbits(d.navigation)
    some, learned = d.rover.epochs(0, 30), Variances(orbits)
    steps = np.concatenate([learned.step(epoch) for epoch in some])
    np.testing.assert_allclose(steps, variances(some, orbits), rtol=1e-5)


def test_a_receiver_clock_is_no_sign() -> None:
    """A clock that is a microsecond ahead moves every code and phase alike, and no variance."""
    d = drive()
    orbits = BroadcastOrbits(d.navigation)
    ahead_m = 300.0
    wave = 299_792_458.0 / d.rover.frequency_hz
    moved: Observations = replace(
        d.rover, code_m=d.rover.code_m + ahead_m, phase_cycles=d.rover.phase_cycles + ahead_m / wave
    )
    old, new = Watcher(orbits).signs(d.rover), Watcher(orbits).signs(moved)
    assert old is not None and new is not None
    assert np.abs(new - old).mean() < 1e-3


def test_what_is_out_of_sight_weighs_less_in_a_city_that_was_not_learned_from() -> None:
    d, found = drive(), told()[:, SLOTS]
    has = np.isfinite(found[..., 0])
    sight = np.broadcast_to(d.truth.line_of_sight[:, None], has.shape)
    for k in (0, 1):
        sigma = np.sqrt(found[..., k])
        assert np.median(sigma[has & ~sight]) > 5 * np.median(sigma[has & sight])
    assert np.all(found[has] > 0)  # a weight, never an exclusion
    assert np.all(np.isfinite(told()) == np.isfinite(d.rover.code_m)[..., None])


def test_told_and_observed_errors_agree() -> None:
    """Errors over their told sigmas have about the middle that Student's distribution has."""
    d, found = drive(), told()[:, SLOTS]
    for k, error in enumerate((d.truth.code_error_m, d.truth.carrier_error_m)):
        scaled = np.abs(error) / np.sqrt(found[..., k])
        assert 0.74 / 2 < np.nanmedian(scaled) < 0.74 * 2


def test_rtk_weighs_by_them() -> None:
    """More of a canyon within 0.15 m, and no more wrong fixes."""
    d = drive()
    orbits = BroadcastOrbits(d.navigation)
    near, wrong = [], []
    for given in (None, told()):
        solution, _ = rtk(d.rover, d.base, orbits, d.base_position_m, variance_m2=given)
        off = np.nan_to_num(np.linalg.norm(errors_m(solution.position_m, d), axis=1), nan=1e3)
        near.append((off < 0.15).mean())
        wrong.append((off[solution.quality == Quality.FIX] > 0.5).sum())
    assert near[1] > near[0] and wrong[1] <= wrong[0]


def test_nan_leaves_every_solver_as_it_was() -> None:
    d = drive()
    orbits, nothing = BroadcastOrbits(d.navigation), np.full((*d.rover.code_m.shape, 2), np.nan)
    given = (d.rover, d.base, orbits, d.base_position_m)
    plain, same = rtk(*given)[0], rtk(*given, variance_m2=nothing)[0]
    np.testing.assert_array_equal(plain.position_m, same.position_m)
    some = d.rover.epochs(0, 50)
    at = nothing[: len(some.satellite)]
    np.testing.assert_array_equal(
        single(some, orbits).position_m, single(some, orbits, variance_m2=at).position_m
    )


def test_single_point_takes_the_told_variance_over_its_floor() -> None:
    settings = Settings()
    sigma = settings.code_sigma_m(np.array([45.0, 45.0]), np.array([np.nan, 90.0]))
    assert sigma[0] == settings.code_sigma_m(np.array([45.0]))[0]
    assert sigma[1] == pytest.approx(np.sqrt(settings.code_floor_m2 + 90.0))


def test_the_shipped_networks_are_whole_and_tell_what_they_saw() -> None:
    cards = verify_folder(WEIGHTS).models
    judged = [without(city) for city in ("avenue", "canyon", "old-town", "viaduct")]
    assert {MODEL, *judged} <= set(cards)
    for name in judged:
        city = name.removeprefix(f"{MODEL}_without_")
        assert city not in cards[name].data
        assert cards[name].score[f"gain_phase_nats_{city}"] > 0


def test_a_kind_of_city_is_judged_by_a_network_that_never_saw_it() -> None:
    assert {unseen(city) for city in ("avenue", "canyon", "old-town", "viaduct")} == {
        f"{MODEL}_without_{city}" for city in ("avenue", "canyon", "old-town", "viaduct")
    }
    assert unseen("open") == MODEL
