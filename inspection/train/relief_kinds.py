"""Teach the classifier of flaws: python -m inspection.train.relief_kinds

Parts of all products with flaws of the teaching family, seen by the generic sensor in several
strengths of noise. The judging family, its seeds and the modelled sensors stay unseen.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from inspection.relief.classify import KINDS, SHIPPED, Kinds, describe, from_edge, teach
from inspection.relief.lateral import PIXEL_PX2, Lateral
from inspection.relief.pipeline import Flaw, flatten, flaws_of
from inspection.relief.pose import locate
from inspection.relief.recipes import PRODUCTS
from inspection.sim.relief.generic import Generic, seen
from inspection.sim.relief.products import PIXEL_UM
from inspection.sim.relief.trial import Lot, Scene, matched, scenes

SEED = 500
PARTS, FLAWS = 16, 5  # a kind and product
NOISES = (
    Generic(0.4, 0.3, 0.2),
    Generic(0.7, 0.4, 0.3),
    Generic(0.9, 0.5, 0.5, steep=1.5),
    Generic(1.2, 0.8, 0.8, steep=1.2),
    Generic(1.6, 1.2, 1.0, steep=1.0),
)
"""Blurs of 0.4 to 1.6 px: any sensor whose user measures less is covered."""


def lots() -> Iterator[Lot]:
    """One lot a product and kind."""
    for i, recipe in enumerate(PRODUCTS):
        for j, kind in enumerate(KINDS):
            yield Lot(recipe, "spectral", SEED + 10 * i + j, PARTS, (kind,) * FLAWS)


def samples() -> tuple[NDArray[np.float64], list[str]]:
    """(N, D) features of every flaw found, and what it truly is."""
    features, kinds = [], []
    for lot in lots():
        for index, scene in enumerate(scenes(lot)):
            for row, kind in _of_part(lot, scene, NOISES[index % len(NOISES)]):
                features.append(row)
                kinds.append(kind)
    return np.array(features), kinds


def _of_part(lot: Lot, scene: Scene, noise: Generic) -> Iterator[tuple[NDArray[np.float64], str]]:
    """Finds of one part that lie on its flaws."""
    seen_map = seen(scene.part.height_um, PIXEL_UM, scene.rng, noise)
    pose = locate(seen_map, lot.recipe)
    lateral = Lateral(noise.blur_px**2 + PIXEL_PX2, 0.2)
    found: list[Flaw] = []
    rows = []
    for region in lot.recipe.regions:
        bumps = [bump for bump in lot.recipe.bumps if bump.region == region.name]
        face = flatten(seen_map, pose, region, bumps)
        for candidate, size in flaws_of(face, seen_map, lateral):
            moved = size.moved(face.window[0].start, face.window[1].start, PIXEL_UM)
            found.append(Flaw(region.name, "", {}, moved, candidate.snr, False))
            rows.append(describe(size, from_edge(face.mask, candidate), PIXEL_UM))
    best, _ = matched(scene, tuple(found))
    for flaw, hit in zip(scene.flaws, best, strict=True):
        if hit is not None:
            yield rows[found.index(hit)], flaw.kind


def learn() -> Kinds:
    """The classifier; the same every time."""
    return teach(*samples())


if __name__ == "__main__":
    SHIPPED.write_text(learn().to_json(), encoding="utf-8")
