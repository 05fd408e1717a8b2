"""lingnan positioning ..."""

from __future__ import annotations

import sys
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from positioning.config import Estimator, Form, Mode

app = App(name="positioning", help="GNSS positioning in the urban canyon (D4).")

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
WideLanes = Annotated[bool, Parameter(negative="")]
Week = Annotated[int | None, Parameter(validator=Number(gt=0, lt=10_000))]
Seconds = Annotated[float | None, Parameter(validator=Number(gt=0, lte=86_400))]
Files = Annotated[list[Path], Parameter(consume_multiple=True, negative="")]
Layout = Literal["open", "canyon", "avenue", "old-town", "viaduct", "trees"]
Coordinates = Annotated[str, Parameter(allow_leading_hyphen=True, show_default=False)]  # x < 0
Tolerance = Annotated[float, Parameter(validator=Number(gt=0))]


@app.command
def solve(
    *,
    rover: Path,
    nav: Files,
    out: Path,
    base: Path | None = None,
    imu: Path | None = None,
    wheel: Path | None = None,
    lever: Coordinates = "",
    mode: Mode = "kinematic",
    estimator: Estimator = "batch",
    base_position: Coordinates = "",
    form: Form = "geodetic",
    week: Week = None,
    wide_lanes: WideLanes = False,
    json: AsJson = False,
) -> None:
    """Solve a rover's observations; write RTKLIB's .pos format.

    Parameters
    ----------
    rover:
        Observations: RINEX 2, 3 or 4 (also compressed), UBX or RTCM 3.
    nav:
        Navigation messages of the same time: RINEX, UBX or RTCM 3, one file or several.
    out:
        The .pos file to write.
    base:
        Observations of the base; needed for static and kinematic.
    imu:
        Inertial samples to couple with, CSV as `simulate` writes it; kinematic, or single in batch.
    wheel:
        Wheel speed beside it, likewise.
    lever:
        Where the antenna is from the inertial sensor: forward,left,up in m.
    mode:
        single: without a base. static, kinematic: RTK of a rover that stands, or that moves.
    estimator:
        Of single and with --imu: each epoch by itself, from those before it, or from the whole
        drive.
    base_position:
        Where the base is, X,Y,Z in m (ECEF) or a file of one place; else what its file tells.
    form:
        Coordinates to write.
    week:
        GPS week of RTCM files that do not tell it.
    wide_lanes:
        RTK by itself: place epochs that stay float by the integers of their wide lanes, to some
        decimetres, where these are believed. Few are, none becomes a fix, and reflections that
        agree with each other mislead wide lanes too.
    json:
        Print what was done as JSON.
    """
    from common.progress import progress
    from positioning.config import SolveConfig
    from positioning.gnss.run import solve as run

    config = SolveConfig(
        mode=mode,
        estimator=estimator,
        form=form,
        week=week,
        base_position_m=_place(base_position) if base_position else None,
        lever_m=_three(lever, "--lever", "forward,left,up in m") if lever else None,
        wide_lanes=wide_lanes,
    )
    with progress() as tell:
        done = run(rover, base, nav, out, config, tell, imu=imu, wheel=wheel)
    for told in (*done.notes, *done.refusals):
        print(f"note: {told}", file=sys.stderr)
    if json:
        _print_json({"out": str(done.out), "epochs": done.epochs, **done.by_quality})
        return
    counts = ", ".join(f"{count} {name}" for name, count in done.by_quality.items())
    print(f"{done.out}: {done.epochs} epochs of the rover: {counts}.")


@app.command
def score(
    solution: Path,
    *,
    truth: Path,
    interval: Seconds = None,
    start: str = "",
    tolerance: Tolerance = 0.05,
    json: AsJson = False,
) -> None:
    """Judge a solution against the truth, counted over the epochs that were expected.

    Parameters
    ----------
    solution:
        A .pos file, NMEA, or UBX with the receiver's own positions.
    truth:
        A .pos file, CSV of week, second and place, point3 lines, one place, or a comma2k19 segment.
    interval:
        Seconds between expected epochs; without it those of the truth itself.
    start:
        WEEK:SECOND or the RINEX file of the observations, for truths that count from their start.
    tolerance:
        Seconds by which a solution may miss the expected time.
    json:
        Print the figures as JSON.
    """
    from positioning.gnss.formats import detect
    from positioning.gnss.score import score as judge

    solved, span_s, left_out = detect.read_solution(solution)
    found = judge(solved, _truth(truth, start), interval, span_s=span_s, tolerance_s=tolerance)
    _left_out(left_out)
    if json:
        _print_json(found.to_json())
        return
    print(_scored(found))


