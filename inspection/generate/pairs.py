"""Pairs from the simulated station: one part without and with its defects, all else the same, as
patches for the generator network. The defects are geometry and material, lit and rendered; they
share nothing with the drawn ones of `procedural`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.generate import patches
from inspection.generate.patches import Norm
from inspection.sim.materials import MATERIALS
from inspection.sim.regimes import REGIMES
from inspection.sim.scene import EXPOSURE_US, FULL_WELL_E, Part, Plan, StationScene

F32 = NDArray[np.float32]
Rng = np.random.Generator

HOSTS = ("metal", "glass", "glaze")  # a board's parts and pads are no surface to put a defect on
LIGHTS = ("inspect", "inspect", "ring", "east", "north")  # of the parts in turn
SIDE_PX = 512
LEAST_PX = 4  # of a defect's mask; smaller ones are no more than noise


@dataclass(frozen=True, slots=True)
class Ware:
    """A kind of defect: what the station calls it, its sizes, how many a part."""

    kind: str
    station: str
    sizes_um: tuple[float, ...]
    count: int


WARES = (
    Ware("pit", "point", (50.0, 70.0, 100.0, 150.0, 220.0, 320.0), 9),
    Ware("scratch", "scratch", (20.0, 30.0, 45.0, 60.0), 4),
    Ware("stain", "stain", (150.0, 250.0, 400.0, 600.0), 4),
)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """(PATCH_PX, PATCH_PX) each, centred on the defect: `good` and `bad` normalised by the good
    one by `norm`, `cover` 0 to 1. number: of the kind in `WARES`. part: whose defect it is."""

    good: F32
    bad: F32
    cover: F32
    number: int
    norm: Norm
    part: str

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(PATCH_PX, PATCH_PX), True on the defect."""
        return self.cover >= 0.5


class _Bare(StationScene):
    """The same parts without their defects."""

    def part(self, trigger: int) -> Part:
        return replace(super().part(trigger), defects=(), imprints=())


def pairs(regime: str, seed: int, parts: int) -> Iterator[Pair]:
    """Every whole defect of `parts` parts of each host and kind, in a fixed order."""
    for h, host in enumerate(HOSTS):
        for number, ware in enumerate(WARES):
            plan = Plan(ware.count, (ware.station,), ware.sizes_um)  # type: ignore[arg-type]
            arguments = (MATERIALS[host], REGIMES[regime], plan, seed * 100 + 10 * h + number)
            scenes = [make(*arguments, (SIDE_PX, SIDE_PX)) for make in (_Bare, StationScene)]
            for trigger in range(parts):
                rng = np.random.default_rng([seed, h, number, trigger])
                light = LIGHTS[trigger % len(LIGHTS)]
                good, bad = sensed([s.render(trigger, light, 0.0) for s in scenes], rng)
                labels = scenes[1].truth(trigger).labels
                for label in range(1, int(labels.max()) + 1):
                    yield from _pair(
                        good, bad, labels == label, number, f"{host}-{number}-{trigger}"
                    )


def sensed(radiances: list[F32], rng: Rng) -> list[F32]:
    """Pictures in DN through one sensor: the same blur and the same draw of noise for all."""
    sigma, read_noise = rng.uniform(0.4, 0.95), rng.uniform(2, 15)
    noise = rng.standard_normal(radiances[0].shape, dtype=np.float32)
    seen = []
    for radiance in radiances:
        electrons = cv2.GaussianBlur(radiance, (0, 0), sigma) * np.float32(EXPOSURE_US)
        electrons = np.clip(electrons, 0, FULL_WELL_E)
        electrons = electrons + np.sqrt(electrons + read_noise**2) * noise
        seen.append(np.clip(np.rint(electrons * 255 / FULL_WELL_E), 0, 255).astype(np.float32))
    return seen


def _pair(good: F32, bad: F32, mask: NDArray[np.bool_], number: int, part: str) -> Iterator[Pair]:
    """Cut out around the smallest circle; nothing for what is too small or at the border."""
    spots = np.argwhere(mask)[:, ::-1].astype(np.float32)
    if len(spots) < LEAST_PX:
        return
    (x, y), radius = cv2.minEnclosingCircle(spots)
    side, at = patches.side_px(2 * radius + 1), (round(x), round(y))
    if not all(side // 2 <= v < SIDE_PX - side // 2 for v in at):
        return
    surface = patches.square(good, at, side)
    norm = Norm.of(surface)
    views = [patches.shrunk(norm.of_dn(patches.square(view, at, side))) for view in (good, bad)]
    cover = patches.shrunk(patches.square(mask.astype(np.float32), at, side))
    if cover.max() >= 0.5:
        yield Pair(views[0], views[1], cover, number, norm, part)
