"""What tells learned classes apart, learned from their few samples: Fisher's linear discriminant.

Directions in which samples of one class differ count less, and only those between the classes'
means are kept (Fisher 1936; Rao 1948). A dozen samples do not tell a covariance, so it is shrunk to
a sphere by as much as their number asks for (oracle approximating shrinkage, Chen et al. 2010),
every feature having first been brought to about its own spread. Further views of a learned sample,
such as parts of its picture, add to what is known of the spread.

Learning is in floating point and takes the learned samples at once. What comes of it is a matrix of
whole numbers, so that every target projects to the same bytes, which the head takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.episodes import Episode, nearest

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

LEAST = 0.1  # of the mean variance, added to each feature's own
MOST = (1 << 15) - 1  # of the matrix: 16 bits
MOST_SHIFT = 30
MIDDLE, REACH = 128, 64  # where the learned samples' mean lies, and how far from it they reach
_NOTHING = 1e-9  # of the largest, below which it is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Discriminant:
    """matrix (directions, features) of 16 bits; offset (directions,); shift: bits taken off."""

    matrix: I64
    offset: I64
    shift: int

    @classmethod
    def of(cls, learned: U8, views: U8 | None = None) -> Discriminant:
        """learned (classes, samples, features); views (classes, samples, views, features) of the
        same samples. EdgeError where there is one class or no spread, or the means are equal."""
        classes, each = learned.shape[:2]
        if classes < 2 or (each < 2 and views is None):
            raise EdgeError(
                f"{classes} classes of {each} samples: a discriminant takes two of each, or views"
            )
        samples = learned.astype(np.float64)
        spread = _within(samples)
        if views is not None:
            parts = views.reshape(classes, -1, views.shape[-1]).astype(np.float64)
            spread = np.concatenate([spread, _within(parts)]) / np.sqrt(2)
        directions = _directions(samples.mean(1), spread, max(classes * (each - 1), 1))
        return cls._whole(directions, samples.reshape(classes * each, -1))

    @classmethod
    def _whole(cls, directions: F64, samples: F64) -> Discriminant:
        middle = samples.mean(0)
        scaled = directions * (REACH / np.abs((samples - middle) @ directions.T).max())
        room = int(np.floor(np.log2(MOST / np.abs(scaled).max())))
        shift = min(max(room, 0), MOST_SHIFT)
        matrix = np.rint(np.clip(scaled * 2.0**shift, -MOST, MOST)).astype(np.int64)
        half = (1 << shift) // 2
        offset = (MIDDLE << shift) + half - np.rint(matrix @ middle).astype(np.int64)
        return cls(matrix, offset, shift)

    def project(self, samples: U8) -> U8:
        """(N, features) to (N, directions), for a head."""
        # whole numbers below 2 ** 53, so that a float product is exact and quick
        product = samples.astype(np.float64) @ self.matrix.T.astype(np.float64)
        steps = (product.astype(np.int64) + self.offset) >> self.shift
        return np.asarray(np.clip(steps, 0, 255), np.uint8)


def told_apart(episode: Episode, views: U8 | None = None) -> I64:
    """(M,) the class of each asked sample: a head on what a discriminant makes of the features. It
    learns the views as it learns the samples."""
    found = Discriminant.of(episode.learned, views)
    learned = episode.learned
    if views is not None:
        parts = views.reshape(len(views), -1, views.shape[-1])
        learned = np.concatenate([learned, parts], 1)
    classes, each, features = learned.shape
    projected = found.project(learned.reshape(-1, features)).reshape(classes, each, -1)
    return nearest(Episode(projected, found.project(episode.asked), episode.label))


def _within(samples: F64) -> F64:
    """Of (classes, samples, features), rows whose outer products add up to the covariance within
    the classes; zeros where each has one sample."""
    classes, each, features = samples.shape
    off = samples - samples.mean(1, keepdims=True)
    return np.asarray(off.reshape(-1, features) / np.sqrt(max(classes * (each - 1), 1)), np.float64)


def _directions(means: F64, spread: F64, freedom: int) -> F64:
    """(up to classes - 1, features): between the means, where the spread is white.

    There may be many more features than rows of spread, so all is done in the span of these.
    """
    variance = (spread**2).sum(0)
    if not variance.any():
        raise EdgeError("the samples of each class are all alike: they tell no spread")
    scale = 1 / np.sqrt(variance + LEAST * variance.mean())
    rows = spread * scale
    values, vectors = np.linalg.eigh(rows @ rows.T)
    is_held = values > _NOTHING * values.max()
    values, basis = values[is_held], vectors[:, is_held].T @ rows
    basis /= np.sqrt(values)[:, None]
    share = _sphere(values, rows.shape[1], freedom)
    sphere = share * values.sum() / rows.shape[1]
    less = 1 - np.sqrt(sphere / ((1 - share) * values + sphere))

    def whitened(of: F64) -> F64:
        return np.asarray(of - (of @ basis.T * less) @ basis, np.float64)

    between = whitened((means - means.mean(0)) * scale)
    _, sizes, across = np.linalg.svd(between, full_matrices=False)
    kept = across[sizes > _NOTHING * np.sqrt(between.size)]
    if not len(kept):
        raise EdgeError("the means of all classes are equal: nothing tells them apart")
    return np.asarray(whitened(kept) * scale, np.float64)


def _sphere(values: F64, features: int, freedom: int) -> float:
    """The share of a sphere in a covariance with these eigenvalues and degrees of freedom."""
    total, squares = float(values.sum()) ** 2, float((values**2).sum())
    above = (1 - 2 / features) * squares + total
    below = (freedom + 1 - 2 / features) * (squares - total / features)
    return min(above / below, 1.0) if below > 0 else 1.0
