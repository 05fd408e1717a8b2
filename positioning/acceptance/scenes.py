"""S4-D4-K3 and R2: two scenes driven through the real-time pipeline, and a fleet at once."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import process_time

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact
from positioning.sim.gnss.scenario import Drive, Scenario

F64 = NDArray[np.float64]

SCENES = {
    "bus lane": Scenario(layout="avenue", lever_m=(4.0, 0.0, 3.2)),
    "delivery cart": Scenario(layout="old-town", lever_m=(0.3, 0.0, 1.4)),
}
"""A bus on wide streets with its antenna on the roof; a cart in narrow lanes with it on a mast."""
SECONDS = {"quick": 30.0, "full": 300.0}
VEHICLES = {"quick": 3, "full": 50}
AVAILABLE = 0.99
RUN = Indicator(
    id="S4-D4-K3",
    claim="At least two operating scenes are run, each with 99 % of its epochs positioned.",
    guide="至少2种运营场景",
    unit="scenes",
    comparator=">=",
    target=2,
    evidence="simulated",
    method=(
        "A bus on an avenue and a delivery cart in an old town, simulated, replayed through the "
        "real-time pipeline beside a base; a scene counts with 99 % of expected epochs positioned."
    ),
)
SAME = Indicator(
    id="S4-D4-R2/same",
    claim="Vehicles replayed at once are positioned as each is alone, to the last bit.",
    guide="规模化示范应用",
    unit="fraction",
    comparator=">=",
    target=1.0,
    evidence="simulated",
    method="N simulated vehicles through pipelines in four threads, and one after the other.",
)
PACE = Indicator(
    id="S4-D4-R2/pace",
    claim="One core positions at least 20 vehicles at 5 Hz in real time.",
    guide="规模化示范应用",
    unit="vehicles",
    comparator=">=",
    target=20,
    evidence="simulated",
    method="Seconds driven by all vehicles over CPU seconds of the real-time pipelines.",
)


def replayed(drive: Drive) -> F64:
    """(E, 3) ECEF of a drive through the pipeline, NaN where there was no place."""
    from positioning.gnss.formats.epochs import split
    from positioning.pipeline import Base, Pipeline
    from positioning.replay import stamped

    pipeline = Pipeline(drive.navigation, Base(drive.base, drive.base_position_m))
    return np.array([pipeline.step(one).value.position_m for one in stamped(split(drive.rover))])


def scenes(context: Context) -> Mapping[str, Measurement]:
    """The two scenes."""
    from positioning.sim.gnss.scenario import simulate

    ways, notes, good, arrays = [], [], 0, []
    for k, (name, scenario) in enumerate(SCENES.items()):
        seed = 6_000_000 + 100 * context.seed + k
        drive = simulate(replace(scenario, seed=seed, duration_s=SECONDS[context.size]))
        found = replayed(drive)
        true, told = (drive.place.local(p)[:, :2] for p in (drive.truth.position_m, found))
        error = np.hypot(*(told - true).T)
        share = float(np.isfinite(error).mean())
        good += share >= AVAILABLE
        middle = " / ".join(f"{v:.2f}" for v in np.nanquantile(error, (0.5, 0.68, 0.95)))
        notes.append(f"{name}: {share:.1%} of {len(error)} epochs, 50/68/95 % {middle} m")
        ways.append(_map(name, true, told))
        arrays.append(found)
        context.progress(k + 1, len(SCENES), "scenes")
    digest = content_hash(np.concatenate(arrays))
    return {RUN.id: exact(good, len(SCENES), digest, "; ".join(notes), tuple(ways))}


def _map(name: str, true: F64, told: F64) -> Plot:
    seen = told[np.isfinite(told).all(axis=1)][::3]
    near = seen[np.all(np.abs(seen - true.mean(axis=0)) < np.ptp(true, axis=0).max() + 50, axis=1)]
    return Plot(
        f"{name}, simulated", "east, m", "north, m",
        (
            Series("truth", true[:, 0], true[:, 1]),
            Series("told", near[:, 0], near[:, 1], kind="points"),
        ),
    )  # fmt: skip


def fleet(context: Context) -> Mapping[str, Measurement]:
    """N vehicles at once."""
    from positioning.sim.gnss.scenario import simulate

    count, duration_s = VEHICLES[context.size], SECONDS[context.size]
    base = 6_500_000 + 1000 * context.seed
    layouts = ("avenue", "trees", "old-town", "canyon")
    drives = []
    for k in range(count):
        scenario = Scenario(layout=layouts[k % 4], seed=base + k, duration_s=duration_s)
        drives.append(simulate(scenario))
        context.progress(k + 1, count, "vehicles, simulated")
    replayed(drives[0])  # compiles
    began = process_time()
    alone = [replayed(drive) for drive in drives]
    spent_s = process_time() - began
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(replayed, drives))
    same = sum(a.tobytes() == b.tobytes() for a, b in zip(alone, together, strict=True))
    digest = content_hash(np.concatenate(alone))
    pace = count * duration_s / spent_s
    note = f"{count} vehicles of {duration_s:.0f} s, {spent_s:.1f} s of CPU"
    return {
        SAME.id: exact(same / count, count, digest, note),
        PACE.id: exact(pace, count, digest, note),
    }


EXPERIMENTS = (
    Experiment("scenes", (RUN,), scenes),
    Experiment("fleet", (SAME, PACE), fleet, exclusive=True),
)
