"""The coupled estimate in batch: RTK told where the whole drive expects the antenna.

An inertial sensor narrows the search for integers (Scherzinger 2000, ION GPS; Petovello 2003,
University of Calgary). In real time it is told what came before; here what comes after as well:
RTK alone, coupling, RTK again told by that, coupling again.

What RTK is told must not be what it said itself, or a wrong fix would confirm itself. So each
stretch of the drive is told by an estimate that knows nothing its own satellites said: no code, no
phase, no Doppler, no fix, nor those of the time beside it for as long as reflections last
(cross-validation by blocks with a gap: Racine 2000, J. Econometrics 99, 39). What is left of the
stretch are inertial sensor and wheels, between satellites of other times and places.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.graph import F64, STANDING_MPS, STANDING_S, Outside, antennas
from positioning.gnss.coupled.outcome import Coupled, antenna_covariance
from positioning.gnss.coupled.realtime import Relative
from positioning.gnss.coupled.rows import Frame
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.smooth import Estimate, Problem, smooth
from positioning.gnss.coupled.solve import Reference, Vehicle, fixes, pose, told
from positioning.gnss.coupled.start import believed
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.pipeline import NOWHERE, Files, Told
from positioning.gnss.rtk.report import Integrity, gather
from positioning.gnss.solution import Solution

Flags = NDArray[np.bool_]

_FOLDS = 4
_BESIDE = 0.5  # of a stretch, left out on either side of it
_SETTLES = (2.0, 4)  # widest and rounds of an estimate that begins at the whole drive's
_ANCHORS = 5  # believed fixes: with fewer an estimate is of codes, of whose errors it knows little
_BELIEVED = 0.5
_FLOOR_M = 0.02


def solve(
    rover: Observations,
    orbits: BroadcastOrbits,
    vehicle: Vehicle,
    base: Observations,
    base_position_m: F64,
    *,
    settings: Settings | None = None,
    variance_m2: F64 | None = None,
    rtk: Callable[[], Relative] | None = None,
) -> tuple[Coupled, Solution, Integrity]:
    """Positions of the antenna, each from the whole drive, and what RTK told at last.

    variance_m2: (N, BANDS, 2) of codes and phases, see variance.network. rtk: begins one, other
    than that of the files. Raises RtkError and CoupledError as pipeline.Files and solve.solve do.
    """
    chosen = settings or Settings()

    def files() -> Relative:
        return Files(rover, base, orbits, base_position_m, variance_m2=variance_m2)

    begin = rtk or files
    first, about = _told_rtk(begin(), [NOWHERE] * len(rover))
    reference = Reference(base, base_position_m, first)
    posed = pose(rover, orbits, vehicle, reference, chosen, variance_m2)
    prior = believed(posed.start, chosen)
    found = smooth(posed.problem, posed.start, prior, chosen)
    expected = expectations(posed.problem, found, posed.frame, chosen)
    if expected is None:
        return told(rover, posed, found, first, chosen), first, about
    second, about = _told_rtk(begin(), expected)
    outside = fixes(rover, second, posed.frame, chosen)
    posed = posed._replace(problem=posed.problem._replace(outside=outside))
    found = smooth(posed.problem, found.state, prior, chosen)
    return told(rover, posed, found, second, chosen), second, about


def _told_rtk(engine: Relative, expected: list[Told]) -> tuple[Solution, Integrity]:
    return gather([engine.epoch(e, place) for e, place in enumerate(expected)])


def expectations(
    problem: Problem, found: Estimate, frame: Frame, settings: Settings
) -> list[Told] | None:
    """Where each epoch's antenna is by all but the satellites about that time; None: too few
    fixes are believed."""
    if _anchors(problem, found) < _ANCHORS:
        return None
    told = [NOWHERE] * len(problem.rows.time_s)
    for own, beside in folds(problem, settings):
        some = without(problem, beside)
        prior = believed(found.state, settings)
        part = smooth(some, found.state, prior, settings, widest=_SETTLES[0], rounds=_SETTLES[1],
                      steps=found.steps)  # fmt: skip
        if _anchors(some, part) < _ANCHORS:
            continue
        place, _ = antennas(part.state, problem.world)
        spread = antenna_covariance(part.state, part.covariance, problem.world)
        spread = frame.axes.T @ (spread + _FLOOR_M**2 * np.eye(3)) @ frame.axes
        place = frame.ecef(place)
        for e in np.flatnonzero(own):
            told[e] = place[e], np.ascontiguousarray(spread[e])
    return told


def folds(problem: Problem, settings: Settings) -> list[tuple[Flags, Flags]]:
    """(E,) which epochs each estimate is to tell, every epoch once, and which it is not to know.

    Stretches are as long as reflections last: longer where the car stands.
    """
    time_s = problem.rows.time_s
    lasts_s = np.where(np.abs(problem.wheel) < STANDING_MPS, STANDING_S, settings.correlation_s)
    since = np.cumsum(np.diff(time_s, prepend=time_s[0]) / lasts_s)
    out = []
    for k in range(_FOLDS):
        at = (since - k) % _FOLDS
        out.append((at < 1.0, (at < 1.0 + _BESIDE) | (at >= _FOLDS - _BESIDE)))
    return out


def without(problem: Problem, epochs: Flags) -> Problem:
    """The problem without what satellites told of some epochs (E,)."""
    rows, outside = problem.rows, problem.outside
    lost = np.repeat(epochs, np.diff(rows.first))
    sigmas = {
        name: np.where(lost, np.inf, getattr(rows, name))
        for name in ("code_sigma", "rate_sigma", "phase_sigma")
    }
    place = np.where(epochs[:, None], np.nan, outside.place)
    return problem._replace(
        rows=rows._replace(**sigmas), outside=Outside(place, outside.information, outside.share)
    )


def _anchors(problem: Problem, found: Estimate) -> int:
    has = np.isfinite(problem.outside.place[:, 0])
    return int((found.weights.outside[has] > _BELIEVED).sum())
