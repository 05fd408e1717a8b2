"""From files of observations to a .pos file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.outputs import check_output
from common.progress import Tell
from positioning.config import SolveConfig
from positioning.gnss.formats import detect, pos
from positioning.gnss.formats.errors import Refusal
from positioning.gnss.formats.truth import seconds
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.scale import check_scale
from positioning.gnss.solution import Quality, Solution

if TYPE_CHECKING:
    from positioning.gnss.coupled.solve import Vehicle

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
    rover: Path,
    base: Path | None,
    nav: Sequence[Path],
    out: Path,
    config: SolveConfig,
    tell: Tell,
    *,
    imu: Path | None = None,
    wheel: Path | None = None,
) -> Solved:
    """Read, solve and write; LingnanError names the file and what is wrong with it.

    imu, wheel: the vehicle's own sensors, to couple with (formats.sensors).
    """
    _check(base, config)
    check_output(out, rover, base, imu, wheel, *nav)
    _check_sensors(imu, wheel, base, config)
    done = Solved(out, 0, {})
    tell(0, _STEPS, "reading the rover")
    observed = detect.read_observations(rover, config.week, done.refusals)
    tell(1, _STEPS, "reading navigation")
    orbits = BroadcastOrbits(detect.read_navigation(nav, config.week, done.refusals))
    _note_missing(observed, orbits, nav, done.notes)
    check_scale(rover, observed, orbits)
    tell(2, _STEPS, "solving")
    beside = None if base is None else _base(base, orbits, config, done)
    vehicle = _vehicle(imu, wheel, observed, config, done.notes) if imu else None
    solution = _solution(observed, beside, orbits, vehicle, config)
    place = beside[1] if beside else None
    tell(3, _STEPS, "writing")
    names = [str(path) for path in (rover, base, imu, wheel, *nav) if path is not None]
    settings = [("pos mode", config.mode.capitalize())]
    _write(out, solution, observed, names, place, config, settings)
    done.epochs = len(observed)
    done.by_quality = _counted(solution)
    return done


def _note_missing(
    observed: Observations, orbits: BroadcastOrbits, nav: Sequence[Path], notes: list[str]
) -> None:
    """Name the satellites that are left out because no navigation message fits them."""
    from positioning.gnss.rtk.checks import missing_orbits
    from positioning.gnss.rtk.pipeline import SYSTEMS

    missing = missing_orbits(observed, orbits, SYSTEMS)
    if missing:
        told = ", ".join(str(path) for path in nav)
        notes.append(f"without usable navigation in {told}, left out: {', '.join(missing)}")


def _check(base: Path | None, config: SolveConfig) -> None:
    if config.mode == "single" and base is not None:
        raise LingnanError("--mode single takes no base: leave --base away, or choose kinematic")
    if config.mode != "single" and base is None:
        raise LingnanError(f"--mode {config.mode} needs a base: give --base, or --mode single")
    if config.wide_lanes and base is None:
        raise LingnanError("--wide-lanes is of RTK: give --base, or leave it away")


def _check_sensors(
    imu: Path | None, wheel: Path | None, base: Path | None, config: SolveConfig
) -> None:
    if imu is None and (wheel is not None or config.lever_m is not None):
        raise LingnanError("--wheel and --lever go with an inertial sensor: give --imu too")
    if imu is None:
        return
    if config.wide_lanes:
        raise LingnanError("--wide-lanes adds no fix, and --imu couples with fixes: choose one")
    if config.mode == "static":
        raise LingnanError("--imu is of a vehicle that moves: choose --mode kinematic or single")
    if config.estimator == "epoch":
        raise LingnanError("--imu ties epochs together: choose --estimator batch or realtime")
    if config.estimator == "realtime" and base is None:
        raise LingnanError(
            "in real time the coupled estimate needs a base: in streets it is not reliably better "
            "than single point without one; give --base, or --estimator batch, or no --imu"
        )


def _vehicle(
    imu: Path, wheel: Path | None, observed: Observations, config: SolveConfig, notes: list[str]
) -> Vehicle:
    """The car's sensors; what is not told is noted."""
    from positioning.gnss.coupled.sensors import Wheels
    from positioning.gnss.coupled.solve import Vehicle
    from positioning.gnss.formats.sensors import read_inertial, read_wheels

    begin_s = float(seconds(observed.week[:1], observed.tow_s[:1])[0])
    if config.lever_m is None:
        notes.append(f"the antenna is taken to be at the inertial sensor of {imu}: --lever says")
    nothing = Wheels(np.empty(0), np.empty(0))
    wheels = nothing if wheel is None else read_wheels(wheel, begin_s)
    return Vehicle(
        read_inertial(imu, begin_s), wheels, np.array(config.lever_m or (0, 0, 0), float)
    )


Beside = tuple[Observations, NDArray[np.float64]]
"""What a base observed, and where it stands (3,) ECEF."""


def _solution(
    observed: Observations,
    beside: Beside | None,
    orbits: BroadcastOrbits,
    vehicle: Vehicle | None,
    config: SolveConfig,
) -> Solution:
    """By what there is: one receiver, two, and the vehicle's sensors with either."""
    from positioning.gnss.coupled import solve as coupled

    if beside is None:
        if vehicle is None:
            return _single(observed, orbits, config)
        return coupled.solve(observed, orbits, vehicle).solution
    from positioning.gnss.variance.network import variances

    learned = variances(observed, orbits)
    if vehicle is None:
        return _relative(observed, *beside, orbits, learned, config)
    from positioning.gnss.coupled import hindsight, realtime

    estimate = realtime.solve if config.estimator == "realtime" else hindsight.solve
    return estimate(observed, orbits, vehicle, *beside, variance_m2=learned)[0].solution


def _single(observed: Observations, orbits: BroadcastOrbits, config: SolveConfig) -> Solution:
    from positioning.gnss.single.solve import solve

    return solve(observed, orbits, mode=config.estimator)


def _relative(
    observed: Observations,
    based: Observations,
    place: NDArray[np.float64],
    orbits: BroadcastOrbits,
    learned: NDArray[np.float64],
    config: SolveConfig,
) -> Solution:
    from positioning.gnss.rtk.pipeline import solve
    from positioning.gnss.rtk.tuning import Mode

    given = (observed, based, orbits, place, Mode(config.mode))
    return solve(*given, variance_m2=learned, wide_lanes=config.wide_lanes)[0]


def _base(path: Path, orbits: BroadcastOrbits, config: SolveConfig, done: Solved) -> Beside:
    based = detect.read_observations(path, config.week, done.refusals)
    check_scale(path, based, orbits)
    return based, _base_place(path, based, config, done.notes)


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
