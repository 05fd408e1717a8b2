"""The calibration target: what is printed on it, in micrometres and reflectances.

A grid of dark dots on white. Three larger dots, an L with legs of one and two pitches, say where
the grid begins, which way it lies and whether the picture is mirrored. Two rows of grey squares,
the second in reverse order, so that a gradient of the light does not pass for a response. Four
small mirrors, anti-reflection coated so that they do not outshine the white.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Node = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Artefact:
    """A target. Node (u, v) lies at (u, v) pitches from the centre, v down as y is.

    dot_um, mark_um: diameters of the dots and of the three marks. square_um: edge of a grey
    square. reach: dots lie at nodes -reach to reach. steps: reflectances of the squares, which sit
    half a pitch off the nodes from `first` on; `rows` are the v of their rows. mirrors: squares of
    polished black glass, as large, at these pitches from the centre; none on an older target.
    """

    pitch_um: float = 1000.0
    dot_um: float = 400.0
    mark_um: float = 600.0
    square_um: float = 420.0
    reach: int = 7
    white: float = 0.9
    black: float = 0.04
    steps: tuple[float, ...] = (0.65, 0.45, 0.30, 0.20, 0.12, 0.06)
    first: int = -3
    rows: tuple[int, int] = (-3, 2)
    marks: tuple[Node, Node, Node] = ((0, 0), (2, 0), (0, 1))
    mirrors: tuple[tuple[float, float], ...] = ((-1.5, -0.5), (1.5, -0.5), (-1.5, 0.5), (1.5, 0.5))

    @property
    def nodes(self) -> NDArray[np.int64]:
        """(N, 2) u and v of every dot, the marks among them."""
        side = np.arange(-self.reach, self.reach + 1)
        return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)

    def scaled(self, factor: float) -> Artefact:
        """The same drawing, so much larger."""
        names = ("pitch_um", "dot_um", "mark_um", "square_um")
        return replace(self, **{name: getattr(self, name) * factor for name in names})

    def squares(self) -> tuple[tuple[float, float, float], ...]:
        """x and y of each grey square's centre in um, and its reflectance."""
        orders = (self.steps, self.steps[::-1])
        return tuple(
            ((self.first + i + 0.5) * self.pitch_um, (row + 0.5) * self.pitch_um, step)
            for row, order in zip(self.rows, orders, strict=True)
            for i, step in enumerate(order)
        )

    def mirrors_um(self) -> NDArray[np.float64]:
        """(M, 2) x and y of each mirror's centre in um."""
        return np.array(self.mirrors, np.float64).reshape(-1, 2) * self.pitch_um

    def blanks(self) -> NDArray[np.float64]:
        """(M, 2) um: the middles of four dots where the target is plain white."""
        side = np.arange(-self.reach, self.reach) + 0.5
        middles = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2) * self.pitch_um
        taken = np.array([(x, y) for x, y, _ in self.squares()] + self.mirrors_um().tolist())
        apart = np.abs(middles[:, None] - taken[None]).max(axis=-1).min(axis=1)
        return np.asarray(middles[apart > self.pitch_um / 2], np.float64)


TARGET = Artefact()
