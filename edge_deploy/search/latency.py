"""Instructions of a network on a Cortex-M7, told from its shapes by what the board showed.

Each kind of layer has its own price of a multiply-accumulate, of an output and of a call. The
prices are fitted, none below zero, on networks that were compiled and run on the emulated board, so
they follow the kernels as those change. Instructions, not cycles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prices:
    """By kind of layer: instructions a multiply-accumulate, an output value, a place, a call."""

    of: Mapping[str, tuple[float, ...]]

    def instructions(self, graph: Graph) -> float:
        """Of one picture. KeyError where a kind of layer was never run."""
        return sum(float(_work(graph, op) @ self.of[kind(op)]) for op in graph.operators)


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


def fit(graphs: Sequence[Graph], spent: Sequence[Sequence[int]]) -> Prices:
    """Prices from instructions of each operator of several graphs; relative errors count."""
    rows: dict[str, list[tuple[F64, int]]] = {}
    for graph, each in zip(graphs, spent, strict=True):
        for op, count in zip(graph.operators, each, strict=True):
            rows.setdefault(kind(op), []).append((_work(graph, op), count))
    return Prices({name: _priced(own) for name, own in rows.items()})


def _priced(rows: Sequence[tuple[F64, int]]) -> tuple[float, ...]:
    work = np.stack([one for one, _ in rows])
    count = np.maximum(np.array([one for _, one in rows], np.float64), 1)
    prices, _ = nnls(work / count[:, None], np.ones(len(count)))
    return tuple(prices.tolist())


def _work(graph: Graph, op: Operator) -> F64:
    shape = graph.tensors[op.output].shape
    places = int(np.prod(shape[1:])) if len(shape) == 3 else 1
    size = graph.tensors[op.inputs[0]].size if not isinstance(op, Conv2d | FullyConnected) else 0
    return np.array([macs(graph, op) + size, graph.tensors[op.output].size, places, 1], np.float64)
