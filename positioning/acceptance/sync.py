"""S4-D3-R3: the clocks and the mount of radar and camera, found from bodies that both see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, rate, resampled
from common.acceptance.resampling import bootstrap

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from positioning.fusion.bounds import Passing
    from positioning.sim.road.world import World
    from positioning.sim.video.drive import Jitter

FIRST_SEED = 20_500
STEERS_S, STEERS_M = 1.5, 1.2  # how long a swerve to the side lasts, and how far it goes


def _steered(world: World) -> World:
    """The same street on a carrier that swings from side to side as far as its lane goes."""
    from positioning.sim.road.motion import Motion

    times = np.arange(0.0, 8.5 * STEERS_S, STEERS_S)
    start, speed = world.ego.position_m(0.0), world.ego.velocity_mps(0.0)
    places = np.asarray(start + times[:, None] * speed, np.float64)
    places[1::2, 1] += STEERS_M
    return replace(world, ego=Motion(times, places))


@dataclass(frozen=True, slots=True)
class Case:
    """Drives of one kind. suffix: of the rows' ids; where, how: in their claims and methods."""

    suffix: str
    where: str
    how: str
    steers: bool = True
    jitters: bool = False


SWINGS = f"The carrier swings {STEERS_M} m aside and back every {2 * STEERS_S:.0f} s: all bearings "
STEERED = Case("", "of a drive that steers", SWINGS + "swing with it, and the clock with them.")
STRAIGHT = Case(
    "-straight",
    "of a straight drive",
    "A straight drive: a reflection a few decimetres off the middle of a box looks like time "
    "(0.3 m at 10 m/s is 30 ms), so that the number of bodies bounds what is told.",
    steers=False,
)
JITTERED = Case(
    "-jitter",
    "of a drive that steers with stamps that jitter",
    SWINGS + "swing with it. Each frame's stamp is off by itself besides: the camera's by up to "
    "5 ms to either side, 3 in 100 are 10 to 40 ms late; the radar's by up to 3 ms, 1 in 100 is 10 "
    "to 20 ms late. The estimator is not told. What is to be found is the clocks' own offset, "
    "without the mean of the late ones (0.6 ms).",
    jitters=True,
)


def jitter() -> dict[str, Jitter]:
    """Of JITTERED: flat, of one side and rare, as no least-squares problem assumes it. No stamp is
    later than its frame arrives."""
    from positioning.sim.video.drive import Jitter

    return {
        "camera": Jitter(0.005, 0.03, (0.01, 0.04)),
        "radar": Jitter(0.003, 0.01, (0.01, 0.02)),
    }


def measure_sync(case: Case, context: Context) -> Mapping[str, Measurement]:
    """Clocks up to 200 ms apart that drift, and a mount that is off, found from common tracks."""
    if not case.steers and context.size == "quick":
        return {row.id: not_measured("at full size alone") for row in _sync_rows(case)}
    count = {"quick": 1, "full": 20}[context.size]
    runs = []
    for number in range(count):
        context.progress(number, count, "drives with clocks apart")
        runs.append(_apart(FIRST_SEED + 1000 * context.seed + number, case))
    clock, yaw = [run.clock_ms for run in runs], [run.yaw_mrad for run in runs]
    began = np.mean([run.began_mrad for run in runs])
    return {
        **_told(OFFSET, case, clock, _bounded(runs)),
        **_told(YAW, case, yaw, f"It began {began:.1f} mrad off on average"),
    }


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is estimated: its name, its rows' names, its unit, and the most that it may be off."""

    name: str
    row: str
    interval: str
    unit: str
    most: float


OFFSET = Unknown("time offset", "offset", "interval", "ms", 2.0)
YAW = Unknown("yaw", "yaw", "yaw-interval", "mrad", 4.0)


@dataclass(frozen=True, slots=True)
class Course:
    """Of an unknown in one drive: error and stated standard deviation over time, (N,) each."""

    time_s: np.ndarray
    error: np.ndarray
    sigma: np.ndarray

    def series(self, name: str) -> Series:
        """The error with twice its deviation, from the first second on that both saw somebody."""
        band = 2 * self.sigma
        return Series(name, self.time_s.tolist(), self.error, self.error - band, self.error + band)


def _told(of: Unknown, case: Case, courses: Sequence[Course], note: str) -> dict[str, Measurement]:
    """The mean error at the end of the drives, and how often the stated interval holds it."""
    errors = np.array([course.error[-1] for course in courses])
    values = np.abs(errors)
    spans = np.array([course.sigma[-1] for course in courses])
    count, digest = len(values), content_hash(values)
    lines = tuple(ReferenceLine(f"{at:g} {of.unit}", at) for at in (of.most, -of.most))
    curves = tuple(course.series(f"drive {at + 1}") for at, course in enumerate(courses[:3]))
    shown = Plot(f"Error of the {of.name}", "time [s]", f"error [{of.unit}]", curves, lines=lines)
    return {
        f"S4-D3-R3/{of.row}{case.suffix}": resampled(
            float(values.mean()),
            bootstrap(lambda i: float(values[i].mean()), count, seed=1),
            count,
            digest,
            f"Mean stated standard deviation {spans.mean():.1f} {of.unit}, largest error "
            f"{values.max():.1f} {of.unit}, mean with its sign {errors.mean():+.1f} {of.unit}. "
            f"{note}",
            (shown,),
        ),
        f"S4-D3-R3/{of.interval}{case.suffix}": rate(
            int((values <= 2 * spans).sum()),
            count,
            digest,
            "Share of drives whose error is inside.",
        ),
    }


