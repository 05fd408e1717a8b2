"""Generated defects as somebody would order them who knows the kinds that a part can have, and
neither their sizes nor how strong they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from inspection.generate.canvas import Maker, Sample
from inspection.generate.request import SMALLEST_PX, DefectRequest
from inspection.models.features import grey_of

SIZES = (0.03, 0.5)  # of the picture's shorter side, evenly in the logarithm
SEVERITIES = (0.2, 1.0)
SMALLEST = 8.0  # px


def some_made(
    goods: Sequence[NDArray[np.uint8]],
    maker: Maker,
    kinds: Sequence[str],
    count: int,
    rng: np.random.Generator,
) -> Iterator[Sample]:
    """`count` samples on the good pictures in turn, every kind equally often, anywhere."""
    for index in range(count):
        good = grey_of(goods[index % len(goods)])
        short = min(good.shape)
        size = float(np.exp(rng.uniform(*np.log(SIZES)))) * short
        request = DefectRequest(
            kind=kinds[index % len(kinds)],
            size_px=float(np.clip(size, max(SMALLEST, SMALLEST_PX), short - 4)),
            severity=rng.uniform(*SEVERITIES),
        )
        yield maker.make(good, request, rng)
