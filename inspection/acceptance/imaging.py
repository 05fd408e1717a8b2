"""S4-D1-R1: weak defects under room light from night to ten times the strobes and beyond.

The plain camera takes one auto-exposed frame, strobes on. The fused one takes six lights one by
one, with exposures without strobe between them, behind a band-pass filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from inspection.acceptance.capture import Look
from inspection.acceptance.sweep import (
    CAMERAS,
    FILTERED,
    FUSED,
    PLAIN,
    SIDE_PX,
    WEAK,
    Curve,
    Sweep,
    Weak,
    measure,
    subject,
)
from inspection.acceptance.tiles import side_by_side
from inspection.imaging.contrast import ROSE
from inspection.imaging.exposure import Limits

if TYPE_CHECKING:  # the simulator needs the extra sim, the table of rows does not
    from inspection.sim.rig import Layers

GUIDE = "动态光照…新体制快速特征成像"
TARGET_DB = 100.0
REFERENCE_DB = 20.0  # room light at ten times the strobes
DIM_DB = -40.0  # part of a hundredth of its brightness
HELD_BY = 0.95  # of the defects: the span of the row
WEAKEST = 1.0 - HELD_BY
MATERIALS = ("metal", "glass", "glaze", "smd")
STRIP_PX = 24  # columns that keep their brightness while the rest of the part is dimmed
SEAM_PX = 8  # beside them, where the lens mixes both


@dataclass(frozen=True, slots=True)
class Size:
    """Parts of each material and kind, and the levels of light in dB."""

    parts: int
    room_db: tuple[float, ...]
    part_db: tuple[float, ...]


SIZES = {
    "quick": Size(1, (-80, -40, -10, 0, 10, 20, 30, 40), (-80, -60, -40, -20, 0, 20, 40)),
    "full": Size(
        6,
        (-80, -60, -40, -20, *range(-10, 41, 5)),
        tuple(range(-80, 51, 10)),
    ),
}
DYNAMIC = Look(
    Limits(1.0, 100.0, 20_000.0, fill=0.8),
    Limits(1.0, 100.0, 20_000.0, fill=0.5),
    (1 / 16, 1.0, 16.0, 256.0),
)


def kinds(material: str) -> tuple[Weak, ...]:
    """What is put on a material; chips have no clean host long or wide enough but for points."""
    return WEAK[:1] if material == "smd" else WEAK


def room_light(layers: Layers, level_db: float) -> tuple[Layers, float]:
    """The room light at this level against the strobes."""
    return layers, 10 ** (level_db / 20)


def part_brightness(layers: Layers, level_db: float) -> tuple[Layers, float]:
    """A part that is brighter or darker than the strip beside it by this much, no room light."""
    from inspection.sim.rig import Layers as Lit

    factor = np.ones(SIDE_PX, np.float32)
    factor[:-STRIP_PX] = 10 ** (level_db / 20)
    strobes = {name: light * factor for name, light in layers.strobes.items()}
    return Lit(strobes, layers.room * factor, layers.truth), 0.0


def measure_room(context: Context) -> Mapping[str, Measurement]:
    """S4-D1-R1 and the gain of each material."""
    size = SIZES[context.size]
    sweep = Sweep(tuple(map(float, size.room_db)), CAMERAS, REFERENCE_DB)
    todo = [
        (material, weak, part)
        for material in MATERIALS
        for weak in kinds(material)
        for part in range(size.parts * len(WEAK) // len(kinds(material)))  # as many on each
    ]
    for done, (material, weak, part) in enumerate(todo):
        seed = _seed(context.seed, material, weak)
        one = subject(material, weak, part, seed, slice(None))
        measure(sweep, one, room_light, Look(), seed)
        context.progress(done + 1, len(todo), "light levels, parts")
    digest = content_hash("room", repr(size), repr(WEAK), context.seed)
    shown = tuple(_shown(sweep, kind) for kind in dict.fromkeys(v.kind for v in sweep.views))
    figures = (_plot(sweep, "room light against the strobes [dB]", "room light"), *shown)
    found = {ROOM.id: _span(sweep, digest, context.seed, figures)}
    for material in MATERIALS:
        found[gain_id(material)] = _gain(sweep, material, digest, context.seed)
    return found


def measure_brightness(context: Context) -> Mapping[str, Measurement]:
    """S4-D1-R1/part-brightness, on points."""
    size = SIZES[context.size]
    sweep = Sweep(tuple(map(float, size.part_db)), (PLAIN, FUSED), DIM_DB)
    todo = [(material, part) for material in MATERIALS for part in range(size.parts)]
    for done, (material, part) in enumerate(todo):
        seed = _seed(context.seed, material, WEAK[0]) + 500
        one = subject(material, WEAK[0], part, seed, slice(0, SIDE_PX - STRIP_PX - SEAM_PX))
        measure(sweep, one, part_brightness, DYNAMIC, seed)
        context.progress(done + 1, len(todo), "part brightness, parts")
    digest = content_hash("brightness", repr(size), repr(WEAK[0]), context.seed)
    figures = (_plot(sweep, "part against the strip beside it [dB]", "part brightness"),)
    return {BRIGHTNESS.id: _span(sweep, digest, context.seed, figures)}


def _seed(seed: int, material: str, weak: Weak) -> int:
    """Seeds of one run that meet those of no other row."""
    kind = [one.kind for one in WEAK].index(weak.kind)
    return 5_000_000 + 10_000 * seed + 1_000 * MATERIALS.index(material) + 100 * kind


def _span(sweep: Sweep, digest: str, seed: int, figures: tuple[Figure, ...]) -> Measurement:
    """The span that 95 % of the defects hold by the fused camera."""
    spans = {camera: sweep.spans(camera) for camera in sweep.cameras}
    parts = [f"{c.material} {c.kind} {c.part}" for c in sweep.curves]

    def held(index: NDArray[np.int64]) -> float:
        return float(np.quantile(spans[FUSED][index], WEAKEST))

    low, high = bootstrap(held, len(parts), seed=seed, resamples=1000, clusters=parts)
    told = "; ".join(
        f"{camera}: {np.quantile(values, WEAKEST):.1f} dB by 95 % of the defects, median "
        f"{np.median(values):.1f} dB"
        for camera, values in spans.items()
    )
    swept = sweep.levels_db[-1] - sweep.levels_db[0]
    note = (
        f"swept {swept:.0f} dB, {sweep.levels_db[0]:.0f} to {sweep.levels_db[-1]:.0f}. {told}. "
        f"Clean places judged like defects: {sum(v >= ROSE for v in sweep.by_chance)} of "
        f"{len(sweep.by_chance)} reach {ROSE:.0f} in the fused images, their mean is "
        f"{np.mean(sweep.by_chance):.2f}. {len(spans[FUSED])} defects on {len(set(parts))} parts; "
        f"{sweep.left_out} left out, for their host there is too small to tell its noise"
    )
    value = float(np.quantile(spans[FUSED], WEAKEST))
    return Measurement(value, low, high, len(set(parts)), digest, note, figures)


def _gain(sweep: Sweep, material: str, digest: str, seed: int) -> Measurement:
    """Median over the defects of the CNR ratio in dB at the reference room light."""
    at = sweep.levels_db.index(REFERENCE_DB)
    curves = [curve for curve in sweep.curves if curve.material == material]
    if not curves:
        return not_measured(f"no defect on {material} has a host that tells its noise")
    gains = {base: np.array([_ratio_db(c, base, at) for c in curves]) for base in (PLAIN, FILTERED)}
    calm = np.array([_ratio_db(curve, PLAIN, 0) for curve in curves])
    clusters = [f"{curve.kind} {curve.part}" for curve in curves]
    low, high = bootstrap(
        lambda index: float(np.median(gains[PLAIN][index])),
        len(curves),
        seed=seed,
        resamples=1000,
        clusters=clusters,
    )
    note = (
        f"{len(curves)} defects; over the plain camera with the same filter "
        f"{np.median(gains[FILTERED]):.1f} dB; over the plain one without room light "
        f"{np.median(calm):.1f} dB. Of the noise variance in the bright field at that room light "
        f"{100 * np.mean(sweep.temporal[material]):.0f} % is temporal, the rest texture of the host"
    )
    value = float(np.median(gains[PLAIN]))
    return Measurement(value, low, high, len(set(clusters)), digest, note)


def _ratio_db(curve: Curve, base: str, at: int) -> float:
    """20 log10 of fused over `base`; contrasts under one deviation count as one."""
    top, bottom = (max(float(curve.cnr[camera][at]), 1.0) for camera in (FUSED, base))
    return float(20 * np.log10(top / bottom))


def _shown(sweep: Sweep, kind: str) -> Figure:
    views = [view for view in sweep.views if view.kind == kind]
    first = [
        next(v for v in views if v.material == m) for m in dict.fromkeys(v.material for v in views)
    ]
    return side_by_side(
        first, f"{kind}s under room light at 10 times the strobes, 720 um wide each"
    )


def _plot(sweep: Sweep, axis: str, what: str) -> Plot:
    """Median CNR of each camera with the band that holds 80 % of the defects."""
    series = []
    for camera in sweep.cameras:
        values = np.maximum([curve.cnr[camera] for curve in sweep.curves], 0.1)
        low, middle, high = np.quantile(values, [0.1, 0.5, 0.9], axis=0)
        series.append(Series(camera, sweep.levels_db, middle, low, high))
    lines = (ReferenceLine("Rose, 5", ROSE),)
    title = f"Contrast of weak defects over {what}"
    return Plot(
        title, axis, "CNR (median, 10 to 90 % of defects)", tuple(series), y_log=True, lines=lines
    )


def gain_id(material: str) -> str:
    """Indicator id of the gain on a material."""
    return f"S4-D1-R1/{material}-gain"


HOW = (
    "Weak defects (points of 15 um, scratches 10 um wide, stains of 150 um; 10 um a pixel) in the "
    "judging regime, light by light through the camera driver's 12-bit sensor model. CNR: the "
    "defect's outline less a ring, in deviations of the same aperture on clean places of the same "
    "host in the same exposure; several pictures by Mahalanobis' distance, restated as one "
    "picture's equally rare deviation. Found at 5 (Rose 1948). Levels are 20 log10 of the light."
)
ROOM = Indicator(
    "S4-D1-R1",
    "Fused multi-light imaging keeps 95 % of weak defects detectable over 100 dB of room light.",
    GUIDE,
    "dB",
    ">=",
    TARGET_DB,
    "simulated",
    f"{HOW} 0 dB: the room light makes of a white surface what the material's strobes do; "
    "-80 dB is 1 lx where the strobes are worth 10 klx, so 100 dB reaches direct sun (100 klx). "
    "Plain: one auto-exposed frame, strobes on. Fused: six lights at three exposures each and six "
    "exposures without strobe, behind a filter that passes 5 % of the room light and 90 % of the "
    "strobe; the room light flickers by 30 % at 100 Hz and drifts. The note tells both cameras "
    "with and without the filter. n: parts.",
)
BRIGHTNESS = Indicator(
    "S4-D1-R1/part-brightness",
    "Fused imaging keeps 95 % of weak points detectable over 100 dB of the part's own brightness.",
    GUIDE,
    "dB",
    ">=",
    TARGET_DB,
    "simulated",
    f"{HOW} A part whose brightness is swept beside a strip that keeps its own, in one frame; "
    "four exposures a light within 1 us to 20 ms, the part at rest; the plain camera's one frame "
    "has the same limits. No room light. n: parts.",
)
GAINS = tuple(
    Indicator(
        gain_id(material),
        f"On {material}, weak defects stand out more in fused images than in one plain exposure.",
        GUIDE,
        "dB",
        ">=",
        0.0,
        "simulated",
        f"{HOW} Median over the defects of fused CNR over plain CNR, 20 log10, under room light at "
        "ten times the strobes.",
    )
    for material in MATERIALS
)

EXPERIMENTS = (
    Experiment("imaging-room-light", (ROOM, *GAINS), measure_room),
    Experiment("imaging-part-brightness", (BRIGHTNESS,), measure_brightness),
)
