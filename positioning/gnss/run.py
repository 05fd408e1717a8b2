"""From files of observations to a .pos file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.progress import Tell
from positioning.config import SolveConfig
from positioning.gnss.formats import detect, pos
from positioning.gnss.formats.errors import Refusal
from positioning.gnss.formats.truth import seconds
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.solution import Quality, Solution

_STEPS = 4


@dataclass(slots=True)
class Solved:
    """What was made; epochs of the rover, how many were solved how, and warnings."""

    out: Path
    epochs: int
    by_quality: dict[str, int]
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def solve(
    rover: Path, base: Path | None, nav: Sequence[Path], out: Path, config: SolveConfig, tell: Tell
) -> Solved:
    """Read, solve and write; LingnanError names the file and what is wrong with it."""
    _check(base, out, config)
    done = Solved(out, 0, {})
    tell(0, _STEPS, "reading the rover")
    observed = detect.read_observations(rover, config.week, done.refusals)
    tell(1, _STEPS, "reading navigation")
    orbits = BroadcastOrbits(detect.read_navigation(nav, config.week, done.refusals))
    tell(2, _STEPS, "solving")
    place: NDArray[np.float64] | None = None
    if base is None:
        solution = _single(observed, orbits, config)
    else:
        based = detect.read_observations(base, config.week, done.refusals)
        place = _base_place(base, based, config, done.notes)
        solution = _relative(observed, based, orbits, place, config)
    tell(3, _STEPS, "writing")
    names = [str(path) for path in (rover, base, *nav) if path is not None]
    settings = [("pos mode", config.mode.capitalize())]
    _write(out, solution, observed, names, place, config, settings)
    done.epochs = len(observed)
    done.by_quality = _counted(solution)
    return done


def _check(base: Path | None, out: Path, config: SolveConfig) -> None:
    if config.mode == "single" and base is not None:
        raise LingnanError("--mode single takes no base: leave --base away, or choose kinematic")
    if config.mode != "single" and base is None:
        raise LingnanError(f"--mode {config.mode} needs a base: give --base, or --mode single")
    if not out.parent.is_dir():
        raise LingnanError(f"{out.parent} is no folder; make it first")


def _single(observed: Observations, orbits: BroadcastOrbits, config: SolveConfig) -> Solution:
    from positioning.gnss.single.solve import solve

    return solve(observed, orbits, mode=config.estimator)


def _relative(
    observed: Observations,
    based: Observations,
    orbits: BroadcastOrbits,
    place: NDArray[np.float64],
    config: SolveConfig,
) -> Solution:
    from positioning.gnss.rtk.pipeline import solve
    from positioning.gnss.rtk.tuning import Mode

    solution, _ = solve(observed, based, orbits, place, Mode(config.mode))
    return solution


def _base_place(
    path: Path, based: Observations, config: SolveConfig, notes: list[str]
) -> NDArray[np.float64]:
    if config.base_position_m is not None:
        return np.array(config.base_position_m)
    if based.approx_position_m is None:
        raise LingnanError(f"{path} does not tell where the base is: give --base-position X,Y,Z")
    told = ", ".join(f"{value:.4f}" for value in based.approx_position_m)
    notes.append(f"the base is taken to be where {path} says: {told} m (ECEF)")
    return based.approx_position_m


def _write(
    out: Path,
    solution: Solution,
    observed: Observations,
    names: Sequence[str],
    place: NDArray[np.float64] | None,
    config: SolveConfig,
    settings: Sequence[tuple[str, str]],
) -> None:
    order = np.argsort(seconds(observed.week, observed.tow_s), kind="stable")
    first, last = ((int(observed.week[k]), float(observed.tow_s[k])) for k in (order[0], order[-1]))
    try:
        pos.write(
            out,
            solution,
            form=config.form,
            inputs=names,
            reference_m=place,
            span=(first, last),
            settings=settings,
        )
    except OSError as error:
        raise LingnanError(f"{out}: {error.strerror or error}") from error


def _counted(solution: Solution) -> dict[str, int]:
    kinds, counts = np.unique(solution.quality, return_counts=True)
    named = zip(kinds, counts, strict=True)
    return {Quality(kind).name.lower(): int(count) for kind, count in named}