@app.command
def plot(
    solution: Path,
    *,
    out: Path,
    kind: Literal["map", "error", "cdf", "sky"] = "map",
    truth: Path | None = None,
    start: str = "",
    interval: Seconds = None,
    rover: Path | None = None,
    nav: Files | None = None,
    week: Week = None,
) -> None:
    """Draw a solution into a .png, .svg or .pdf.

    Parameters
    ----------
    solution:
        A .pos file, NMEA, or UBX with the receiver's own positions.
    out:
        The picture.
    kind:
        map; error against time; cdf: distribution of errors; sky: satellites with their C/N0.
    truth:
        As for score; needed for error and cdf.
    start:
        As for score.
    interval:
        As for score.
    rover:
        The observations, for sky.
    nav:
        Navigation messages, for sky.
    week:
        GPS week of RTCM files that do not tell it.
    """
    from positioning.gnss import plot as pictures
    from positioning.gnss.formats import detect

    solved, span_s, left_out = detect.read_solution(solution)
    _left_out(left_out)
    if kind == "map":
        figure = pictures.route(solved, _truth(truth, start) if truth else None)
    elif kind == "sky":
        figure = _sky(solved, rover, nav or [], week)
    else:
        figure = _errors(kind, solved, truth, start, interval, span_s)
    pictures.save(figure, out)
    print(out)


@app.command
def simulate(
    out: Path,
    *,
    layout: Layout = "canyon",
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    duration: Annotated[float, Parameter(validator=Number(gte=5, lte=3600))] = 120.0,
    rate: Annotated[float, Parameter(validator=Number(gt=0, lte=20))] = 5.0,
    nav: Files | None = None,
    sp3: Path | None = None,
    json: AsJson = False,
) -> None:
    """Simulate a drive in a city; write RINEX, UBX, IMU, wheel and truth into the folder OUT.

    Parameters
    ----------
    out:
        The folder to write; it is made. Another drive in it is not written over.
    layout:
        What the city is like.
    seed:
        Of everything that is drawn; the same seed gives the same files.
    duration:
        Seconds.
    rate:
        Epochs of the rover's receiver a second.
    nav:
        Recorded RINEX navigation: the sky of that day, GLONASS too. Without it one is made up.
    sp3:
        Where the satellites truly were, beside --nav, which is what they say.
    json:
        Print what was written as JSON.
    """
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    from common.errors import LingnanError
    from common.progress import progress
    from positioning.sim.gnss.files import FILES, write
    from positioning.sim.gnss.receiver import Receiver
    from positioning.sim.gnss.scenario import Scenario
    from positioning.sim.gnss.scenario import simulate as run

    scenario = Scenario(layout=layout, seed=seed, duration_s=duration)
    scenario = _under(scenario, nav, sp3)
    _folder(out)
    if there := [name for name in FILES if (out / name).exists()]:
        raise LingnanError(f"{out} holds {', '.join(there)} already: name another folder")
    with progress() as tell, TemporaryDirectory(prefix=".unfinished-", dir=out) as part:
        tell(0, 2, "simulating")
        drive = run(replace(scenario, rover=replace(Receiver(), rate_hz=rate)))
        tell(1, 2, "writing")
        write(drive, Path(part))
        for name in FILES:  # all of them or none: an interrupted call leaves the folder as it was
            (Path(part) / name).replace(out / name)
    x, y, z = drive.base_position_m.tolist()
    if json:
        told = {"out": str(out), "epochs": len(drive.rover), "base_position_m": [x, y, z]}
        _print_json({**told, "simulated": True})
        return
    print(f"{out}: {len(drive.rover)} epochs, simulated; base at {x:.4f},{y:.4f},{z:.4f}")


@app.command
def demo(out: Path, *, frames: Annotated[int, Parameter(validator=Number(gt=0))] = 300) -> None:
    """Write pictures of the simulated demonstration into the folder OUT.

    Live it is in the dashboard: lingnan serve.

    Parameters
    ----------
    out:
        The folder to write; it is made.
    frames:
        How many epochs of the drive.
    """
    from itertools import islice
    from threading import Event

    from common.progress import progress
    from positioning.demo import demo as running

    _folder(out)
    stop = Event()
    with progress() as tell:
        for k, frame in enumerate(islice(running(stop), frames)):
            (out / f"{k:05d}.jpg").write_bytes(frame.jpeg)
            tell(k + 1, frames, "frames")
    stop.set()
    print(out)


def _under(scenario: Any, nav: list[Path] | None, sp3: Path | None) -> Any:
    """The scenario under a recorded sky, where one is given."""
    from dataclasses import replace

    import numpy as np

    from common.errors import LingnanError
    from positioning.sim.gnss import sky

    if not nav:
        if sp3 is not None:
            raise LingnanError(f"{sp3} does not say what was broadcast: give --nav too")
        return scenario
    rng = np.random.default_rng([scenario.seed, *b"recorded"])
    above, week, tow_s = sky.recorded(nav, rng, precise=sp3)
    return replace(scenario, sky=above, start=(week, tow_s))


def _folder(out: Path) -> None:
    """Make the folder that is written to."""
    from common.errors import LingnanError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LingnanError(f"{out}: {error.strerror or error}") from error


