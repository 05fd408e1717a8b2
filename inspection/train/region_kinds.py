"""Teach what is said of regions: python -m inspection.train.region_kinds

Parts of every material and geometry that a network has learned, in the training regime, each frame
through a sensor of this module's own, which is not the camera driver's. Candidates are those that
the shipped networks raise, so teach again whenever a network or the materials change. About 6
CPU-minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.models.fcn import Fcn
from inspection.models.shipped import learned, network
from inspection.regions import classify, sizes
from inspection.regions.candidates import candidates
from inspection.regions.describe import describe
from inspection.regions.head import SHIPPED, Exemplars, Head
from inspection.regions.measure import Extent, measure, outline
from inspection.sim.scene import EXPOSURE_US, FULL_WELL_E, PIXEL_UM, Truth, station_scene

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

SEED = 71_000_000
SIDE_PX = 768
PARTS = 60  # a kind and material, geometries and sizes in turn
# kind -> sizes, defects a part
SHOWN: dict[str, tuple[tuple[float, ...], int]] = {
    "point": ((25.0, 30.0, 40.0, 60.0, 100.0, 150.0), 16),
    "scratch": ((20.0, 30.0, 40.0, 60.0), 4),
    "stain": ((250.0, 400.0, 700.0, 1000.0), 4),
}
GROW = 0.0
KEPT = 100  # exemplars a kind
LONG = "scratch"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A candidate that lies on one defect. true_px: its size, of a scratch its length; width_px:
    of a scratch."""

    kind: str
    features: F64
    extent: Extent
    true_px: float
    width_px: float


def samples(seed: int = SEED, parts: int = PARTS, regime: str = "train") -> Iterator[Sample]:
    """Candidates on the defects of every material and kind."""
    for m, (material, forms) in enumerate(learned().items()):
        net = Fcn(network(material, forms[0])[0].payload)
        thresholds = [network(material, form)[1] for form in forms]
        for k, (kind, (steps, count)) in enumerate(SHOWN.items()):
            for part in range(parts):
                turn, form = divmod(part, len(forms))
                scene = station_scene(
                    material=material,
                    regime=regime,
                    seed=seed + 1_000 * m + 100 * k + part,
                    count=count,
                    kinds=(kind,),
                    sizes_um=(steps[turn % len(steps)],),
                    side_px=SIDE_PX,
                    geometry=forms[form],
                )
                rng = np.random.default_rng([seed, m, k, part])
                frame = sensed(scene.render(0, "inspect", 0.013 * part), rng)
                yield from _of_part(frame, scene.truth(0), net.logits(frame), thresholds[form])


def sensed(radiance: F32, rng: np.random.Generator) -> U8:
    """Electrons/us -> grey levels through a lens and a sensor drawn anew for each frame."""
    sharp = np.ascontiguousarray(radiance * np.float32(EXPOSURE_US * rng.uniform(0.9, 1.1)))
    blurred = cv2.GaussianBlur(sharp, (0, 0), float(rng.uniform(0.4, 0.9)))
    electrons = np.minimum(blurred, FULL_WELL_E)
    spread = np.sqrt(electrons + rng.uniform(3, 12) ** 2)
    noisy = electrons + spread * rng.standard_normal(electrons.shape, dtype=np.float32)
    level = noisy * (255 / FULL_WELL_E) + rng.uniform(0, 4)
    return np.clip(np.rint(level), 0, 255).astype(np.uint8)


def _of_part(frame: U8, truth: Truth, logits: F32, threshold: float) -> Iterator[Sample]:
    for one in candidates(logits, threshold, GROW):
        x0, y0, x1, y1 = one.box_px((frame.shape[0], frame.shape[1]))
        beneath = truth.labels[max(y0 - 8, 0) : y1 + 8, max(x0 - 8, 0) : x1 + 8]
        numbers = np.unique(beneath[beneath > 0])
        if len(numbers) != 1:
            continue
        defect = truth.defects[int(numbers[0]) - 1]
        seen = outline(frame, one)
        extent = measure(seen)
        width = defect.size_um / PIXEL_UM
        true = true_length(truth.labels == numbers[0]) if defect.kind == LONG else width
        yield Sample(defect.kind, describe(one, seen, extent), extent, true, width)


def true_length(mask: NDArray[np.bool_]) -> float:
    """Extent of a mask along its principal axis, in pixels."""
    points = np.argwhere(mask).astype(np.float64)
    if len(points) < 3:
        return float(len(points))
    _, axes = np.linalg.eigh(np.cov(points.T))
    along = points @ axes[:, 1]
    return float(np.ptp(along)) + 1.0


def learn(shown: list[Sample]) -> Head:
    """The head; the same samples give the same one."""
    features = np.array([one.features for one in shown])
    names = [one.kind for one in shown]
    kept = [i for kind in SHOWN for i in _spread([j for j, n in enumerate(names) if n == kind])]
    return Head(
        classify.fit(features, names),
        {kind: _sizes(kind, [one for one in shown if one.kind == kind]) for kind in SHOWN},
        Exemplars(features[kept], tuple(names[i] for i in kept)),
        source={
            "data": f"simulated station, training regime, {len(shown)} candidates on defects of "
            f"{', '.join(learned())}; seed {SEED}",
            "network_sha256": ", ".join(
                network(material, forms[0])[0].card.sha256 for material, forms in learned().items()
            ),
            "command": "python -m inspection.train.region_kinds",
        },
    )


def _spread(indices: list[int]) -> list[int]:
    """KEPT of them, evenly."""
    at = np.linspace(0, len(indices) - 1, min(KEPT, len(indices))).round().astype(int)
    return [indices[i] for i in at]


def _sizes(kind: str, shown: list[Sample]) -> dict[str, sizes.Correction]:
    features = np.array([one.features for one in shown])
    true = np.array([one.true_px for one in shown])
    if kind != LONG:
        diameter = np.array([one.extent.diameter.px for one in shown])
        return {"size": sizes.fit(features, diameter, true)}
    length = np.array([one.extent.length.px for one in shown])
    across = np.array([one.extent.width.px for one in shown])
    width = np.array([one.width_px for one in shown])
    return {
        "size": sizes.fit(features, length, true),
        "width": sizes.fit(features, across, width),
    }


if __name__ == "__main__":
    head = learn(list(samples()))
    SHIPPED.write_text(json.dumps(head.to_json()) + "\n", encoding="utf-8")
