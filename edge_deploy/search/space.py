"""What may be built: small classifiers of three stages, each with a width, a depth and a kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["dense", "separable"]

STEM = 8  # channels of the first convolution, which halves the picture
WIDTHS = ((8, 12, 16, 24), (12, 16, 24, 32), (16, 24, 32, 48))  # of each stage
DEPTHS = (1, 2)
KINDS: tuple[Kind, ...] = ("dense", "separable")
STRIDES = (1, 2, 2)
GENES = 3 * len(STRIDES)


@dataclass(frozen=True, slots=True)
class Stage:
    """`depth` blocks of `width` channels: 3x3 convolutions, or depthwise 3x3 and 1x1."""

    width: int
    depth: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Architecture:
    """Stem of stride 2, stages, mean over places, linear layer."""

    stages: tuple[Stage, ...]

    @property
    def name(self) -> str:
        """Short, e.g. 8x1d-16x2s-24x1s."""
        return "-".join(f"{one.width}x{one.depth}{one.kind[0]}" for one in self.stages)

    def blocks(self) -> Iterator[tuple[int, int, int, int, Stage]]:
        """Stage, block in it, input channels, stride, and the stage itself."""
        channels = STEM
        for at, stage in enumerate(self.stages):
            for block in range(stage.depth):
                yield at, block, channels, STRIDES[at] if block == 0 else 1, stage
                channels = stage.width


def every() -> list[Architecture]:
    """The whole space: 4,096 architectures."""
    stages = [[Stage(*one) for one in product(widths, DEPTHS, KINDS)] for widths in WIDTHS]
    return [Architecture(one) for one in product(*stages)]


def coordinates(architecture: Architecture) -> NDArray[np.float64]:
    """(GENES,) from 0 to 1: of each stage the place of its width, its depth and its kind."""
    values = []
    for stage, widths in zip(architecture.stages, WIDTHS, strict=True):
        values += [
            widths.index(stage.width) / (len(widths) - 1),
            DEPTHS.index(stage.depth) / (len(DEPTHS) - 1),
            KINDS.index(stage.kind) / (len(KINDS) - 1),
        ]
    return np.array(values)


def at(place: NDArray[np.float64]) -> Architecture:
    """The architecture nearest to coordinates."""
    stages = []
    for own, widths in zip(place.reshape(-1, 3), WIDTHS, strict=True):
        width, depth, kind = (
            known[round(float(value) * (len(known) - 1))]
            for value, known in zip(own, (widths, DEPTHS, KINDS), strict=True)
        )
        stages.append(Stage(width, depth, kind))  # type: ignore[arg-type]
    return Architecture(tuple(stages))
