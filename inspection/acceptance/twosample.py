"""Whether a classifier tells generated defects from real ones (Lopez-Paz and Oquab 2017).

Every generated defect lies on the same picture as the real one it is told from, is asked for with
its size, and goes through the same cut, so that surface, light and camera tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Picture
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from inspection.acceptance.made import GUIDE
from inspection.acceptance.sheets import asked_like, circle
from inspection.generate import patches
from inspection.generate.canvas import Maker, Rng
from inspection.generate.learned import shipped
from inspection.generate.pairs import WARES, pairs
from inspection.generate.procedural import Procedural
from inspection.generate.request import DefectRequest
from inspection.layouts.load import lesson
from inspection.layouts.table import reader
from inspection.methods import logistic
from inspection.methods.anomaly import shipped_bank
from inspection.methods.base import Lesson
from inspection.models.features import FeatureBank, grey_of
from inspection.overlay import jpeg

FOLDS = 5
PRIOR = 10.0  # of the logistic regression: far more features than samples
TARGET = 0.75
SEVERITY = (0.2, 1.0)
LARGEST_PX = 100.0
TRIES = 30  # to find a clean place on the same picture
MIDDLE = slice(4, 12)  # cells of the patch that the defect lies in
RESAMPLES = 500
STATION_PARTS = {"quick": 1, "full": 12}

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Ground:
    """A set of real defects. tag: in ids. name: for people. counterparts: of each method, the
    real kinds that both have a counterpart of, and its name."""

    folder: str
    layout: str
    tag: str
    name: str
    how: str
    counterparts: Mapping[str, Mapping[str, str]]


GROUNDS = (
    Ground(
        "magnetic_tile",
        "magnetic-tile",
        "magnetic-tile",
        "magnetic tiles",
        "Blowholes and cracks against pits and cracks (scratches where the generator has none).",
        {
            "procedural": {"blowhole": "pit", "crack": "crack"},
            "learned": {"blowhole": "pit", "crack": "scratch"},
        },
    ),
    Ground(
        "neu_det",
        "yolo",
        "neu",
        "hot-rolled strip",
        "Inclusions, patches and scratches (1, 2, 5), as large and along as their boxes' longer "
        "sides, against scratches, stains and scratches.",
        {
            "procedural": {"1": "scratch", "2": "stain", "5": "scratch"},
            "learned": {"1": "scratch", "2": "stain", "5": "scratch"},
        },
    ),
)


def indicator(suffix: str, claim: str, evidence: str, how: str) -> Indicator:
    return Indicator(
        id=f"S4-D2-R2/two-sample-{suffix}",
        claim=claim,
        guide=GUIDE,
        unit="fraction",
        comparator="<=",
        target=TARGET,
        evidence=evidence,  # type: ignore[arg-type]
        method=f"{how} Logistic regression on the analytic features of 64 x 64 px patches, "
        "cross-validated by part, tells which of two on the same surface is real; 0.5 is chance, 1 "
        "always, and the target lies half way. Bounds by bootstrap over parts.",
    )


ROWS = {
    (ground.tag, method): indicator(
        f"{ground.tag}-{method}",
        f"Defects by the {method} method are told from real ones on {ground.name} in at most 75 %.",
        "public-data",
        ground.how,
    )
    for ground in GROUNDS
    for method in ground.counterparts
}
STATION = indicator(
    "station-learned",
    "Defects by the learned method are told from rendered ones in at most 75 %.",
    "simulated",
    "Parts of the judging regime, whose textures the generator never saw.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """Two patches (64, 64) of one surface, a real defect and a generated one."""

    real: U8
    made: U8
    part: str


def measure_ground(ground: Ground, context: Context) -> Mapping[str, Measurement]:
    """Both methods on a real set."""
    rows = {method: ROWS[ground.tag, method] for method in ground.counterparts}
    root = None if context.data_root is None else context.data_root / ground.folder / "dev"
    if root is None or not root.is_dir():
        reason = f"the data set {ground.folder} is absent: name its folder's in LINGNAN_DATA"
        return {row.id: not_measured(reason) for row in rows.values()}
    kinds = set(ground.counterparts["procedural"])
    samples = [s for s in reader(ground.layout)(root, "refuse").samples if s.kind in kinds]
    lessons = [lesson(sample) for sample in samples]
    files = [p for s in samples for p in (s.image_path, s.mask_path) if p is not None]
    digest = context.data_hash(files)
    makers: tuple[Maker, ...] = (Procedural(), shipped())
    found = {}
    for maker in makers:
        drawn, named = np.random.default_rng([context.seed, 2]), ground.counterparts[maker.name]
        twins = [t for one in lessons for t in on_picture(one, maker, named[one.kind], drawn)]
        found[rows[maker.name].id] = told_apart(twins, context, digest, maker.name)
    return found


def measure_station(context: Context) -> Mapping[str, Measurement]:
    """The learned method on simulated parts."""
    maker, rng, twins = shipped(), np.random.default_rng([context.seed, 3]), []
    for pair in pairs("judge", 500 + context.seed, STATION_PARTS[context.size]):
        good, real = pair.norm.to_dn(pair.good), pair.norm.to_dn(pair.bad)
        severity = float(rng.uniform(*SEVERITY))
        request = asked_like(WARES[pair.number].kind, pair.mask, severity, good.shape)
        twins.append(Twin(real, maker.make(good, request, rng).image, pair.part))
    digest = content_hash(*(twin.real for twin in twins))
    return {STATION.id: told_apart(twins, context, digest, maker.name)}


def on_picture(one: Lesson, maker: Maker, kind: str, rng: Rng) -> Iterator[Twin]:
    """For each defect of the sample that a patch holds, one made elsewhere on the picture."""
    grey = grey_of(one.image)
    defects, marked = _defects(one)
    for x, y, size, angle in defects:
        place = _clean_place(marked, size, rng)
        if place is None or not 6 <= size <= LARGEST_PX or not _inside((x, y), size, grey.shape):
            continue
        request = DefectRequest(
            kind=kind,
            x_px=place[0],
            y_px=place[1],
            size_px=size,
            severity=rng.uniform(*SEVERITY),
            angle_deg=angle,
        )
        made = maker.make(grey, request, rng).image
        yield Twin(patch(grey, (x, y), size), patch(made, place, size), one.part)


def _defects(
    one: Lesson,
) -> tuple[list[tuple[float, float, float, float | None]], NDArray[np.bool_]]:
    """x, y, size and direction in degrees (None: unknown) of each defect, by its mask or its box;
    and (H, W) where there is any."""
    if one.mask is not None:
        count, labels = cv2.connectedComponents(one.mask.astype(np.uint8), connectivity=8)
        return [(*circle(labels == label), None) for label in range(1, count)], one.mask
    found: list[tuple[float, float, float, float | None]] = []
    marked = np.zeros(one.image.shape[:2], np.bool_)
    for x0, y0, x1, y1 in [] if one.boxes_px is None else one.boxes_px.round().astype(int).tolist():
        marked[y0:y1, x0:x1] = True
        width, height = x1 - x0, y1 - y0
        along = 0.0 if width > height else 90.0
        found.append(((x0 + x1) / 2, (y0 + y1) / 2, float(max(width, height)), along))
    return found, marked


def _inside(at: tuple[float, float], size: float, shape: tuple[int, ...]) -> bool:
    """Whether the whole patch lies on the picture: a mirrored border would tell by itself."""
    margin = patches.side_px(size) / 2
    return all(margin <= v < n - margin for v, n in zip(at, shape[1::-1], strict=True))


def _clean_place(mask: NDArray[np.bool_], size: float, rng: Rng) -> tuple[int, int] | None:
    """A pixel x, y around which a patch shows no real defect."""
    margin = reach = patches.side_px(size) // 2
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_C, 3)
    height, width = mask.shape
    if min(height, width) <= 2 * margin:
        return None
    for _ in range(TRIES):
        y, x = int(rng.integers(margin, height - margin)), int(rng.integers(margin, width - margin))
        if away[y, x] > reach:
            return x, y
    return None


def patch(grey: U8, at: tuple[float, float], size: float) -> U8:
    """(64, 64) around x, y, at the scale that holds a defect of this size."""
    side = patches.side_px(size)
    seen = patches.square(grey.astype(np.float32), (round(at[0]), round(at[1])), side)
    return np.clip(np.rint(patches.shrunk(seen)), 0, 255).astype(np.uint8)


def told_apart(twins: Sequence[Twin], context: Context, digest: str, name: str) -> Measurement:
    """The share that is told right."""
    parts = np.array([twin.part for twin in twins])
    if len(set(parts.tolist())) < FOLDS:
        return not_measured(f"{len(twins)} pairs of patches are too few to cross-validate by part")
    bank = shipped_bank()
    real, made = (
        np.stack([features(getattr(twin, which), bank) for twin in twins])
        for which in ("real", "made")
    )
    right = cross_validated(real, made, parts, context.seed)
    low, high = bootstrap(
        lambda i: float(right[i].mean()),
        len(twins),
        seed=context.seed,
        resamples=RESAMPLES,
        clusters=parts,
    )
    note = f"{len(twins)} pairs of {len(set(parts.tolist()))} parts, {FOLDS} folds."
    return Measurement(
        float(right.mean()), low, high, len(twins), digest, note, (_picture(twins, name),)
    )


def features(patch: U8, bank: FeatureBank) -> NDArray[np.float32]:
    """(2 C,) mean and largest over the middle cells."""
    cells = bank(patch)[MIDDLE, MIDDLE]
    return np.concatenate([cells.mean((0, 1)), cells.max((0, 1))])


def cross_validated(
    real: NDArray[np.float32], made: NDArray[np.float32], parts: NDArray[np.str_], seed: int
) -> NDArray[np.float64]:
    """(N,) share of a pair's two patches that a classifier taught on other parts tells right."""
    order = np.random.default_rng(seed).permutation(sorted(set(parts.tolist()))).tolist()
    fold = np.array([order.index(part) % FOLDS for part in parts.tolist()])
    right = np.zeros(len(parts))
    for one in range(FOLDS):
        here, taught = fold == one, fold != one
        x = np.concatenate([made[taught], real[taught]])
        model = logistic.fit(x, np.arange(len(x)) >= taught.sum(), PRIOR)
        told = np.stack([model.logit(real[here]) > 0, model.logit(made[here]) <= 0])
        right[here] = told.mean(0)
    return right


def _picture(twins: Sequence[Twin], name: str) -> Picture:
    shown = twins[:: max(1, len(twins) // 10)][:10]
    rows = [np.hstack([getattr(t, which) for t in shown]) for which in ("real", "made")]
    large = cv2.resize(np.vstack(rows), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    return Picture(jpeg(large), f"Real defects above, {name} ones of their size below")


EXPERIMENTS = (
    *(
        Experiment(
            f"generated-two-sample-{ground.tag}",
            tuple(ROWS[ground.tag, method] for method in ground.counterparts),
            partial(measure_ground, ground),
        )
        for ground in GROUNDS
    ),
    Experiment("generated-two-sample-station", (STATION,), measure_station),
)
