"""S4-D3-R3: the clocks and the mount of radar and camera, found from bodies that both see."""

from __future__ import annotations

from collections.abc import Mapping
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


def measure_sync(steers: bool, context: Context) -> Mapping[str, Measurement]:
    """Clocks up to 200 ms apart that drift, and a mount that is off, found from common tracks."""
    if not steers and context.size == "quick":
        return {row.id: not_measured("at full size alone") for row in _sync_rows(steers)}
    count = {"quick": 1, "full": 20}[context.size]
    runs = []
    for number in range(count):
        context.progress(number, count, "drives with clocks apart")
        runs.append(_apart(FIRST_SEED + 1000 * context.seed + number, steers))
    values = np.array([abs(run.error_ms[-1]) for run in runs])
    spans = np.array([run.sigma_ms[-1] for run in runs])
    digest = content_hash(values)
    note = (
        f"Mean stated standard deviation {spans.mean():.1f} ms; yaw off by "
        f"{np.mean([run.yaw_mrad for run in runs]):.1f} mrad on average. {_bounded(runs)}"
    )
    lines = (ReferenceLine("2 ms", 2.0), ReferenceLine("-2 ms", -2.0))
    curves = tuple(run.series(f"drive {at + 1}") for at, run in enumerate(runs[:3]))
    shown = (Plot("Error of the time offset", "time [s]", "error [ms]", curves, lines=lines),)
    suffix = "" if steers else "-straight"
    bounds = bootstrap(lambda i: float(values[i].mean()), count, seed=1)
    covered = int((values <= 2 * spans).sum())
    return {
        f"S4-D3-R3/offset{suffix}": resampled(
            float(values.mean()),
            bounds,
            count,
            digest,
            note,
            shown,
        ),
        f"S4-D3-R3/interval{suffix}": rate(
            covered, count, digest, "Share of drives whose error is inside."
        ),
    }


SPREADS_M = ((0.6, 0.3), (0.15, 0.15), (0.05, 0.05))  # of a reflection's place on its body


@dataclass(frozen=True)
class _Sync:
    """Of one drive: error and stated deviation of the offset over time, the last yaw's error, and
    the Cramer-Rao bound of the offset for each of SPREADS_M."""

    time_s: np.ndarray
    error_ms: np.ndarray
    sigma_ms: np.ndarray
    yaw_mrad: float
    bound_ms: tuple[float, ...]

    def series(self, name: str) -> Series:
        """The error with twice its deviation, from the first second on that both saw somebody."""
        band = 2 * self.sigma_ms
        return Series(
            name, self.time_s.tolist(), self.error_ms, self.error_ms - band, self.error_ms + band
        )


def _apart(seed: int, steers: bool) -> _Sync:
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
    )
    world = scenario.street(seed, vehicles=8, seconds=10.3)
    if steers:
        world = _steered(world)
    trial = drive(world, "clear", seed, faults=faults, settings=FusionSettings())
    off = [a.offset_at(t) - faults.offset_s - faults.drift * t for t, a in trial.aligned]
    return _Sync(
        np.array([t for t, _ in trial.aligned]),
        1e3 * np.array(off),
        1e3 * np.array([a.sigma[0] for _, a in trial.aligned]),
        1e3 * abs(trial.aligned[-1][1].yaw_rad - faults.yaw_rad),
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
    return f"Cramer-Rao bound, by how well a reflection's place on its body is known: {told}."


def _sync_rows(steers: bool) -> tuple[Indicator, ...]:
    suffix = "" if steers else "-straight"
    how = (
        f"The carrier swings {STEERS_M} m aside and back every {2 * STEERS_S:.0f} s: all bearings "
        "swing with it, and the clock with them."
        if steers
        else "A straight drive: a reflection a few decimetres off the middle of a box looks like "
        "time (0.3 m at 10 m/s is 30 ms), so that the number of bodies bounds what is told."
    )
    where = "of a drive that steers" if steers else "of a straight drive"
    return (
        Indicator(
            f"S4-D3-R3/offset{suffix}",
            f"After 10 s {where} the clocks' offset is known within 2 ms from a start of +-200 ms.",
            "时钟同步", "ms", "<=", 2.0, "simulated",
            "Absolute error of the online estimate from common tracks; yaw, pitch, drift unknown "
            f"too. {how}",
        ),
        Indicator(
            f"S4-D3-R3/interval{suffix}",
            f"The interval of two standard deviations stated after 10 s {where} holds the true "
            "offset.",
            "时钟同步", "fraction", ">=", 0.9, "simulated", "Share of the same drives.",
        ),
    )  # fmt: skip


EXPERIMENTS = (
    Experiment("fusion-sync", _sync_rows(True), partial(measure_sync, True)),
    Experiment("fusion-sync-straight", _sync_rows(False), partial(measure_sync, False)),
)
