"""S4-D3-R3, R4 and K4: radar and camera fused, against each of them alone, at detection level.

Sensors are simulated as detections whose errors differ from those that the tracker assumes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, rate, resampled
from common.acceptance.resampling import bootstrap
from common.acceptance.statistics import poisson_bounds

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from positioning.sim.road.world import World
    from positioning.sim.video.trial import Trial

CONDITIONS = ("clear", "rain", "night", "occlusion")
SENSORS = {"fusion": ("radar", "camera"), "radar": ("radar",), "camera": ("camera",)}
DRIVES = {"quick": 2, "full": 30}
SECONDS = {"quick": 3.0, "full": 10.0}
FIRST_SEED = 20_000
FIELD = "within 60 m and 31 degrees of straight ahead, house-hidden bodies left out"


def world_of(condition: str, seed: int, seconds: float) -> World:
    """The drive of a condition: a street, or for occlusion a crossing or junction by turns."""
    from positioning.sim.road import scenario

    if condition == "occlusion":
        make = scenario.crossing if seed % 2 else scenario.junction
        return make(seed, seconds=seconds)
    return scenario.street(seed, vehicles=6, seconds=seconds)


def measure_condition(condition: str, context: Context) -> Mapping[str, Measurement]:
    """The same drives with both sensors and with each alone."""
    from positioning.sim.video.drive import arrivals
    from positioning.sim.video.trial import drive
    from positioning.video.camera import Camera

    count, seconds = DRIVES[context.size], SECONDS[context.size]
    found: dict[str, list[Trial]] = {name: [] for name in SENSORS}
    for number in range(count):
        context.progress(number, count, f"drives, {condition}")
        seed = FIRST_SEED + 1000 * context.seed + number
        world = world_of(condition, seed, seconds)
        heard = list(arrivals(world, condition, Camera(), seed))
        for name, sensors in SENSORS.items():
            found[name].append(drive(world, condition, seed, sensors=sensors, heard=heard))
    return _compared(condition, found)


def _compared(condition: str, found: dict[str, list[Trial]]) -> dict[str, Measurement]:
    scores = {name: np.array([t.gospa_m for t in trials]) for name, trials in found.items()}
    rmse = {name: _rmse(trials) for name, trials in found.items()}
    best = min(("radar", "camera"), key=lambda name: scores[name].mean())
    gain = scores[best] - scores["fusion"]
    n = len(gain)
    told = "; ".join(
        f"{name} GOSPA {scores[name].mean():.2f} m, RMSE {rmse[name]:.2f} m" for name in scores
    )
    shown = (_over_time(condition, found),)
    errors = [np.array(t.errors_m) for t in found["fusion"] if t.errors_m]
    squares = np.array([np.mean(e**2) for e in errors])
    digest = content_hash(gain, *errors)
    floor, ceiling = np.sqrt(np.maximum(_bounds(squares), 0)).tolist()
    return {
        f"S4-D3-R4/gospa-{condition}": resampled(
            float(gain.mean()),
            _bounds(gain),
            n,
            digest,
            f"Better single sensor: {best}. {told}",
            shown,
        ),
        f"S4-D3-R4/rmse-{condition}": resampled(
            float(np.sqrt(squares.mean())), (floor, ceiling), n, digest, told
        ),
    }


def _bounds(values: np.ndarray) -> tuple[float, float]:
    """One-sided 95 % bootstrap bounds of the mean over drives."""
    return bootstrap(lambda i: float(values[i].mean()), len(values), seed=1)


def _rmse(trials: list[Trial]) -> float:
    every = np.concatenate([np.array(t.errors_m) for t in trials])
    return float(np.sqrt(np.mean(every**2))) if len(every) else float("nan")


def _over_time(condition: str, found: dict[str, list[Trial]]) -> Plot:
    curves = []
    for name, trials in found.items():
        least = min(len(t.scores) for t in trials)
        table = np.array([[s.value for s in t.scores[:least]] for t in trials])
        x = [t for t, *_ in trials[0].paths[:least]]
        curves.append(Series(name, x, table.mean(0)))
    title = f"GOSPA over time, {condition}, mean of {len(trials)} drives"
    return Plot(title, "time [s]", "GOSPA [m]", tuple(curves))


BAD = {
    "radar-silent": {"silent": {"radar": (2.0, 99.0)}},
    "camera-silent": {"silent": {"camera": (2.0, 99.0)}},
    "camera-late": {"late_s": {"camera": 0.25}},
    "camera-turned": {"turns_rad": 0.09, "lies_from_s": 2.0},
    "radar-off": {"lies_m": 5.0, "lies_from_s": 2.0},
}


def measure_bad(context: Context) -> Mapping[str, Measurement]:
    """Drives with one sensor bad; told share, and GOSPA beside the sound sensor alone."""
    from positioning.sim.video.drive import Faults
    from positioning.sim.video.trial import drive

    count, seconds = {"quick": (1, 3.5), "full": (12, 8.0)}[context.size]
    noticed = total = 0
    rows, notes = {}, []
    alone: dict[tuple[int, str], float] = {}
    for at, (name, wrong) in enumerate(BAD.items()):
        worse = []
        for number in range(count):
            context.progress(at * count + number, len(BAD) * count, f"drives with {name}")
            seed = FIRST_SEED + 1000 * context.seed + 700 + number
            world = world_of("clear", seed, seconds)
            bad = drive(world, "clear", seed, faults=Faults(**wrong))  # type: ignore[arg-type]
            sound = "camera" if name.startswith("radar") else "radar"
            if (number, sound) not in alone:
                alone[number, sound] = drive(world, "clear", seed, sensors=(sound,)).gospa_m
            worse.append(bad.gospa_m - alone[number, sound])
            if name != "camera-late":
                total += 1
                noticed += any(v[name.split("-")[0]] != "good" for v in bad.verdicts[-10:])
        notes.append(f"{name} {np.mean(worse):+.2f} m")
    digest = content_hash("bad", repr((noticed, total, notes)))
    rows["S4-D3-R4/bad-noticed"] = rate(
        noticed, total, digest, "GOSPA against the sound sensor alone: " + "; ".join(notes)
    )
    return rows


# a pedestrian steps out some 10 m ahead: past parked vans one drives at 18 km/h
SCENES: dict[str, tuple[str, dict[str, float]]] = {
    "blind-spot": ("junction", {}),
    "vulnerable": ("crossing", {"ego_mps": 5.0}),
}
WARN_S = 1.0
SCENE_DRIVES = {
    "quick": {"blind-spot": 3, "vulnerable": 1},
    "full": dict.fromkeys(SCENES, 40),
}


def measure_scenes(context: Context) -> Mapping[str, Measurement]:
    """Event: a body comes out from behind something; told if it has a track soon after."""
    from positioning.sim.road import scenario
    from positioning.sim.video.events import events_of
    from positioning.sim.video.trial import drive

    found: dict[str, Measurement] = {}
    for name, (maker, given) in SCENES.items():
        count = SCENE_DRIVES[context.size][name]
        told = events = alarms = 0
        hours = 0.0
        for number in range(count):
            context.progress(number, count, f"scenes, {name}")
            seed = FIRST_SEED + 1000 * context.seed + 300 + number
            world = getattr(scenario, maker)(seed, **given)
            trial = drive(world, "clear", seed)
            seen = events_of(world, trial, WARN_S)
            events, told, alarms = events + seen.events, told + seen.told, alarms + seen.false
            hours += seen.seconds / 3600
        digest = content_hash(name, repr((told, events, alarms, hours)))
        note = (
            f"{alarms} false tracks of 0.5 s or longer in {3600 * hours:.0f} s, n = {count} scenes"
        )
        found[f"S4-D3-K4/{name}"] = (
            rate(told, events, digest, note) if events else not_measured("no event came up")
        )
        low, high = (bound / hours for bound in poisson_bounds(alarms))
        found[f"S4-D3-K4/{name}-false"] = Measurement(
            alarms / hours, low, high, count, digest, note
        )
    return found


def _condition_rows(condition: str) -> tuple[Indicator, ...]:
    guide = "低功耗多模态感算一体：雷达与视频融合"
    how = (
        f"Same drives, {FIELD}; GOSPA with p = 2, cutoff 4 m, ten times a second; detections "
        "simulated with heavy tails, ghosts, merges and losses that the tracker does not assume."
    )
    return (
        Indicator(
            f"S4-D3-R4/gospa-{condition}",
            f"In {condition} fusion has a lower GOSPA than the better single sensor.",
            guide, "m", ">", 0.0, "simulated", f"Mean difference over drives. {how}",
        ),
        Indicator(
            f"S4-D3-R4/rmse-{condition}",
            f"In {condition} fused positions are within 1 m (RMSE).",
            guide, "m", "<=", 1.0, "simulated", f"Of tracks with a body within 4 m. {how}",
        ),
    )  # fmt: skip


NOTICED = Indicator(
    "S4-D3-R4/bad-noticed",
    "A sensor that is silent or lies is told as such.",
    "低功耗多模态感算一体：雷达与视频融合", "fraction", ">=", 0.95, "simulated",
    "Radar or camera silent, radar 5 m off, camera knocked by 5 degrees; told in the last second.",
)  # fmt: skip
K4 = tuple(
    row
    for name, what in (
        ("blind-spot", "a car out of a junction's blind spot"),
        ("vulnerable", "a pedestrian from behind a parked van"),
    )
    for row in (
        Indicator(
            f"S4-D3-K4/{name}", f"Warns of {what} within {WARN_S:.0f} s of its coming into sight.",
            "2种以上智慧交通系统典型场景", "fraction", ">=", 0.95, "simulated",
            "A told track within 4 m, one second after the body is three tenths in sight.",
        ),
        Indicator(
            f"S4-D3-K4/{name}-false", f"False tracks in the scene of {what}.",
            "2种以上智慧交通系统典型场景", "1/h", "<=", 60.0, "simulated",
            "Told for half a second or longer without a body within 4 m.",
        ),
    )
)  # fmt: skip

EXPERIMENTS = (
    *(
        Experiment(f"fusion-{c}", _condition_rows(c), partial(measure_condition, c))
        for c in CONDITIONS
    ),
    Experiment("fusion-bad", (NOTICED,), measure_bad),
    Experiment("fusion-scenes", K4, measure_scenes),
)
