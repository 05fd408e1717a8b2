"""What a network takes on a target, told from its shapes by what other networks took there.

Each kind of layer has its own price of a multiply-accumulate, of an output and of a call. The
prices are fitted, none below zero, on networks that were compiled and run: on the emulated
Cortex-M7 (`run`), on this machine or on emulated 64-bit ARM (`profile`). So they follow the kernels
as those change. Instructions, not cycles, where a target is emulated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from edge_deploy.c.build import TARGETS
from edge_deploy.c.generate import generate
from edge_deploy.graph.ir import Conv2d, FullyConnected, Graph, Operator, macs
from edge_deploy.verify import programs
from edge_deploy.verify.inputs import make

TARGET = "cortex-m7"
QUAD, STRIP = 4, 4  # channels of a quad, and quads of a strip, on machines with wide registers
F64 = NDArray[np.float64]
Work = Callable[[Graph, Operator], F64]


def in_ones(graph: Graph, op: Operator) -> F64:
    """(4,) multiply-accumulates, output values, places, and the call."""
    shape = graph.tensors[op.output].shape
    places = int(np.prod(shape[1:])) if len(shape) == 3 else 1
    size = graph.tensors[op.inputs[0]].size if not isinstance(op, Conv2d | FullyConnected) else 0
    return np.array([macs(graph, op) + size, graph.tensors[op.output].size, places, 1], np.float64)


def in_strips(graph: Graph, op: Operator) -> F64:
    """(13,) of a layer with weights, as runtime/lingnan_rows.c goes through it; others `in_ones`.

    Multiply-accumulates and places of strips of one to four quads of channels, as each width is a
    kernel of its own; rows, rows of strips, input values, places, and the call.
    """
    if not isinstance(op, Conv2d | FullyConnected):
        return in_ones(graph, op)
    shape = graph.tensors[op.output].shape
    _, _, places, call = in_ones(graph, op)
    rows, quads = shape[1] if len(shape) == 3 else 1, -(-shape[0] // QUAD)
    whole, rest = divmod(quads, STRIP)
    strips = np.array([width == rest for width in range(1, STRIP)] + [whole], np.float64)
    each = QUAD * np.arange(1, STRIP + 1) * macs(graph, op) / shape[0]
    own = np.stack([each * strips, places * strips]).ravel()
    size = graph.tensors[op.inputs[0]].size
    return np.append(own, [rows, rows * strips.sum(), size, places, call])


@dataclass(frozen=True, slots=True)
class Prices:
    """By kind of layer: what each part of its work takes, in the unit that was measured."""

    of: Mapping[str, tuple[float, ...]]
    work: Work = in_ones

    def predict(self, graph: Graph) -> float:
        """Of one picture. KeyError where a kind of layer was never run."""
        return sum(float(self.work(graph, op) @ self.of[kind(op)]) for op in graph.operators)


def kind(op: Operator) -> str:
    """Layers of one kind go through one kernel."""
    if not isinstance(op, Conv2d):
        return type(op).__name__
    if op.depthwise:
        return "depthwise"
    _, inputs, height, _ = op.weight.shape
    return f"conv {height}x{height}{' of one channel' if inputs == 1 else ''}"


def run(graph: Graph, folder: Path, seed: int = 0) -> tuple[int, ...]:
    """Instructions of each operator on the emulated board. EdgeError tells what is missing."""
    sources = generate(graph)
    inputs = make(graph, 1, seed)
    return programs.run(graph, sources, TARGETS[TARGET], inputs, folder, True).instructions


def fit(graphs: Sequence[Graph], spent: Sequence[Sequence[float]], work: Work = in_ones) -> Prices:
    """Prices from what each operator of several graphs took; relative errors count."""
    rows: dict[str, list[tuple[F64, float]]] = {}
    for graph, each in zip(graphs, spent, strict=True):
        for op, count in zip(graph.operators, each, strict=True):
            rows.setdefault(kind(op), []).append((work(graph, op), count))
    return Prices({name: _priced(own) for name, own in rows.items()}, work)


def _priced(rows: Sequence[tuple[F64, float]]) -> tuple[float, ...]:
    parts = np.stack([one for one, _ in rows])
    count = np.maximum(np.array([one for _, one in rows], np.float64), 1)
    prices, _ = nnls(parts / count[:, None], np.ones(len(count)))
    return tuple(prices.tolist())
