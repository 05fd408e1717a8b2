"""Bare boards beside their golden images (DeepPCB): every board is judged by a method taught on the
others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Picture, Plot, ReferenceLine, Series
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured, rate
from common.acceptance.resampling import bootstrap
from inspection.layouts.load import lesson
from inspection.layouts.table import reader
from inspection.methods.base import Lesson
from inspection.methods.golden import compare, learn
from inspection.metrics.detection import MISS_IOU, Judged, iou, mean_ap, misses
from inspection.overlay import AMBER, GREEN, RED, jpeg
from inspection.threshold import on_misses

DATA = "deeppcb"
GUIDE = "特征识别、深度学习"
HOW = (
    "Leave one board out: each board is judged by a comparison taught on the other boards, at the "
    "threshold those give. A box finds a defect at IoU >= 0.33, the data set's own criterion."
)
MISS = Indicator(
    id="S4-D1-R3/deeppcb-miss",
    claim="At most 0.3 % of the defects on real boards are missed.",
    guide=GUIDE,
    unit="fraction",
    comparator="<=",
    target=0.003,
    evidence="public-data",
    method=HOW,
)
FALSE = Indicator(
    id="S4-D1-R3/deeppcb-false",
    claim="At most 0.5 false boxes an image at that miss rate.",
    guide=GUIDE,
    unit="boxes/image",
    comparator="<=",
    target=0.5,
    evidence="public-data",
    method=HOW,
)
MAP = Indicator(
    id="S4-D1-R3/deeppcb-map50",
    claim="mAP50 over the six kinds reaches 98.6 %, the data set's authors' figure.",
    guide=GUIDE,
    unit="fraction",
    comparator=">=",
    target=0.986,
    evidence="public-data",
    method="All-point average precision at IoU >= 0.5, mean over six kinds; leave one board out.",
)
RESAMPLES = 200
CROP_PX = 96
MOST_CROPS = 6


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """An image with what was found by a method that had not seen its board."""

    lesson: Lesson
    judged: Judged
    threshold: float


def measure(context: Context) -> Mapping[str, Measurement]:
    """The three rows."""
    folder = None if context.data_root is None else context.data_root / DATA / "dev"
    if folder is None or not folder.is_dir():
        reason = f"the data set {DATA} is absent: name the folder of data sets in LINGNAN_DATA"
        return {row.id: not_measured(reason) for row in (MISS, FALSE, MAP)}
    lessons, files = _lessons(folder)
    return _rows(_held_out(lessons, context), context.data_hash(files), context.seed)


def _lessons(folder: Path) -> tuple[list[Lesson], list[Path]]:
    samples = reader(DATA)(folder, "refuse").samples
    files = [p for s in samples for p in (s.image_path, s.reference_path) if p is not None]
    return [lesson(sample) for sample in samples], files


def _held_out(lessons: Sequence[Lesson], context: Context) -> list[HeldOut]:
    compared = []
    for i, one in enumerate(lessons):
        assert one.reference is not None
        compared.append(compare(one.image, one.reference))
        context.progress(i + 1, len(lessons), "boards")
    images: list[HeldOut] = []
    for board in sorted({one.part for one in lessons}):
        others = [i for i, one in enumerate(lessons) if one.part != board]
        method = learn([compared[i] for i in others], [lessons[i] for i in others])
        threshold = on_misses(method.held_out.defects, method.held_out.good).value
        for one, seen in zip(lessons, compared, strict=True):
            if one.part == board:
                found = method.judge(seen, one.image.shape).detections
                assert one.boxes_px is not None
                judged = Judged(found, one.boxes_px, one.box_kinds)
                images.append(HeldOut(one, judged, threshold))
    return images


def _rows(images: Sequence[HeldOut], digest: str, seed: int) -> dict[str, Measurement]:
    counts = [misses([image.judged], threshold=image.threshold) for image in images]
    missed, n_true = sum(c.missed for c in counts), sum(c.n_true for c in counts)
    false = np.array([c.false for c in counts], float)
    judged = [image.judged for image in images]

    def mean_false(chosen: NDArray[np.int64]) -> float:
        return float(false[chosen].mean())

    def precision(chosen: NDArray[np.int64]) -> float:
        return mean_ap([judged[i] for i in chosen.tolist()], 0.5)

    n = len(images)
    value, bounds = mean_ap(judged, 0.5), bootstrap(precision, n, seed=seed, resamples=RESAMPLES)
    authors = f"At IoU >= 0.33, as the authors count: {mean_ap(judged, MISS_IOU):.4f}."
    return {
        MISS.id: rate(missed, n_true, digest, _kinds(images), _pictures(images)),
        FALSE.id: Measurement(
            mean_false(np.arange(n)), *bootstrap(mean_false, n, seed=seed), n, digest
        ),
        MAP.id: Measurement(
            value,
            min(bounds[0], value),
            max(bounds[1], value),
            n,
            digest,
            authors,
            (_trade_off(images),),
        ),
    }


def _found(image: HeldOut) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N,) found boxes at the threshold that are right, (M,) true boxes that were found."""
    found = image.judged.found
    overlap = iou(found.boxes_px, image.judged.true_boxes_px) >= MISS_IOU
    overlap &= (found.scores >= image.threshold)[:, None]
    return np.asarray(overlap.any(1)), np.asarray(overlap.any(0))


