"""S4-D1-R1/events: a defect that passes while the room light changes, by events and by plain frame
differences of the very same frames.

No strobe helps: the room is all the light there is. The camera meters each frame's exposure on the
frame before, as auto-exposure does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture, Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from common.drivers.camera.sensor import expose
from inspection.acceptance.capture import NOISE, SCALE_DN, SENSOR
from inspection.acceptance.imaging import MATERIALS
from inspection.acceptance.sweep import SIDE_PX, Weak, targets
from inspection.imaging.contrast import ROSE, Aperture, cnr
from inspection.imaging.events import EventMode, FrameDifference, count_on_part
from inspection.overlay import jpeg

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.acceptance.sweep import Subject

F32 = NDArray[np.float32]

SMALLEST = (Weak("point", 30.0, 4), Weak("scratch", 25.0, 2), Weak("stain", 300.0, 3))
SWINGS_DB = (0.0, 10.0, 20.0, 30.0, 40.0)
PARTS = {"quick": 2, "full": 8}  # of each material and kind
STEP_PX, FRAMES, FRAME_S = 3, 12, 1e-3
PERIOD_FRAMES = 9.0  # of the room light's swing
TRAVEL_PX = STEP_PX * (FRAMES - 1)
WIDTH_PX = SIDE_PX - TRAVEL_PX
THRESHOLD = 0.1  # contrast of an event, as event cameras have it
FILL = 0.25  # of the scale: the mean that auto-exposure aims at
LONGEST_US, SHORTEST_US = 20_000.0, 0.1
EVENTS, PLAIN = "events", "frame difference"
SEED = 5_500_000


@dataclass(slots=True)
class Tally:
    """CNR by mode, (L,) over the swings for each defect; whose part it lies on; maps to show."""

    cnr: dict[str, list[NDArray[np.float64]]] = field(
        default_factory=lambda: {EVENTS: [], PLAIN: []}
    )
    parts: list[str] = field(default_factory=list)
    shown: list[Figure] = field(default_factory=list)


def measure(context: Context) -> Mapping[str, Measurement]:
    """The row."""
    tally, parts = Tally(), PARTS[context.size]
    todo = [(m, weak, part) for m in MATERIALS for weak in SMALLEST for part in range(parts)]
    for done, (material, weak, part) in enumerate(todo):
        place = 1_000 * MATERIALS.index(material) + 100 * SMALLEST.index(weak)
        _add(tally, material, weak, part, SEED + 10_000 * context.seed + place)
        context.progress(done + 1, len(todo), "parts that pass")
    digest = content_hash("events", repr((SMALLEST, SWINGS_DB, parts)), context.seed)
    return {ROW.id: _row(tally, digest, context.seed)}


def _add(tally: Tally, material: str, weak: Weak, part: int, seed: int) -> None:
    from inspection.acceptance.sweep import Subject
    from inspection.sim.rig import Layers
    from inspection.sim.scene import station_scene

    scene = station_scene(
        material, "judge", seed, weak.count, (weak.kind,), (weak.size_um,), SIDE_PX
    )
    layers = Layers.of(scene, part, ())
    throughout = slice(TRAVEL_PX, WIDTH_PX)  # columns that every frame shows
    found = tuple(
        target for target in targets(scene, layers, part, seed, throughout) if _is_whole(target[1])
    )
    one = Subject(material, weak, part, layers, {}, found)
    rows: dict[str, list[list[float]]] = {EVENTS: [], PLAIN: []}
    for i, swing_db in enumerate(SWINGS_DB):
        maps = passed(layers.room, swing_db, np.random.default_rng([seed, part, i]))
        for mode, picture in maps.items():
            rows[mode].append([cnr(picture[None], *target[1:]) for target in found])
    for mode, told in rows.items():
        tally.cnr[mode].extend(np.array(told).T)
    tally.parts.extend([f"{material} {weak.kind} {part}"] * len(found))
    if found and weak is SMALLEST[0]:
        tally.shown.append(_shown(one, maps))


def _is_whole(aperture: Aperture) -> bool:
    """Whether every frame shows all of it."""
    rows, columns = np.concatenate([aperture.inside, aperture.ring]).T
    rows, columns = rows + aperture.row, columns + aperture.column
    across = columns.min() >= TRAVEL_PX and columns.max() < WIDTH_PX
    return bool(across and rows.min() >= 0 and rows.max() < SIDE_PX)


def passed(room: F32, swing_db: float, rng: np.random.Generator) -> dict[str, F32]:
    """Both modes' maps of a part (H, W) electrons/us at level 1 that passes under a light that
    swings by so much; columns that no frame shows are 0."""
    shots = list(_frames(room, swing_db, rng))
    radiance = [
        (time_s, (frame - np.float32(NOISE.black_level_dn)) / np.float32(exposure_us))
        for time_s, frame, exposure_us in shots
    ]
    floor = float(np.median([level for _, level in radiance])) * 1e-4 + 1e-12
    counted = {
        EVENTS: count_on_part(radiance, EventMode(THRESHOLD, floor=floor), STEP_PX),
        PLAIN: count_on_part(((t, f) for t, f, _ in shots), FrameDifference(), STEP_PX),
    }
    found = {}
    for mode, seen in counted.items():
        found[mode] = np.zeros(room.shape, np.float32)
        found[mode][:, TRAVEL_PX:] = seen
    return found


def _frames(room: F32, swing_db: float, rng: np.random.Generator) -> list[tuple[float, F32, float]]:
    """(time in s, frame in DN, exposure in us); two frames before the first settle the exposure."""
    phase, shots = float(rng.uniform(0, 2 * np.pi)), []
    exposure_us = FILL * SCALE_DN / (NOISE.dn_per_e * float(room.mean()))
    for i in range(-2, FRAMES):
        level_db = swing_db / 2 * np.sin(2 * np.pi * i / PERIOD_FRAMES + phase)
        start = TRAVEL_PX - STEP_PX * max(i, 0)
        light = room[:, start : start + WIDTH_PX] * np.float32(10 ** (level_db / 20))
        frame = expose(light, exposure_us, 0.0, SENSOR, rng).astype(np.float32)
        if i >= 0:
            shots.append((i * FRAME_S, frame, exposure_us))
        mean = max(float(frame.mean()) - NOISE.black_level_dn, 1.0)
        exposure_us = float(np.clip(exposure_us * FILL * SCALE_DN / mean, SHORTEST_US, LONGEST_US))
    return shots


def _row(tally: Tally, digest: str, seed: int) -> Measurement:
    if not tally.parts:
        return not_measured("no defect has a host that tells its noise")
    by_mode = {mode: np.array(rows) for mode, rows in tally.cnr.items()}
    gains = 20 * np.log10(
        np.maximum(by_mode[EVENTS][:, -1], 1) / np.maximum(by_mode[PLAIN][:, -1], 1)
    )
    low, high = bootstrap(
        lambda index: float(np.median(gains[index])),
        len(gains),
        seed=seed,
        resamples=1000,
        clusters=tally.parts,
    )
    told = "; ".join(
        f"{mode}: {np.mean(rows[:, 0] >= ROSE):.0%} found in steady light, "
        f"{np.mean(rows[:, -1] >= ROSE):.0%} at the widest swing, median CNR "
        f"{np.median(rows[:, 0]):.1f} and {np.median(rows[:, -1]):.1f}"
        for mode, rows in by_mode.items()
    )
    note = f"{told}; {len(gains)} defects on {len(set(tally.parts))} parts"
    figures = (_plot(by_mode), *tally.shown)
    return Measurement(
        float(np.median(gains)), low, high, len(set(tally.parts)), digest, note, figures
    )


def _plot(by_mode: Mapping[str, NDArray[np.float64]]) -> Plot:
    series = []
    for mode, rows in by_mode.items():
        low, middle, high = np.quantile(np.maximum(rows, 0.1), [0.1, 0.5, 0.9], axis=0)
        series.append(Series(mode, SWINGS_DB, middle, low, high))
    return Plot(
        "Contrast of passing defects over the swing of the room light",
        "swing of the room light while the part passes [dB]",
        "CNR (median, 10 to 90 % of defects)",
        tuple(series),
        y_log=True,
        lines=(ReferenceLine("Rose, 5", ROSE),),
    )


def _shown(one: Subject, maps: Mapping[str, F32]) -> Picture:
    """The widest swing: events to the left, differences to the right."""
    panes = []
    for mode in (EVENTS, PLAIN):
        seen = maps[mode][:, TRAVEL_PX:WIDTH_PX]
        top = float(np.quantile(seen, 0.999)) or 1.0
        panes.append(np.clip(seen / top * 255, 0, 255).astype(np.uint8))
    wide = np.kron(np.hstack(panes), np.ones((3, 3), np.uint8))
    caption = (
        f"{one.weak.kind}s of {one.weak.size_um:.0f} um on {one.material} at a swing of "
        f"{SWINGS_DB[-1]:.0f} dB: events, frame difference"
    )
    return Picture(jpeg(wide), caption)


ROW = Indicator(
    "S4-D1-R1/events",
    "Under room light that swings by 40 dB while a part passes, a defect stands out more in events "
    "than in frame differences.",
    "动态光照…新体制快速特征成像",
    "dB",
    ">=",
    0.0,
    "simulated",
    "Points of 30 um, scratches 25 um wide, stains of 300 um; 10 um a pixel, judging regime, no "
    "strobe; a part moves 3 px a frame through 12 frames of the camera driver's 12-bit sensor "
    "model, each exposed as the frame before it asked for, while the room light swings once in 9 "
    "frames. The same frames give events at a contrast of 10 % and differences of neighbouring "
    "frames, both summed along the part's way. CNR as in S4-D1-R1; median over the defects of the "
    "ratio, 20 log10, contrasts under one deviation counted as one. n: parts.",
)
EXPERIMENTS = (Experiment("events", (ROW,), measure),)
