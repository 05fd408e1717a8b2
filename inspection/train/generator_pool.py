"""What the generator learns from: patches with defects, and good ones to put defects onto."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from inspection.generate import patches
from inspection.generate.canvas import HALO_PX
from inspection.generate.learned import KindCard
from inspection.generate.pairs import LEAST_PX, WARES, Pair
from inspection.generate.patches import Norm
from inspection.layouts.base import Dataset
from inspection.layouts.load import lesson
from inspection.methods.base import Lesson, Progress
from inspection.models.features import grey_of

F32 = NDArray[np.float32]

FEWEST = 4  # defects a kind
QUANTILES = 11
GOOD_EACH = 6  # good patches for every defect
OUTLINES = {"pit": "disc", "scratch": "scratch", "stain": "patch"}  # of the station's wares


class TrainError(LingnanError):
    """The data do not suffice to train a generator."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """bad, cover: (N, 64, 64) patches with a defect; kind, contrast (N,). good: (N, 64, 64) the
    same patches without it where `paired`, else (M, 64, 64) others. cards: the kinds by number."""

    bad: F32
    cover: F32
    kind: NDArray[np.int64]
    contrast: F32
    good: F32
    paired: bool
    cards: tuple[KindCard, ...]

    @property
    def halo(self) -> F32:
        """(N, 64, 64): where a defect may change its patch, 0 to 1."""
        return np.stack([_halo(cover) for cover in self.cover])


def of_pairs(found: Iterable[Pair]) -> Pool:
    """From the simulated station."""
    pairs = list(found)
    contrasts = [patches.contrast(pair.bad, pair.mask) for pair in pairs]
    kinds = [pair.number for pair in pairs]
    names = [ware.kind for ware in WARES]
    return Pool(
        bad=np.stack([pair.bad for pair in pairs]),
        cover=np.stack([pair.cover for pair in pairs]),
        kind=np.array(kinds),
        contrast=np.array(contrasts, np.float32),
        good=np.stack([pair.good for pair in pairs]),
        paired=True,
        cards=tuple(
            _card(name, OUTLINES[name], np.array(contrasts)[np.array(kinds) == i].tolist())
            for i, name in enumerate(names)
        ),
    )


def of_dataset(data: Dataset, seed: int, progress: Progress) -> Pool:
    """From good samples and masked defects of one's own; kinds with too few are left out.

    TrainError where no kind has enough, or nothing is good.
    """
    lessons = []
    for i, sample in enumerate(data.samples):
        lessons.append(lesson(sample))
        progress(i + 1, len(data.samples), "reading")
    cuts = [cut for one in lessons if not one.is_good for cut in _cuts(one)]
    names = sorted({cut.kind for cut in cuts})
    names = [name for name in names if sum(cut.kind == name for cut in cuts) >= FEWEST]
    goods = [grey_of(one.image).astype(np.float32) for one in lessons if one.is_good]
    if not names or not goods:
        raise TrainError(
            f"{data.name}: needs good samples and a kind of at least {FEWEST} masked defects"
        )
    kept = [cut for cut in cuts if cut.kind in names]
    contrasts = [patches.contrast(cut.bad, cut.cover >= 0.5) for cut in kept]
    rng = np.random.default_rng([seed, 3])
    return Pool(
        bad=np.stack([cut.bad for cut in kept]),
        cover=np.stack([cut.cover for cut in kept]),
        kind=np.array([names.index(cut.kind) for cut in kept]),
        contrast=np.array(contrasts, np.float32),
        good=np.stack([_some_good(goods, cut.side, rng) for cut in kept for _ in range(GOOD_EACH)]),
        paired=False,
        cards=tuple(
            _card(
                name,
                _outline([cut.cover for cut in kept if cut.kind == name]),
                [c for c, cut in zip(contrasts, kept, strict=True) if cut.kind == name],
            )
            for name in names
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    kind: str
    bad: F32
    cover: F32
    side: int


def _cuts(one: Lesson) -> list[_Cut]:
    """A patch around each separate defect of a sample that has a mask."""
    if one.mask is None:
        return []
    grey = grey_of(one.image).astype(np.float32)
    count, labels = cv2.connectedComponents(one.mask.astype(np.uint8), connectivity=8)
    found = []
    for label in range(1, count):
        spots = np.argwhere(labels == label)[:, ::-1].astype(np.float32)
        (x, y), radius = cv2.minEnclosingCircle(spots)
        if len(spots) < LEAST_PX:
            continue
        side, at = patches.side_px(2 * radius + 1), (round(x), round(y))
        seen = patches.square(grey, at, side)
        mask = patches.square(one.mask.astype(np.float32), at, side)
        away = cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0
        norm = Norm.of(seen[away] if away.sum() > 0.1 * away.size else seen)
        bad = patches.shrunk(norm.of_dn(seen))
        cover = patches.shrunk(mask)
        if cover.max() >= 0.5:
            found.append(_Cut(one.kind, bad, cover, side))
    return found


def _some_good(goods: Sequence[F32], side: int, rng: np.random.Generator) -> F32:
    image = goods[int(rng.integers(len(goods)))]
    at = (int(rng.integers(image.shape[1])), int(rng.integers(image.shape[0])))
    seen = patches.square(image, at, side)
    norm = Norm.of(seen)
    return patches.shrunk(norm.of_dn(seen))


def _card(name: str, outline: str, contrasts: Sequence[float]) -> KindCard:
    if not contrasts:
        raise TrainError(f"there is no defect of the kind {name!r}")
    quantiles = np.quantile(contrasts, np.linspace(0, 1, QUANTILES))
    return KindCard(
        name=name, outline=outline, contrasts=tuple(round(float(q), 4) for q in quantiles)
    )


def _outline(covers: Sequence[F32]) -> str:
    """The outline that masks like these have: long and thin, or not."""
    slender = []
    for cover in covers:
        spots = np.argwhere(cover >= 0.5).astype(np.float32)
        _, sides, _ = cv2.minAreaRect(spots)
        slender.append((max(sides) + 1) / (min(sides) + 1))
    return "crack" if np.median(slender) > 3 else "patch"


def _halo(cover: F32) -> F32:
    away = cv2.distanceTransform((cover < 0.25).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.clip(1 - away / HALO_PX, 0, 1), np.float32)
