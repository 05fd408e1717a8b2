"""What each layer takes on this machine, and on 64-bit ARM under emulation.

One program reads its CPU clock after every layer, and around runs whose layers are not read. Here
the readings are times; under emulation a plug-in of the emulator (`bench/count.c`) tells the
instructions between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.arm64.bundle import compile_program
from edge_deploy.bench import arm64
from edge_deploy.bench.child import picture
from edge_deploy.c.build import TARGETS
from edge_deploy.c.generate import generate
from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph
from edge_deploy.verify import tools
from edge_deploy.verify.programs import pack

X86 = "c99-native"
ROUNDS = 100  # of a picture in one start of a program
SWEEPS = 25  # starts of every program, one after the other
COUNTED = 3  # rounds under emulation, where counts repeat

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Profile:
    """CPU nanoseconds or instructions of a picture: of each layer, and of a run whose layers were
    not read."""

    layers: tuple[float, ...]
    whole: float


def timed(graphs: Sequence[Graph], folder: Path) -> list[Profile]:
    """CPU time here of the C with all of this machine's instructions. ToolMissingError names what
    to install.

    Medians over the rounds of a start, and the least of the starts, which take turns: neighbours on
    a shared machine slow whole starts down, and none makes one faster.
    """
    programs = [_compiled(graph, X86, folder / f"timed-{at}") for at, graph in enumerate(graphs)]
    sweeps: list[list[F64]] = [[] for _ in graphs]
    for _ in range(SWEEPS):
        for graph, program, own in zip(graphs, programs, sweeps, strict=True):
            told = tools.run_bytes([program, str(ROUNDS)], folder, _given(graph)).output
            ticks = np.array(told.split(), np.float64)
            own.append(_median(np.diff(ticks, prepend=0.0), graph, ROUNDS))
    return [_profile(np.min(own, 0)) for own in sweeps]


def counted(graph: Graph, target: str, folder: Path) -> Profile:
    """Instructions of "arm64" or "arm64-dotprod", simulated. ToolMissingError names what to
    install."""
    program = _compiled(graph, target, folder)
    between = arm64.readings([program, str(COUNTED)], arm64.CORES[target], folder, _given(graph))
    return _profile(_median(np.array(between, np.float64), graph, COUNTED))


def _compiled(graph: Graph, target: str, folder: Path) -> Path:
    known = TARGETS[target]
    sources = generate(graph)
    return compile_program(graph, sources, folder, "profile", ("profile.c",), known, profile=True)


def _given(graph: Graph) -> bytes:
    name = graph.inputs[0]
    return pack(graph, graph.inputs, {name: picture(graph.tensors[name].shape)})


def _median(between: F64, graph: Graph, rounds: int) -> F64:
    """Over the rounds but the first, of what stands before each reading."""
    if between.size != rounds * (len(graph.operators) + 3):
        raise EdgeError(f"the program took {between.size} readings in {rounds} rounds")
    return np.asarray(np.median(between.reshape(rounds, -1)[1:, 1:], 0), np.float64)


def _profile(spent: F64) -> Profile:
    """Without what a reading takes; layers as shares of the run that was not disturbed."""
    *layers, reading, whole = spent.tolist()
    own = np.maximum(np.array(layers) - reading, 0)
    if whole <= reading or not own.any():
        raise EdgeError("the CPU clock here is too coarse for one picture of this network")
    return Profile(tuple((own * (whole - reading) / own.sum()).tolist()), whole - reading)
