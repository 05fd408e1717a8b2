"""Inputs that try a network: extreme ones first, then random ones of several statistics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph, Tensor

Arrays = dict[str, NDArray[np.uint8]]


def make(graph: Graph, count: int, seed: int, real: NDArray[np.uint8] | None = None) -> Arrays:
    """`count` pictures a graph input: the extreme, then `real` (N, *shape), then random ones."""
    if count < 1:
        raise EdgeError(f"{count} inputs asked for; at least one is needed")
    rng = np.random.default_rng(seed)
    made = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        pictures = list(_extreme(tensor))[:count]
        if real is not None:
            pictures += list(_checked(real, tensor)[: count - len(pictures)])
        pictures += [_random(tensor, rng) for _ in range(count - len(pictures))]
        made[name] = np.stack(pictures)
    return made


def _extreme(tensor: Tensor) -> Iterator[NDArray[np.uint8]]:
    for value in (0, 255, tensor.zero_point):
        yield np.full(tensor.shape, value, np.uint8)
    position = np.indices(tensor.shape).sum(0)
    yield (position % 2 * 255).astype(np.uint8)
    yield (position // 4 % 2 * 255).astype(np.uint8)
    yield np.linspace(0, 255, tensor.size).astype(np.uint8).reshape(tensor.shape)


def _random(tensor: Tensor, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Uniform, black and white, few bright points, or a smooth walk."""
    kind = rng.integers(4)
    if kind == 0:
        return rng.integers(0, 256, tensor.shape).astype(np.uint8)
    if kind == 1:
        return (rng.integers(0, 2, tensor.shape) * 255).astype(np.uint8)
    if kind == 2:
        return np.where(rng.random(tensor.shape) < 0.02, 255, tensor.zero_point).astype(np.uint8)
    walk = rng.normal(0, 12, tensor.shape).cumsum(-1) + rng.integers(0, 256)
    return np.clip(walk, 0, 255).astype(np.uint8)


def _checked(real: NDArray[np.uint8], tensor: Tensor) -> NDArray[np.uint8]:
    if real.dtype != np.uint8 or real.shape[1:] != tensor.shape:
        raise EdgeError(
            f"real inputs must be uint8 (N, {', '.join(map(str, tensor.shape))}), "
            f"got {real.dtype} {real.shape}"
        )
    return real
