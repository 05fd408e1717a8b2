"""Whether a made defect is the one that was asked for: place and size, measured on its mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, rate
from inspection.acceptance.sheets import sheet
from inspection.generate.canvas import HALO_PX, Maker
from inspection.generate.learned import shipped
from inspection.generate.make import stream
from inspection.generate.procedural import Procedural
from inspection.generate.request import DefectRequest
from inspection.generate.store import png
from inspection.methods.shapes import noise

GUIDE = "人机交互；对抗网络自动生成指定类型缺陷数据"
OFF_PX, OFF_SHARE = 1.5, 0.05  # of place and size: so many pixels, or so much of the size
COUNT = {"quick": 320, "full": 3000}
SIDE_PX = 192
SIZES_PX = (6.0, 80.0)

ASKED = Indicator(
    id="S4-D2-R2/asked",
    claim="At least 99 % of the generated defects have the place and size that were asked for.",
    guide=GUIDE,
    unit="fraction",
    comparator=">=",
    target=0.99,
    evidence="simulated",
    method="Kind, place, size, severity and direction are drawn; image and mask are read back as "
    "PNG. The smallest circle around the mask must agree to 1.5 px or 5 % of the size, most of the "
    "mask must have changed, and nothing that lies 3 px beyond it.",
)


def measure(context: Context) -> Mapping[str, Measurement]:
    """Both methods in turn, on noise of many grains and brightnesses."""
    makers: tuple[Maker, ...] = (Procedural(), shipped())
    count = COUNT[context.size]
    wrong: dict[str, int] = {}
    seen: list[bytes] = []
    for index, request in enumerate(orders(makers, count, context.seed)):
        maker = makers[index % 2]
        rng = stream(context.seed, index)
        good = surface(rng)
        sample = maker.make(good, request, rng)
        image, mask = (_read(png(p)) for p in (sample.image, sample.mask.astype(np.uint8) * 255))
        if not as_asked(request, good, image, mask > 0):
            name = f"{maker.name} {request.kind}"
            wrong[name] = wrong.get(name, 0) + 1
        seen.append(image.tobytes())
        context.progress(index + 1, count, "making defects")
    note = "; ".join(f"{name}: {k} off" for name, k in wrong.items()) or "none is off"
    kept = count - sum(wrong.values())
    told = f"{note}; {count // 2} of each method, all kinds they make."
    figures = (sheet(context.seed),)
    return {ASKED.id: rate(kept, count, content_hash(*seen), told, figures)}


def orders(makers: tuple[Maker, ...], count: int, seed: int) -> Iterator[DefectRequest]:
    """Requests for the makers in turn, every kind of each equally often."""
    for index in range(count):
        kinds = makers[index % len(makers)].kinds
        kind = kinds[index // len(makers) % len(kinds)]
        rng = np.random.default_rng([seed, index, 1])
        size = float(np.exp(rng.uniform(*np.log(SIZES_PX))))
        x, y = rng.uniform(size / 2, SIDE_PX - 1 - size / 2, 2)
        if kind == "chip":  # belongs on an edge of the picture
            y = float(rng.choice((0, SIDE_PX - 1)))
        yield DefectRequest(
            kind=kind, size_px=size, x_px=float(x), y_px=float(y), severity=rng.uniform(0.2, 1)
        )


def surface(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(SIDE_PX, SIDE_PX) of two grains."""
    shape = (SIDE_PX, SIDE_PX)
    fine, coarse = noise(shape, 1.5, rng), noise(shape, rng.uniform(4, 40), rng)
    level, depth = rng.uniform(70, 180), rng.uniform(1, 10)
    return np.asarray(np.clip(level + depth * (fine + coarse), 0, 255), np.uint8)


def as_asked(
    request: DefectRequest,
    good: NDArray[np.uint8],
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
) -> bool:
    """Whether place and size agree, the mask holds a change, and there is none beyond it."""
    if request.x_px is None or request.y_px is None or not mask.any():
        return False
    (x, y), radius = cv2.minEnclosingCircle(np.argwhere(mask)[:, ::-1].astype(np.float32))
    allowed = max(OFF_PX, OFF_SHARE * request.size_px)
    off = np.hypot(x - request.x_px, y - request.y_px)
    changed = image != good
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * HALO_PX + 1,) * 2)
    beyond = cv2.dilate(mask.astype(np.uint8), reach) == 0
    return bool(
        off <= allowed
        and abs(2 * radius + 1 - request.size_px) <= allowed
        and changed[mask].mean() > 0.5
        and not changed[beyond].any()
    )


def _read(payload: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_GRAYSCALE))


EXPERIMENTS = (Experiment("generated-asked", (ASKED,), measure),)
