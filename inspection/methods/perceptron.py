"""A small multi-layer perceptron in numpy: no framework is needed to teach, nor to inspect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.special import expit

F32 = NDArray[np.float32]

BATCH = 512
RATE = 2e-3


@dataclass(frozen=True, slots=True, eq=False)
class Perceptron:
    """logit = the last layer's output; rectified between layers.

    weights: one (inputs, outputs) a layer; biases: one (outputs,) a layer. Standardising the
    inputs is folded into the first layer.
    """

    weights: tuple[F32, ...]
    biases: tuple[F32, ...]

    def __post_init__(self) -> None:
        wide = [w.shape[1] for w in self.weights]
        fits = all(w.ndim == 2 and b.shape == (w.shape[1],) for w, b in self._layers())
        if not fits or any(
            w.shape[0] != before for w, before in zip(self.weights[1:], wide, strict=False)
        ):
            raise ValueError("the layers of the perceptron do not fit each other")

    def _layers(self) -> list[tuple[F32, F32]]:
        return list(zip(self.weights, self.biases, strict=True))

    def logits(self, x: F32) -> F32:
        """(N, D) -> (N,); larger is more likely a defect."""
        for index, (w, b) in enumerate(self._layers()):
            x = x @ w
            x += b
            if index < len(self.weights) - 1:
                np.maximum(x, 0, out=x)
        return x[:, 0]


def fit(
    x: F32,
    is_defect: NDArray[np.bool_],
    weight: F32,
    seed: int,
    epochs: int,
    decay: float,
    hidden: Sequence[int] = (64, 32),
) -> Perceptron:
    """Weighted logistic loss by AdamW (Loshchilov and Hutter 2019), the rate falling as a cosine.

    x: (N, D). weight: (N,) of mean about 1. The same arguments give the same perceptron.
    """
    return committee(x, is_defect, weight, [seed], epochs, decay, hidden)[0]


def committee(
    x: F32,
    is_defect: NDArray[np.bool_],
    weight: F32,
    seeds: Sequence[int],
    epochs: int,
    decay: float,
    hidden: Sequence[int] = (64, 32),
) -> list[Perceptron]:
    """As `fit`, one perceptron a seed; `x` is standardised once for all."""
    mean, scale = x.mean(0), x.std(0) + np.float32(1e-3)
    standard = x - mean
    standard /= scale
    members = []
    for seed in seeds:
        layers = _fitted(standard, is_defect, weight, seed, epochs, decay, hidden)
        half = len(layers) // 2
        weights, biases = layers[:half], layers[half:]
        biases[0] = biases[0] - (mean / scale) @ weights[0]
        weights[0] = weights[0] / scale[:, None]
        members.append(Perceptron(tuple(weights), tuple(biases)))
    return members


def _fitted(
    standard: F32,
    is_defect: NDArray[np.bool_],
    weight: F32,
    seed: int,
    epochs: int,
    decay: float,
    hidden: Sequence[int],
) -> list[F32]:
    """Weights of all layers, then biases of all layers, for standardised inputs."""
    rng = np.random.default_rng(seed)
    optimiser = _AdamW(
        _start((standard.shape[1], *hidden, 1), rng), epochs * (len(standard) // BATCH), decay
    )
    for _ in range(epochs):
        order = rng.permutation(len(standard))
        for at in range(0, len(standard) - BATCH + 1, BATCH):
            picked = order[at : at + BATCH]
            batch = standard.take(picked, 0)
            optimiser.step(_gradients(optimiser.layers, batch, is_defect[picked], weight[picked]))
    return optimiser.layers


def joined(members: Sequence[Perceptron]) -> Perceptron:
    """One perceptron whose logit is the mean of the members', which are alike in shape."""
    depth = len(members[0].weights)
    columns = [[one.weights[i] for one in members] for i in range(depth)]
    inner = [np.asarray(block_diag(*column), np.float32) for column in columns[1:-1]]
    last = np.concatenate(columns[-1]) / np.float32(len(members))
    biases = [np.concatenate([one.biases[i] for one in members]) for i in range(depth - 1)]
    biases.append(np.stack([one.biases[-1] for one in members]).mean(0).astype(np.float32))
    return Perceptron((np.hstack(columns[0]), *inner, last), tuple(biases))


def _start(sizes: Sequence[int], rng: np.random.Generator) -> list[F32]:
    """He et al. 2015. Weights of all layers, then biases of all layers."""
    weights = [
        (rng.standard_normal((a, b)) * sqrt(2 / a)).astype(np.float32) for a, b in pairwise(sizes)
    ]
    return [*weights, *(np.zeros(size, np.float32) for size in sizes[1:])]


def _gradients(
    layers: list[F32], batch: F32, is_defect: NDArray[np.bool_], weight: F32
) -> list[F32]:
    half = len(layers) // 2
    weights, biases = layers[:half], layers[half:]
    outputs = [batch]
    for index in range(half):
        z = outputs[-1] @ weights[index] + biases[index]
        outputs.append(np.maximum(z, 0) if index < half - 1 else z)
    slope = ((expit(outputs[-1][:, 0]) - is_defect) * weight / len(batch))[:, None]
    slope = slope.astype(np.float32)
    of_weights: list[F32] = []
    of_biases: list[F32] = []
    for index in reversed(range(half)):
        of_weights.insert(0, outputs[index].T @ slope)
        of_biases.insert(0, slope.sum(0))
        if index:
            slope = (slope @ weights[index].T) * (outputs[index] > 0)
    return [*of_weights, *of_biases]


class _AdamW:
    """Steps `layers`, which are views of one vector: a step is a few operations on that."""

    def __init__(self, layers: list[F32], steps: int, decay: float) -> None:
        self._all = np.concatenate([layer.ravel() for layer in layers])
        parts = np.split(self._all, np.cumsum([layer.size for layer in layers])[:-1])
        self.layers = [part.reshape(one.shape) for part, one in zip(parts, layers, strict=True)]
        self._steps, self._step = steps, 0
        self._decay = np.concatenate(
            [np.full(one.size, decay if one.ndim == 2 else 0, np.float32) for one in layers]
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