SPREADS_M = ((0.6, 0.3), (0.15, 0.15), (0.05, 0.05))  # of a reflection's place on its body


@dataclass(frozen=True)
class _Sync:
    """Of one drive: the offset's and the yaw's courses, how far the yaw was off at first, and the
    Cramer-Rao bound of the offset for each of SPREADS_M."""

    clock_ms: Course
    yaw_mrad: Course
    began_mrad: float
    bound_ms: tuple[float, ...]


def _apart(seed: int, case: Case) -> _Sync:
    from positioning.fusion.pipeline import FusionSettings
    from positioning.sim.road import scenario
    from positioning.sim.video.drive import Faults
    from positioning.sim.video.trial import drive

    rng = np.random.default_rng([seed, 51])
    faults = Faults(
        offset_s=float(rng.uniform(-0.2, 0.2)),
        drift=float(rng.normal(0, 50e-6)),
        yaw_rad=float(rng.normal(0, 0.01)),
        pitch_rad=float(rng.normal(0, 0.004)),
        jitter=jitter() if case.jitters else {},
    )
    world = scenario.street(seed, vehicles=8, seconds=10.3)
    if case.steers:
        world = _steered(world)
    trial = drive(world, "clear", seed, faults=faults, settings=FusionSettings())
    times = np.array([t for t, _ in trial.aligned])
    off = [a.offset_at(t) - faults.offset_s - faults.drift * t for t, a in trial.aligned]
    turned = [a.yaw_rad - faults.yaw_rad for _, a in trial.aligned]
    sigma = 1e3 * np.array([a.sigma for _, a in trial.aligned])
    return _Sync(
        Course(times, 1e3 * np.array(off), sigma[:, 0]),
        Course(times, 1e3 * np.array(turned), sigma[:, 2]),
        1e3 * abs(faults.yaw_rad),
        bounds_ms(world),
    )


def bounds_ms(world: World) -> tuple[float, ...]:
    """Of a drive's offset, for each of SPREADS_M; lower than any estimator reaches: sizes and pairs
    are known, no look is missed, and errors do not last."""
    from positioning.fusion.bounds import offset_bound_s
    from positioning.sim.video.drive import odometry

    bodies = _passing(world)
    return tuple(
        1e3 * offset_bound_s(bodies, lambda times: odometry(world, times), spread)
        for spread in SPREADS_M
    )


def _passing(world: World) -> list[Passing]:
    """The bodies of the first ten seconds, each while it is in both fields."""
    from positioning.fusion.bounds import Passing
    from positioning.sim.video.detections import Place
    from positioning.sim.video.trial import inside

    def seen(times: np.ndarray) -> np.ndarray:
        truths = [(world.truth(t).centre_m[:, :2], Place.of(world, t)) for t in times.tolist()]
        return np.array([inside(centre, place) for centre, place in truths])

    radar_s, camera_s = np.arange(0.1, 10.0, 0.05), np.arange(0.1, 10.0, 1 / 30)
    radar, camera, truth = seen(radar_s), seen(camera_s), world.truth(0.0)
    return [
        Passing(
            truth.centre_m[a, :2], truth.velocity_mps[a], float(truth.size_m[a, 2]),
            radar_s[radar[:, a]], camera_s[camera[:, a]],
        )
        for a in range(len(truth.number))
        if radar[:, a].any() and camera[:, a].any()
    ]  # fmt: skip


def _bounded(runs: list[_Sync]) -> str:
    """The Cramer-Rao bounds, root mean square over the drives."""
    bounds = np.sqrt(np.mean(np.square([run.bound_ms for run in runs]), axis=0))
    told = ", ".join(
        f"{bound:.1f} ms where it is known to {ahead:g} m"
        for bound, (ahead, _) in zip(bounds.tolist(), SPREADS_M, strict=True)
    )
    return f"Cramer-Rao bound, by how well a reflection's place on its body is known: {told}"


def _sync_rows(case: Case) -> tuple[Indicator, ...]:
    row = partial(Indicator, guide="时钟同步", evidence="simulated")
    after, held = f"After 10 s {case.where}", f"stated after 10 s {case.where} holds the true"
    interval = f"The interval of two standard deviations {held}"
    return (
        row(
            f"S4-D3-R3/offset{case.suffix}",
            f"{after} the clocks' offset is known within 2 ms from a start of +-200 ms.",
            unit="ms", comparator="<=", target=OFFSET.most,
            method="Absolute error of the online estimate from common tracks; yaw, pitch, drift "
            f"unknown too. {case.how}",
        ),
        row(
            f"S4-D3-R3/interval{case.suffix}", f"{interval} offset.",
            unit="fraction", comparator=">=", target=0.9, method="Share of the same drives.",
        ),
        row(
            f"S4-D3-R3/yaw{case.suffix}",
            f"{after} the camera's yaw against the radar is known within 4 mrad.",
            unit="mrad", comparator="<=", target=YAW.most,
            method="Absolute error of the online estimate, of the same drives; the mount is off by "
            "10 mrad (one standard deviation). 4 mrad are 0.24 m at 60 m, the farthest at which "
            "tracks are judged: less than half the width of a walker (0.5 m), so that a box still "
            "points at the narrowest body where the radar places it.",
        ),
        row(
            f"S4-D3-R3/yaw-interval{case.suffix}", f"{interval} yaw.",
            unit="fraction", comparator=">=", target=0.9, method="Share of the same drives.",
        ),
    )  # fmt: skip


EXPERIMENTS = tuple(
    Experiment(f"fusion-sync{case.suffix}", _sync_rows(case), partial(measure_sync, case))
    for case in (STEERED, STRAIGHT, JITTERED)
)
