"""What a feature net says of an image without saying anything twice.

Of the features that a part is learned from, some are the same in all cells of an image and some are
others less such a one. To a linear layer these are but another bias: it is folded once an image,
and the cells are multiplied without them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

RELATIVE = 2  # windows of energies, the last of the cells' maps, that are told relative too


@dataclass(frozen=True, slots=True, eq=False)
class Lean:
    """cells: (V, h, w) maps. image: (K + 1,) what holds for the whole image: K energies, from
    which the last `RELATIVE` x K of the maps are told apart, and its contrast; or (0,) of a net
    that gives all its C features as maps.

    The C features of a cell are its maps, the relative ones of these, and the contrast.
    """

    cells: F32
    image: F32

    @property
    def _own(self) -> F32:
        return np.tile(self.image[:-1], RELATIVE)

    @property
    def rows(self) -> F32:
        """(h w, V) the cells, a view whose transpose is C-ordered: BLAS takes it as it is."""
        return self.cells.reshape(len(self.cells), -1).T

    def whole(self) -> F32:
        """(h, w, C) all features, a view of maps."""
        own = self._own[:, None, None]
        relative = self.cells[len(self.cells) - len(own) :] - own
        contrast = self.image[-1:, None, None]
        everywhere = np.broadcast_to(contrast, (len(contrast), *self.cells.shape[1:]))
        return np.concatenate((self.cells, relative, everywhere)).transpose(1, 2, 0)

    def at(self, cells: NDArray[np.int64]) -> F32:
        """(N, C) all features of some cells, by their numbers row by row."""
        maps = self.rows[cells]
        relative = maps[:, maps.shape[1] - len(self._own) :] - self._own
        everywhere = np.tile(self.image[-1:], (len(cells), 1))
        return np.concatenate((maps, relative, everywhere), 1)

    def folded(self, weights: F32, bias: F32) -> tuple[F32, F32]:
        """The layer that gives of the maps what `weights` (..., C, H) and `bias` (..., H) give of
        all features: (..., V, H) and (..., H)."""
        own, maps = self._own, len(self.cells)
        end = maps + len(own)
        relative = weights[..., maps:end, :]
        folded = weights[..., :maps, :].copy()
        folded[..., maps - len(own) :, :] += relative
        return folded, bias - own @ relative + self.image[-1:] @ weights[..., end:, :]