@app.command
def convert(
    source: Path,
    *,
    obs: Path | None = None,
    nav: Path | None = None,
    week: Week = None,
) -> None:
    """Convert UBX or RTCM 3 to RINEX 3.04.

    Parameters
    ----------
    source:
        The file to convert.
    obs:
        RINEX observation file to write.
    nav:
        RINEX navigation file to write.
    week:
        GPS week of RTCM files that do not tell it.
    """
    from common.errors import LingnanError
    from common.outputs import check_output
    from positioning.gnss.formats import detect, rinex_nav, rinex_obs
    from positioning.gnss.formats.errors import Refusal

    if obs is None and nav is None:
        raise LingnanError("nothing to write: give --obs, --nav or both")
    if obs is not None and obs == nav:
        raise LingnanError(f"{obs}: observations and navigation are two files")
    for out in filter(None, (obs, nav)):
        check_output(out, source)
    refusals: list[Refusal] = []
    if obs is not None:
        observed = detect.read_observations(source, week, refusals)
        try:
            rinex_obs.write(obs, observed)
        except ValueError as error:
            raise LingnanError(f"{source}: {error}") from error
        print(f"{obs}: {len(observed)} epochs")
    if nav is not None:
        messages = detect.read_navigation([source], week, refusals)
        rinex_nav.write(nav, messages)
        print(f"{nav}: {len(messages.kepler) + len(messages.glonass)} ephemerides")
    _left_out([str(refusal) for refusal in dict.fromkeys(refusals)])


def _truth(path: Path, start: str) -> Any:
    from positioning.gnss.formats import truth

    return truth.read(path, truth.start_of(start) if start else None)


def _place(told: str) -> tuple[float, float, float]:
    """ECEF from "X,Y,Z" or from a file of one place."""
    from common.errors import LingnanError
    from positioning.gnss.formats import truth

    if not (file := Path(told)).exists():
        return _three(told, "--base-position", "X,Y,Z in m (ECEF), nor a file of one place")
    found = truth.read(file)
    if not found.is_static:
        raise LingnanError(f"{told} tells of a way, not of one place")
    x, y, z = found.position_m[0].tolist()
    return x, y, z


def _three(told: str, option: str, meaning: str) -> tuple[float, float, float]:
    from common.errors import LingnanError

    try:
        x, y, z = (float(word) for word in told.replace(",", " ").split())
        if not all(isfinite(value) for value in (x, y, z)):
            raise ValueError("not finite")
    except ValueError as error:
        raise LingnanError(f"{option} {told!r} is not {meaning}") from error
    return x, y, z


def _sky(solved: Any, rover: Path | None, nav: list[Path], week: int | None) -> Any:
    import numpy as np

    from common.errors import LingnanError
    from positioning.gnss import plot as pictures
    from positioning.gnss.formats import detect
    from positioning.gnss.orbits.broadcast import BroadcastOrbits

    if rover is None or not nav:
        raise LingnanError("a sky view needs the observations and orbits: give --rover and --nav")
    observed = detect.read_observations(rover, week)
    orbits = BroadcastOrbits(detect.read_navigation(nav, week))
    return pictures.sky(observed, orbits, np.median(solved.position_m, axis=0))


def _errors(
    kind: str,
    solved: Any,
    truth: Path | None,
    start: str,
    interval: float | None,
    span_s: tuple[float, float] | None,
) -> Any:
    from common.errors import LingnanError
    from positioning.gnss import plot as pictures
    from positioning.gnss.score import errors

    if truth is None:
        raise LingnanError(f"--kind {kind} needs the truth: give --truth")
    found = errors(solved, _truth(truth, start), interval, span_s=span_s)
    return pictures.error_against_time(found) if kind == "error" else pictures.distribution(found)


def _scored(found: Any) -> str:
    """The figures for people."""
    wrong = "-" if found.wrong_fix_rate is None else f"{found.wrong_fix_rate:.2%} of fixes"
    lines = [
        f"expected epochs    {found.expected}",
        f"available          {found.availability:.2%}",
        f"fixed              {found.fix_rate:.2%}, wrong (> 0.5 m) {wrong}",
        "error (m)            50 %      68 %      95 %   RMS of available",
    ]
    for name in ("horizontal", "vertical", "three_d"):
        part = getattr(found, name)
        told = "".join(f"{value:10.3f}" for value in (part.p50_m, part.p68_m, part.p95_m))
        lines.append(f"  {name.replace('_', '-'):<13}{told}{part.rms_m:10.3f}")
    shares = ", ".join(f"{share:.2%} <= {limit} m" for limit, share in found.within.items())
    lines.append(f"horizontal shares  {shares} (of expected)")
    for name in ("duplicates", "unsorted", "unexpected"):
        if getattr(found, name):
            lines.append(f"{name:<18} {getattr(found, name)} epochs")
    return "\n".join(lines)


def _left_out(told: list[str]) -> None:
    for line in told[:20]:
        print(f"left out: {line}", file=sys.stderr)
    if len(told) > 20:
        print(f"left out: and {len(told) - 20} more", file=sys.stderr)


def _print_json(found: dict[str, Any]) -> None:
    import json as codec

    print(codec.dumps(found, indent=1, ensure_ascii=False))