def _kinds(images: Sequence[HeldOut]) -> str:
    kinds = Counter(kind for image in images for kind in image.judged.true_kinds)
    boards = len({image.lesson.part for image in images})
    told = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    return f"{len(images)} images of {boards} boards: {told}."


def _trade_off(images: Sequence[HeldOut]) -> Plot:
    """Misses against false boxes as the threshold moves by the same amount on every board."""
    shifts = np.linspace(-4, 6, 41)
    curve = []
    for shift in shifts:
        counts = [misses([i.judged], threshold=i.threshold + float(shift)) for i in images]
        false = sum(c.false for c in counts) / len(images)
        curve.append((false, sum(c.missed for c in counts) / sum(c.n_true for c in counts)))
    curve.sort()
    points = tuple(zip(*curve, strict=True))
    return Plot(
        title="What a stricter threshold costs",
        x_label="false boxes [1/image]",
        y_label="missed [fraction of defects]",
        series=(Series("boards held out", points[0], points[1]),),
        lines=(ReferenceLine("0.3 %", 0.003), ReferenceLine("0.5 an image", 0.5, "x")),
    )


def _pictures(images: Sequence[HeldOut]) -> tuple[Picture, ...]:
    """Crops of what was found (some), of every miss and of false boxes (some)."""
    found: list[NDArray[np.uint8]] = []
    missed: list[NDArray[np.uint8]] = []
    false: list[NDArray[np.uint8]] = []
    for image in images:
        right, seen = _found(image)
        scores = image.judged.found.scores
        for box, hit in zip(image.judged.true_boxes_px, seen, strict=True):
            (found if hit else missed).append(_crop(image.lesson, box, GREEN if hit else RED))
        for i in np.flatnonzero(~right & (scores >= image.threshold)):
            false.append(_crop(image.lesson, image.judged.found.boxes_px[i], AMBER))
    step = max(1, len(found) // MOST_CROPS)
    rows = (
        (found[::step], f"Found: {MOST_CROPS} of {len(found)}; above the part, below its golden"),
        (missed, f"Missed: all {len(missed)}, at most {MOST_CROPS} shown"),
        (false, f"False boxes: {len(false)}, at most {MOST_CROPS} shown"),
    )
    return tuple(_strip(crops[:MOST_CROPS], told) for crops, told in rows if crops)


def _crop(one: Lesson, box: NDArray[np.float32], colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """(2 CROP, CROP, 3): the part above its golden image, the box drawn in."""
    assert one.reference is not None
    x, y = ((box[:2] + box[2:]) / 2).astype(int)
    pair = []
    for picture in (one.image, one.reference):
        canvas = picture.copy() if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        x0, y0, x1, y1 = box.round().astype(int).tolist()
        cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), colour, 1)
        half = CROP_PX // 2
        padded = cv2.copyMakeBorder(canvas, half, half, half, half, cv2.BORDER_CONSTANT)
        pair.append(padded[y : y + CROP_PX, x : x + CROP_PX])
    return np.concatenate(pair)


def _strip(crops: Sequence[NDArray[np.uint8]], caption: str) -> Picture:
    enlarged = cv2.resize(
        np.concatenate(list(crops), axis=1), None, fx=1.5, fy=1.5, interpolation=cv2.INTER_NEAREST
    )
    return Picture(jpeg(np.asarray(enlarged, np.uint8)), caption)


EXPERIMENTS = (Experiment("deeppcb", (MISS, FALSE, MAP), measure),)
