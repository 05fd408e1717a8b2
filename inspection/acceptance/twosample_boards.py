"""Whether a classifier tells generated defects from real ones on boards (DeepPCB): both on the
same picture, of one size, in the same cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.measurement import Measurement, not_measured
from inspection.acceptance.sheets import circle
from inspection.acceptance.twosample import LARGEST_PX, Twin, indicator, patch, told_apart
from inspection.generate.canvas import Maker, Rng
from inspection.generate.circuit import Circuit, spots
from inspection.generate.learned import Learned, shipped
from inspection.generate.request import SMALLEST_PX, DefectRequest, RequestError
from inspection.layouts.load import lesson
from inspection.layouts.table import reader
from inspection.methods.base import Lesson
from inspection.methods.golden import LEVEL
from inspection.models.features import grey_of

DATA = "deeppcb"
IMAGES = {"quick": 40, "full": 110}
U8 = NDArray[np.uint8]

ROWS = {
    "procedural": indicator(
        f"{DATA}-procedural",
        "Defects by the procedural method are told from real ones on boards in at most 75 %.",
        "public-data",
        "Opens, shorts, mouse-bites, spurs, spurious copper and pin-holes against the same.",
    ),
    "learned": indicator(
        f"{DATA}-learned",
        "Defects by the learned method are told from real ones on boards in at most 75 %.",
        "public-data",
        "Spurious copper against pits on bare ground, brought to the picture's two levels.",
    ),
}


def measure(context: Context) -> Mapping[str, Measurement]:
    """Both methods."""
    root = None if context.data_root is None else context.data_root / DATA / "dev"
    if root is None or not root.is_dir():
        reason = f"the data set {DATA} is absent: name the folder of data sets in LINGNAN_DATA"
        return {row.id: not_measured(reason) for row in ROWS.values()}
    samples = reader(DATA)(root, "refuse").samples
    order = np.random.default_rng([context.seed, 21]).permutation(len(samples))
    kept = [samples[i] for i in sorted(order[: IMAGES[context.size]].tolist())]
    lessons = [lesson(sample) for sample in kept]
    files = [p for s in kept for p in (s.image_path, s.reference_path) if p is not None]
    digest = context.data_hash(files)
    makers: tuple[tuple[str, Maker], ...] = (("procedural", Circuit()), ("learned", shipped()))
    found = {}
    for name, maker in makers:
        rng = np.random.default_rng([context.seed, 22])
        twins = [twin for one in lessons for twin in on_board(one, maker, rng)]
        found[ROWS[name].id] = told_apart(twins, context, digest, name)
    return found


def on_board(one: Lesson, maker: Maker, rng: Rng) -> Iterator[Twin]:
    """For each defect of the board of a kind that the maker has, one made elsewhere on it."""
    assert one.boxes_px is not None and one.reference is not None
    grey, golden = grey_of(one.image), grey_of(one.reference)
    for box, kind in zip(one.boxes_px, one.box_kinds, strict=True):
        real = _real(grey, golden, box)
        if real is None or (isinstance(maker, Learned) and kind != "copper"):
            continue
        (x, y), size = real[:2], float(np.clip(real[2], SMALLEST_PX, LARGEST_PX))
        try:
            made, at = _made(grey, maker, DefectRequest(kind=kind, size_px=size, severity=1.0), rng)
        except RequestError:  # this pattern has no room for it
            continue
        yield Twin(patch(grey, (x, y), size), patch(made, at, size), one.part)


def _made(
    grey: U8, maker: Maker, request: DefectRequest, rng: Rng
) -> tuple[U8, tuple[float, float]]:
    """The picture with the defect, and where it is."""
    if isinstance(maker, Learned):
        ground = spots(grey, request)
        x, y = ground[rng.integers(len(ground))].tolist()
        changed = {"kind": "pit", "x_px": float(x), "y_px": float(y)}
        image = maker.make(grey, request.model_copy(update=changed), rng).image
        return np.where((image < LEVEL) == (grey < LEVEL), grey, 0).astype(np.uint8), (x, y)
    sample = maker.make(grey, request, rng)
    x, y, _ = circle(sample.mask)
    return sample.image, (x, y)


def _real(grey: U8, golden: U8, box: NDArray[np.float32]) -> tuple[float, float, float] | None:
    """x, y and diameter of the circle around the largest difference within a true box."""
    x0, y0, x1, y1 = (max(0, v) for v in box.round().astype(int).tolist())
    differs = (grey[y0:y1, x0:x1] < LEVEL) != (golden[y0:y1, x0:x1] < LEVEL)
    opened = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return None
    label = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, size = circle(cast(NDArray[np.bool_], labels == label))
    return x + x0, y + y0, size


EXPERIMENTS = (Experiment("generated-two-sample-deeppcb", tuple(ROWS.values()), measure),)
