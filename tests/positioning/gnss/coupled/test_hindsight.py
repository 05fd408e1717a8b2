"""RTK told with hindsight: of what it is told nothing is its own."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from positioning.gnss.coupled import hindsight
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.smooth import smooth
from positioning.gnss.coupled.solve import Reference, pose
from positioning.gnss.coupled.start import believed
from positioning.gnss.integrity.simulated import errors_m
from positioning.gnss.integrity.told import counted
from positioning.gnss.solution import Quality
from tests.positioning.gnss.coupled.drives import Replayed, drive, parts, rtk

pytestmark = pytest.mark.positioning

SETTINGS = Settings()


@cache
def first():
    """The drive as a problem, its first estimate, and what RTK is told by them."""
    d = drive()
    reference = Reference(d.base, d.base_position_m, rtk()[0])
    posed = pose(*parts(), reference, SETTINGS, None)
    prior = believed(posed.start, SETTINGS)
    found = smooth(posed.problem, posed.start, prior, SETTINGS)
    told = hindsight.expectations(posed.problem, found, posed.frame, SETTINGS)
    return posed, found, told


@cache
def whole():
    d, (rover, orbits, vehicle) = drive(), parts()
    return hindsight.solve(rover, orbits, vehicle, d.base, d.base_position_m)


def test_every_epoch_is_told_once_and_nothing_of_its_time_is_known() -> None:
    problem = first()[0].problem
    standing = problem._replace(wheel=np.where(problem.rows.time_s % 60 < 20, 0.0, problem.wheel))
    for some in (problem, standing):
        lasts_s = np.where(np.abs(some.wheel) < 0.1, 50.0, SETTINGS.correlation_s)
        since = np.cumsum(np.diff(some.rows.time_s, prepend=some.rows.time_s[0]) / lasts_s)
        folds = hindsight.folds(some, SETTINGS)
        assert np.all(sum(own.astype(int) for own, _ in folds) == 1)
        for own, hidden in folds:
            assert np.all(hidden[own])
            apart = np.abs(since[own][:, None] - since[~hidden][None])
            assert apart.size == 0 or apart.min() >= 0.5 - 1e-9


def test_what_an_epoch_is_told_does_not_hang_on_its_own_satellites() -> None:
    """Codes 40 m off, phases that run away and fixes elsewhere, for the time about an epoch."""
    posed, found, told = first()
    problem = posed.problem
    own, hidden = hindsight.folds(problem, SETTINGS)[1]
    lying = np.repeat(hidden, np.diff(problem.rows.first))
    rows = problem.rows._replace(
        code_m=problem.rows.code_m + 40.0 * lying,
        phase_m=problem.rows.phase_m + 3.0 * lying * np.arange(len(lying)),
        rate_mps=problem.rows.rate_mps + 2.0 * lying,
    )
    place = problem.outside.place + np.where(hidden, 5.0, 0.0)[:, None]
    other = problem._replace(rows=rows, outside=problem.outside._replace(place=place))
    again = hindsight.expectations(other, found, posed.frame, SETTINGS)
    assert own.any()
    for e in np.flatnonzero(own):
        assert np.array_equal(told[e][0], again[e][0])
        assert np.array_equal(told[e][1], again[e][1])


def test_what_is_told_is_about_as_near_as_it_says() -> None:
    told = first()[2]
    place, spread = (np.array([t[k] for t in told]) for k in (0, 1))
    off = place - drive().truth.position_m
    scaled = np.einsum("ei,eij,ej->e", off, np.linalg.inv(spread), off)
    assert np.percentile(np.linalg.norm(off, axis=1), 95) < 0.5
    assert np.median(scaled) < 3 * 2.37  # the median of chi-square with three degrees of freedom
    assert np.all(np.linalg.eigvalsh(spread) >= 0.02**2 * 0.99)


def test_rtk_is_begun_anew_and_told_only_where_fixes_are_believed() -> None:
    d, (rover, orbits, vehicle) = drive(), parts()
    engines: list[Replayed] = []

    def begin(solution):
        def one() -> Replayed:
            engines.append(Replayed(solution))
            return engines[-1]

        return one

    fixed = rtk()[0]
    given = (rover, orbits, vehicle, d.base, d.base_position_m)
    hindsight.solve(*given, rtk=begin(fixed))
    alone, told = ([np.isfinite(place[0]) for place, _ in engine.heard] for engine in engines)
    assert not any(alone) and all(told)
    engines.clear()
    never = replace(fixed, quality=np.full(len(fixed), Quality.FLOAT, np.int8))
    coupled, relative, _ = hindsight.solve(*given, rtk=begin(never))
    assert len(engines) == 1
    assert not np.any(coupled.solution.quality == Quality.FIX) and len(relative) == len(rover)


def test_a_stretch_of_wrong_fixes_does_not_confirm_itself() -> None:
    """Fixes of four seconds elsewhere, all alike: the time about them is told the right place."""
    posed, _, _ = first()
    wrong = posed.problem.outside.place.copy()
    wrong[140:160] += (3.0, -2.0, 1.0)
    problem = posed.problem._replace(outside=posed.problem.outside._replace(place=wrong))
    found = smooth(problem, posed.start, believed(posed.start, SETTINGS), SETTINGS)
    told = hindsight.expectations(problem, found, posed.frame, SETTINGS)
    off = np.array([told[e][0] for e in range(140, 160)]) - drive().truth.position_m[140:160]
    assert np.linalg.norm(off, axis=1).max() < 0.5


def test_it_fixes_no_less_than_rtk_alone_and_nothing_wrongly() -> None:
    coupled, relative, about = whole()
    alone = rtk()[0]
    assert (relative.quality == Quality.FIX).sum() >= 0.98 * (alone.quality == Quality.FIX).sum()
    off = np.linalg.norm(errors_m(relative.position_m, drive()), axis=1)
    assert off[relative.quality == Quality.FIX].max() < 0.5
    near = errors_m(coupled.solution.position_m, drive())
    assert np.percentile(np.hypot(near[:, 0], near[:, 1]), 95) < 0.1
    assert len(relative) == len(about.numbers) == len(coupled.solution)


def test_what_telling_is_worth_is_counted_against_the_truth() -> None:
    coupled, relative, _ = whole()
    found = counted(drive(), relative, coupled)
    assert found.epochs == len(relative) and found.wrong == found.believed_wrong == 0
    assert found.fixed == (relative.quality == Quality.FIX).sum() >= found.believed > 0
    off = replace(relative, position_m=relative.position_m + 1.0)
    assert counted(drive(), off, coupled).wrong == found.fixed
