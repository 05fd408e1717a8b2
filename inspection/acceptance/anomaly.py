"""Parts without a golden image (magnetic tile, KolektorSDD): taught on good samples alone, and
with the defects too; every image is judged by a model that never saw its part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture, Plot, ReferenceLine, Series
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from inspection.acceptance.by_part import (
    OverlapCurves,
    Verdicts,
    anomaly_learner,
    cross_validate,
    folds,
    truth,
)
from inspection.layouts.load import lesson
from inspection.layouts.table import reader
from inspection.methods.base import Lesson
from inspection.overlay import GREEN, RED, jpeg

GUIDE = "特征识别、深度学习"
FALSE_RATE = 0.05  # of good images, at which misses are told
EFFORT = {"quick": (3, 800), "full": (5, 3000)}  # folds, varied pictures to learn from
RESAMPLES = 500
PICTURE_PX = 220
MOST_PICTURES = 5


@dataclass(frozen=True, slots=True)
class Surface:
    """A data set and what PatchCore with EfficientNet-lite0 reached on it, by part, taught on
    good images alone, as `python -m benchmarks anomaly` measures: the higher of two splits."""

    folder: str
    layout: str
    name: str
    peer_auroc: float
    peer_aupro: float


SURFACES = (
    Surface("magnetic_tile", "magnetic-tile", "magnetic tiles", 0.785, 0.730),
    Surface("kolektorsdd", "kolektor", "commutators", 0.862, 0.837),
)
WITH_DEFECTS = 0.97


def indicators(surface: Surface) -> tuple[Indicator, Indicator, Indicator]:
    """Image AUROC and AUPRO taught on good samples alone; image AUROC with defects too."""
    how = (
        "Cross-validated by part. Bounds by bootstrap over parts. The target is what PatchCore "
        "with EfficientNet-lite0 reaches so (5 folds)."
    )

    def row(suffix: str, claim: str, target: float, method: str) -> Indicator:
        return Indicator(
            id=f"S4-D1-R3/{surface.layout}-{suffix}",
            claim=claim,
            guide=GUIDE,
            unit="fraction",
            comparator=">=",
            target=target,
            evidence="public-data",
            method=method,
        )

    alone = f"Taught on good {surface.name} alone, "
    return (
        row("good-only", f"{alone}image AUROC is above PatchCore's.", surface.peer_auroc, how),
        row("good-only-aupro", f"{alone}AUPRO is above PatchCore's.", surface.peer_aupro, how),
        row(
            "with-defects",
            f"Taught with the defects of other {surface.name} too, image AUROC reaches 0.97.",
            WITH_DEFECTS,
            "Cross-validated by part. Bounds by bootstrap over parts.",
        ),
    )


def measure(surface: Surface, context: Context) -> Mapping[str, Measurement]:
    """The three rows of a surface."""
    rows = indicators(surface)
    folder = None if context.data_root is None else context.data_root / surface.folder / "dev"
    if folder is None or not folder.is_dir():
        reason = f"the data set {surface.folder} is absent: name its folder's in LINGNAN_DATA"
        return {row.id: not_measured(reason) for row in rows}
    lessons, files = _lessons(surface, folder)
    digest = context.data_hash(files)
    alone, taught = (_verdicts(lessons, context, good_only) for good_only in (True, False))
    return {
        rows[0].id: _ranking(alone, context, digest, (_roc(alone, taught), *_pictures(alone))),
        rows[1].id: _localising(alone, context, digest),
        rows[2].id: _ranking(taught, context, digest, _pictures(taught)),
    }


def _lessons(surface: Surface, folder: Path) -> tuple[list[Lesson], list[Path]]:
    samples = reader(surface.layout)(folder, "refuse").samples
    files = [p for s in samples for p in (s.image_path, s.mask_path) if p is not None]
    return [lesson(sample) for sample in samples], files


def _verdicts(lessons: list[Lesson], context: Context, good_only: bool) -> Verdicts:
    count, pictures = EFFORT[context.size]
    learner = anomaly_learner(lessons, good_only, context.progress, pictures)
    fold_of = folds(lessons, count, context.seed)
    return cross_validate(lessons, learner, fold_of, context.progress)


def _ranking(
    verdicts: Verdicts, context: Context, digest: str, figures: tuple[Figure, ...]
) -> Measurement:
    bounds = bootstrap(
        verdicts.image_auroc,
        len(verdicts.scores),
        seed=context.seed,
        resamples=RESAMPLES,
        clusters=verdicts.parts,
    )
    n = len(verdicts.scores)
    return Measurement(
        verdicts.image_auroc(), *bounds, n, digest, _note(verdicts, context), figures
    )


def _localising(verdicts: Verdicts, context: Context, digest: str) -> Measurement:
    value, curves = verdicts.aupro(), OverlapCurves.of(verdicts)
    low, high = bootstrap(
        curves.aupro,
        len(verdicts.scores),
        seed=context.seed,
        resamples=RESAMPLES,
        clusters=verdicts.parts,
    )
    n = sum(one.mask is not None and bool(one.mask.any()) for one in verdicts.lessons)
    low, high = min(low, value), max(high, value)  # the curves are exact to a level's width only
    return Measurement(value, low, high, n, digest, "False-positive rates up to 0.3.")


def limit_of(verdicts: Verdicts) -> float:
    """The score that `FALSE_RATE` of the good images reach."""
    return float(np.quantile(verdicts.scores[~verdicts.is_defect], 1 - FALSE_RATE))


def _note(verdicts: Verdicts, context: Context) -> str:
    kinds = np.array([one.kind for one in verdicts.lessons])
    limit, good = limit_of(verdicts), ~verdicts.is_defect
    told = []
    for kind in sorted(set(kinds[~good])):
        of_kind = kinds == kind
        missed = int((verdicts.scores[of_kind] < limit).sum())
        area = verdicts.image_auroc(np.flatnonzero(of_kind | good))
        told.append(f"{kind} {area:.3f}, missed {missed} of {of_kind.sum()}")
    parts = len(set(verdicts.parts.tolist()))
    return (
        f"{good.sum()} good and {(~good).sum()} defective images of {parts} parts, "
        f"{EFFORT[context.size][0]} folds. AUROC, and misses where {FALSE_RATE:.0%} of good ones "
        f"are rejected: {'; '.join(told)}."
    )


def _roc(alone: Verdicts, taught: Verdicts) -> Plot:
    series = tuple(_curve(v, name) for v, name in ((alone, "good alone"), (taught, "and defects")))
    return Plot(
        title="Defects found against good images rejected",
        x_label="good rejected [fraction]",
        y_label="defective rejected [fraction]",
        series=series,
        lines=(ReferenceLine(f"{FALSE_RATE:.0%}", FALSE_RATE, "x"),),
    )


def _curve(verdicts: Verdicts, name: str) -> Series:
    limits = np.sort(verdicts.scores)[::-1]
    good, bad = (verdicts.scores[verdicts.is_defect == side] for side in (False, True))
    x, y = ([float((part >= limit).mean()) for limit in limits] for part in (good, bad))
    return Series(name, [0.0, *x], [0.0, *y], kind="step")


def _pictures(verdicts: Verdicts) -> tuple[Picture, ...]:
    """Of what was found, what was missed and what was rejected in vain: map and true outline."""
    limit, bad = limit_of(verdicts), verdicts.is_defect
    rejected = verdicts.scores >= limit
    rows = (
        (np.flatnonzero(bad & rejected), "Found", GREEN),
        (np.flatnonzero(bad & ~rejected), "Missed", RED),
        (np.flatnonzero(~bad & rejected), "Good but rejected", RED),
    )
    told = f"where {FALSE_RATE:.0%} of good ones are; warm: score map, outline: truth"
    return tuple(
        Picture(_sheet(verdicts, numbers, colour), f"{name}, {len(numbers)} in all, {told}")
        for numbers, name, colour in rows
        if len(numbers)
    )


def _sheet(verdicts: Verdicts, numbers: NDArray[np.int64], colour: tuple[int, int, int]) -> bytes:
    step = max(1, len(numbers) // MOST_PICTURES)
    good_level = float(np.median([m.mean() for m in verdicts.maps]))
    tiles = []
    for i in numbers[::step][:MOST_PICTURES]:
        warm = _warm(verdicts.lessons[i].image, verdicts.maps[i], good_level, limit_of(verdicts))
        outline = cv2.findContours(
            truth(verdicts.lessons[i]).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )[0]
        cv2.drawContours(warm, outline, -1, colour, 2)
        tiles.append(_tile(warm))
    return jpeg(np.hstack(tiles))


def _warm(
    image: NDArray[np.uint8], score_map: NDArray[np.float32], low: float, high: float
) -> NDArray[np.uint8]:
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    weight = np.clip((score_map - low) / (high - low + 1e-6), 0, 1)[..., None] * 0.5
    heat = np.array((40, 140, 255), np.float32)
    return np.asarray(grey[..., None] * (1 - weight) + heat * weight, np.uint8)


def _tile(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    scale = PICTURE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    tile = np.full((PICTURE_PX, PICTURE_PX, 3), 32, np.uint8)
    tile[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return tile


EXPERIMENTS = tuple(
    Experiment(f"anomaly-{surface.layout}", indicators(surface), partial(measure, surface))
    for surface in SURFACES
)
