"""Small multi-layer perceptrons in numpy: no framework is needed to teach, nor to inspect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

F32 = NDArray[np.float32]
F16 = NDArray[np.float16]
Features = F32 | F16
Rows = NDArray[np.int64]

BATCH = 512
RATE = 2e-3
BLOCK = 8192  # cells that are judged at a time: an image's


@dataclass(frozen=True, slots=True, eq=False)
class Perceptron:
    """M members of one shape, rectified between layers; logit = the mean of their outputs.

    weights: one (M, inputs, outputs) a layer; biases: one (M, outputs). Standardising the inputs
    is folded into the first layer.
    """

    weights: tuple[F32, ...]
    biases: tuple[F32, ...]

    def __post_init__(self) -> None:
        layers = list(zip(self.weights, self.biases, strict=True))
        wide = [w.shape[-1] for w, _ in layers]
        fits = all(w.ndim == 3 and b.shape == (len(w), w.shape[2]) for w, b in layers)
        if not fits or any(
            len(w) != len(self.weights[0]) or w.shape[1] != before
            for w, before in zip(self.weights[1:], wide, strict=False)
        ):
            raise ValueError("the layers of the perceptron do not fit each other")

    def logits(self, x: Features) -> F32:
        """(N, D) -> (N,); larger is more likely a defect. The transpose of a C-ordered (D, N), as
        a feature net gives it, is taken as it is."""
        members, inputs, outputs = self.weights[0].shape
        first = self.weights[0].transpose(0, 2, 1).reshape(-1, inputs)
        result = np.empty(len(x), np.float32)
        for at in range(0, len(x), BLOCK):
            y = first @ x[at : at + BLOCK].T.astype(np.float32, copy=False)
            y = y.reshape(members, outputs, -1)
            y += self.biases[0][..., None]
            for w, b in zip(self.weights[1:], self.biases[1:], strict=True):
                y = w.transpose(0, 2, 1) @ np.maximum(y, 0, out=y)
                y += b[..., None]
            result[at : at + BLOCK] = y[:, 0].mean(0)
        return result


def fit(
    x: Features,
    rows: Rows,
    is_defect: NDArray[np.bool_],
    weight: F32,
    seed: int,
    epochs: int,
    decay: float,
    members: int = 1,
    hidden: Sequence[int] = (48, 24),
) -> Perceptron:
    """Weighted logistic loss by AdamW (Loshchilov and Hutter 2019), the rate falling as a cosine.

    x: (N, D), of which (R,) `rows` are learned from; no other copy of them is made than of a
    batch. is_defect, weight: (R,), the weights of mean about 1. Members start apart and learn from
    the same batches. The same arguments give the same perceptron.
    """
    mean, scale = _standard(x, rows)
    rng = np.random.default_rng(seed)
    layers = _start((x.shape[1], *hidden, 1), members, rng)
    optimiser = _AdamW(layers, epochs * (len(rows) // BATCH), decay)
    for _ in range(epochs):
        order = rng.permutation(len(rows))
        for at in range(0, len(rows) - BATCH + 1, BATCH):
            picked = order[at : at + BATCH]
            batch = x.take(rows[picked], 0).astype(np.float32)
            batch -= mean
            batch /= scale
            optimiser.step(_gradients(optimiser.layers, batch, is_defect[picked], weight[picked]))
    half = len(layers) // 2
    weights, biases = optimiser.layers[:half], optimiser.layers[half:]
    biases[0] = biases[0] - (mean / scale) @ weights[0]
    weights[0] = weights[0] / scale[:, None]
    return Perceptron(tuple(weights), tuple(biases))


def _standard(x: Features, rows: Rows) -> tuple[F32, F32]:
    """(D,) mean and (D,) scale of some rows, summed up block by block."""
    total, square = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for at in range(0, len(rows), BATCH):
        block = x.take(rows[at : at + BATCH], 0).astype(np.float64)
        total += block.sum(0)
        square += np.einsum("nd,nd->d", block, block)
    mean = total / len(rows)
    deviation = np.sqrt(np.maximum(square / len(rows) - mean * mean, 0))
    return mean.astype(np.float32), deviation.astype(np.float32) + np.float32(1e-3)


def _start(sizes: Sequence[int], members: int, rng: np.random.Generator) -> list[F32]:
    """He et al. 2015. Weights of all layers, then biases of all layers."""
    weights = [
        (rng.standard_normal((members, a, b)) * sqrt(2 / a)).astype(np.float32)
        for a, b in pairwise(sizes)
    ]
    return [*weights, *(np.zeros((members, size), np.float32) for size in sizes[1:])]


def _gradients(
    layers: list[F32], batch: F32, is_defect: NDArray[np.bool_], weight: F32
) -> list[F32]:
    """Of the sum of the members' losses."""
    half = len(layers) // 2
    weights, biases = layers[:half], layers[half:]
    outputs = [batch]
    for index in range(half):
        z = outputs[-1] @ weights[index]
        z += biases[index][:, None]
        outputs.append(np.maximum(z, 0, out=z) if index < half - 1 else z)
    slope = ((expit(outputs[-1][..., 0]) - is_defect) * weight / len(batch))[..., None]
    slope = slope.astype(batch.dtype)
    of_weights: list[F32] = []
    of_biases: list[F32] = []
    for index in reversed(range(half)):
        of_weights.insert(0, outputs[index].swapaxes(-1, -2) @ slope)
        of_biases.insert(0, slope.sum(-2))
        if index:
            slope = (slope @ weights[index].swapaxes(-1, -2)) * (outputs[index] > 0)
    return [*of_weights, *of_biases]


class _AdamW:
    """Steps `layers`, which are views of one vector: a step is a few operations on that."""

    def __init__(self, layers: list[F32], steps: int, decay: float) -> None:
        self._all = np.concatenate([layer.ravel() for layer in layers])
        parts = np.split(self._all, np.cumsum([layer.size for layer in layers])[:-1])
        self.layers = [part.reshape(one.shape) for part, one in zip(parts, layers, strict=True)]
        self._steps, self._step = steps, 0
        self._decay = np.concatenate(
            [np.full(one.size, decay if one.ndim == 3 else 0, np.float32) for one in layers]
        )
        self._first, self._second = np.zeros_like(self._all), np.zeros_like(self._all)

    def step(self, gradients: list[F32]) -> None:
        self._step += 1
        rate = RATE * (1 + cos(pi * self._step / self._steps)) / 2
        g = np.concatenate([gradient.ravel() for gradient in gradients])
        p, m, v = self._all, self._first, self._second
        m += np.float32(0.1) * (g - m)
        v += np.float32(0.01) * (g * g - v)
        mean, square = m / (1 - 0.9**self._step), v / (1 - 0.99**self._step)
        p -= rate * (mean / (np.sqrt(square) + 1e-8) + self._decay * p)
