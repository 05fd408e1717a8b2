"""Mixed precision: the layers that int8 breaks stay in float.

Greedy. The layer of the least signal over its own noise is left in float first; where it is in
float already, the noise is that of its inputs' eight bits, and the layers around them follow. The
rest is quantised anew and asked again. Once enough is in float, each layer is put back that is not
needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.quantize.insert import Method, prepared, quantise
from edge_deploy.quantize.layers import Layer, layers
from edge_deploy.quantize.noise import LayerNoise, by_layer

NOISE_SAMPLES = 16


def make_mixed(
    payload: bytes,
    samples: Sequence[NDArray[np.float32]],
    method: Method,
    holds: Callable[[bytes], bool],
) -> tuple[bytes, tuple[Layer, ...]]:
    """A file with some layers in float, and those layers in the model's order.

    payload: float ONNX model. samples: calibration inputs (1, C, H, W). holds: whether a file is
    good enough. At most half of the layers stay in float: EdgeError where that is not enough.
    """
    ready = prepared(payload)
    every = layers(ready)

    def made(chosen: frozenset[str]) -> bytes:
        return quantise(payload, samples, method, sorted(chosen))

    chosen: frozenset[str] = frozenset()
    file = made(chosen)
    while not chosen or not holds(file):
        more = _next(every, chosen, by_layer(ready, file, samples[:NOISE_SAMPLES], alone=True))
        if not more:
            told = ", ".join(sorted(chosen)) or "none"
            raise EdgeError(
                f"nothing written. With {len(chosen)} of {len(every)} layers in float ({told}) too "
                "much is lost still; give more typical calibration data, or train with quantisation"
            )
        chosen |= more
        file = made(chosen)
    for layer in sorted(every, key=lambda one: -one.macs):
        fewer = chosen - {layer.name}
        if fewer and fewer != chosen and holds(trial := made(fewer)):
            chosen, file = fewer, trial
    return file, tuple(layer for layer in every if layer.name in chosen)


def _next(
    every: Sequence[Layer], chosen: frozenset[str], noise: Sequence[LayerNoise]
) -> frozenset[str]:
    """The layers to leave in float next, none where half of all would be passed."""
    known = {one.layer: one.decibels for one in noise}
    least = {
        layer.name: min((known[value] for value in layer.values if value in known), default=np.inf)
        for layer in every
    }
    for layer in sorted(every, key=lambda one: least[one.name]):
        more = frozenset({layer.name})
        if layer.name in chosen:
            more = _around(every, layer) - chosen
        if more and len(chosen | more) <= max(1, len(every) // 2):
            return more
    return frozenset()


def _around(every: Sequence[Layer], layer: Layer) -> frozenset[str]:
    """The layers that make a layer's inputs, and those that take them too."""
    before = frozenset(layer.before)
    return before | {one.name for one in every if before & set(one.before)}
