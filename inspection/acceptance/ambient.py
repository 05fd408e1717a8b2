"""Whether room light at ten times the strobes, differenced away, makes the network miss more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Picture
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement
from common.acceptance.statistics import upper_bound
from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import system_gain
from inspection.acceptance.capture import (
    FLICKER_HZ,
    NOISE,
    PASSES_ROOM,
    PASSES_STROBE,
    SENSOR,
    plain,
)
from inspection.acceptance.crops import cut, strip
from inspection.imaging.exposure import Limits, expose_well
from inspection.imaging.noise import Shot
from inspection.imaging.strobed import Recipe, differenced_frame, strobe_exposure_us
from inspection.models.fcn import Fcn
from inspection.models.shipped import flat, network
from inspection.overlay import GREEN, RED
from inspection.sim.names import CHINESE

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.rig import Rig

TIMES = 10.0  # the room light against the strobes, before the filter
PAIRS = 8  # exposures with and without strobe
PARTS = {"quick": 1, "full": 16}  # of each material
PER_PART, SIZE_UM = 49, 30.0
CAMERA = SensorModel()  # the 8-bit camera whose frames the network knows
RECIPE = Recipe(100.0 / PASSES_STROBE, system_gain(CAMERA, 0.0), CAMERA.black_level_dn)
CASES = {
    "dark": "No room light",
    "bright": "Room light at ten times the strobes, differenced",
    "plain": "The same by a plain camera",
}


@dataclass(slots=True)
class Outcome:
    """Whether each defect was found, by case: no room light, ten times the strobes, and the same
    by a plain camera."""

    found: dict[str, list[bool]] = field(default_factory=lambda: {case: [] for case in CASES})
    beside: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CASES, 0))
    tiles: dict[str, list[NDArray[np.uint8]]] = field(
        default_factory=lambda: {case: [] for case in CASES}
    )


def measure(context: Context) -> Mapping[str, Measurement]:
    """S4-D1-R1/ambient-10x over all materials."""
    outcome, parts, hashes = Outcome(), PARTS[context.size], []
    total, done = len(flat()) * parts, 0
    for material in flat():
        model, threshold = network(material)
        net = Fcn(model.payload)
        hashes.append(model.card.sha256)
        for part in range(parts):
            _judge(material, part, context.seed, net, threshold, outcome)
            done += 1
            context.progress(done, total, "ambient at ten times the strobes, parts")
    digest = content_hash(repr(hashes), parts, context.seed)
    return {ROW.id: row(outcome, digest)}


def row(outcome: Outcome, digest: str) -> Measurement:
    """The difference of the miss rates in points.

    Bounds count the defects that changed sides: at most so many more are missed than the upper
    bound of those missed in the light only, and at least so many fewer than found only there.
    """
    dark, bright, poor = (np.array(outcome.found[case]) for case in CASES)
    lost, won = int((dark & ~bright).sum()), int((~dark & bright).sum())
    n = len(dark)
    low, high = -100 * upper_bound(won, n), 100 * upper_bound(lost, n)
    beside = outcome.beside
    note = (
        f"missed without room light {int((~dark).sum())} of {n}, with it {int((~bright).sum())} "
        f"({lost} newly missed, {won} newly found); by one plain exposure in the same light "
        f"{int((~poor).sum())}. Parts with a find beside their defects: {beside['dark']}, "
        f"{beside['bright']}, {beside['plain']}"
    )
    figures = tuple(
        Picture(strip(tiles), f"{CASES[case]}: {', '.join(flat())}, 640 um wide each")
        for case, tiles in outcome.tiles.items()
        if tiles
    )
    return Measurement(100 * (lost - won) / n, low, high, n, digest, note, figures)


def _judge(
    material: str, part: int, seed: int, net: Fcn, threshold: float, outcome: Outcome
) -> None:
    """One part three times through camera and network."""
    from inspection.sim.materials import MATERIALS
    from inspection.sim.rig import Layers, Rig
    from inspection.sim.scene import station_scene
    from inspection.sim.trial import split

    program = MATERIALS[material].program
    lot = 6_000_000 + 10_000 * seed + 1_000 * list(CHINESE).index(material)
    scene = station_scene(material, "judge", lot, PER_PART, ("point",), (SIZE_UM,))
    layers = Layers.of(scene, part, tuple(program))
    rng = np.random.default_rng([lot, part])
    frames = {
        case: differenced(Rig(layers, SENSOR, rng, room, PASSES_ROOM, PASSES_STROBE), program)
        for case, room in (("dark", 0.0), ("bright", TIMES))
    }
    shot = plain(Rig(layers, SENSOR, rng, TIMES), program)
    frames["plain"] = np.asarray(np.minimum(shot.frame >> 4, 255), np.uint8)
    for case, frame in frames.items():
        scores, beside, _ = split(net.logits(frame), layers.truth)
        outcome.found[case] += [bool(score >= threshold) for score in scores]
        outcome.beside[case] += beside >= threshold
        if part == 0:
            first = layers.truth.defects[0]
            colour = GREEN if scores[0] >= threshold else RED
            outcome.tiles[case].append(cut(frame, (first.x_um / 10, first.y_um / 10), colour))


def differenced(rig: Rig, program: Mapping[str, float]) -> NDArray[np.uint8]:
    """The 8-bit frame of a part: so many exposures with and without strobe, in turn."""

    def take(lights: Mapping[str, float], exposure_us: float) -> Shot:
        frame, start_s = rig.take(lights, exposure_us)
        return Shot(frame, exposure_us, start_s)

    room_us = expose_well(lambda us: take({}, us), NOISE, Limits(fill=0.5)).exposure_us
    time_us = strobe_exposure_us(RECIPE, room_us)
    strobed, dark = [], []
    for _ in range(PAIRS):
        dark.append(take({}, time_us))
        strobed.append(take(program, time_us))
    return differenced_frame(strobed, dark, NOISE, RECIPE, FLICKER_HZ)[0]


ROW = Indicator(
    "S4-D1-R1/ambient-10x",
    "Room light at ten times the strobes changes the miss rate by less than 0.1 point.",
    "动态光照…新体制快速特征成像",
    "points",
    "<",
    0.1,
    "simulated",
    "Points of 30 um on all materials of the judging regime; the shipped int8 networks at their "
    "thresholds on frames differenced from 8 exposures with and 8 without strobe, behind a filter "
    "that passes 5 % of the room light and 90 % of the strobe, put on the recipe's 8-bit scale. "
    "Ten times is before the filter. The same parts without room light and with it; the value is "
    "newly missed less newly found, in points of the miss rate.",
)
EXPERIMENTS = (Experiment("imaging-ambient-10x", (ROW,), measure),)
