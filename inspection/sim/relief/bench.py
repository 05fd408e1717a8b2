"""A height sensor on a bench: measures a part of its own lot whenever it is asked, on a thread.

Every part is put into one field, so that the sensor is calibrated once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np

from common.types.heightmap import HeightMap
from inspection.relief.classify import KINDS, shipped
from inspection.relief.pipeline import Result, inspect
from inspection.relief.recipes import recipe
from inspection.sim.regimes import REGIMES
from inspection.sim.relief.flaws import Flaw
from inspection.sim.relief.products import PIXEL_UM
from inspection.sim.relief.sensing import sense
from inspection.sim.relief.trial import Lot, scenes

PRODUCT = "smd-chip"
FIELD = (384, 544)  # holds the product as it may lie
MOST_FLAWS = 2
END_S = 3.0  # a measurement that is under way takes no longer


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A part of the lot: its map, the decision, and the flaws that are really in it."""

    number: int
    seen: HeightMap
    result: Result
    flaws: tuple[Flaw, ...]


def measure(number: int, seed: int) -> Measured:
    """Part `number` of the lot, through the simulated fringe sensor; follows from both numbers."""
    rng = np.random.default_rng([seed, number, 7])
    wanted = tuple(KINDS[k] for k in rng.permutation(len(KINDS))[: rng.integers(MOST_FLAWS + 1)])
    product = recipe(PRODUCT)
    lot = Lot(product, REGIMES["judge"].family, int(rng.integers(2**31)), 1, wanted)
    scene = next(scenes(lot))
    height = scene.part.height_um
    more = [(0, whole - own) for whole, own in zip(FIELD, height.shape, strict=True)]
    seen = _cut(sense(np.pad(height, more, mode="reflect"), PIXEL_UM, scene.rng), height.shape)
    return Measured(number, seen, inspect(seen, product, shipped()), scene.flaws)


def _cut(seen: HeightMap, shape: tuple[int, ...]) -> HeightMap:
    """The map without what was put beside the part."""
    own = tuple(slice(n) for n in shape)
    sigma = None if seen.sigma_um is None else np.ascontiguousarray(seen.sigma_um[own])
    return replace(seen, height_um=np.ascontiguousarray(seen.height_um[own]), sigma_um=sigma)


class Bench:
    """Runs while it is entered. The first part is asked for at once; before it comes the sensor is
    calibrated."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._latest: Measured | None = None
        self._fault: Exception | None = None
        self._asked, self._over = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="bench", daemon=True)

    def ask(self) -> None:
        """Measure the next part, after the one that is under way."""
        self._asked.set()

    @property
    def latest(self) -> Measured | None:
        """The last part measured, None before the first. Raises what ended the measuring."""
        if self._fault is not None:
            raise self._fault
        return self._latest

    def __enter__(self) -> Self:
        self.ask()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over = True
        self._asked.set()
        self._thread.join(END_S)

    def _run(self) -> None:
        number = 0
        try:
            while self._asked.wait() and not self._over:
                self._asked.clear()  # before it, so that neither order nor end is lost meanwhile
                self._latest = measure(number, self._seed)
                number += 1
        except Exception as error:  # told where it is looked at
            self._fault = error
