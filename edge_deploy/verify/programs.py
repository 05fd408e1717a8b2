"""Generated programs compiled and run on arrays: on this machine or under an emulator."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.c import build
from edge_deploy.c.generate import Sources
from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph
from edge_deploy.verify import tools

Arrays = Mapping[str, NDArray[np.uint8]]
PART = 50  # pictures of one run, so that a tool's time limit is of so many and no more


@dataclass(frozen=True, slots=True)
class Ran:
    """outputs by name (N, *shape). seconds: of the run, without compiling.

    instructions: of each operator on the first picture, where the emulator counts them.
    """

    outputs: dict[str, NDArray[np.uint8]]
    seconds: float
    instructions: tuple[int, ...] = field(default=())


def run(
    graph: Graph,
    sources: Sources,
    target: build.Target,
    inputs: Arrays,
    folder: Path,
    profile: bool = False,
) -> Ran:
    """Compile in `folder` and run every picture of `inputs`. EdgeError tells what fails."""
    compiled = build.write(sources, target, folder)
    tools.run(build.command(graph, sources, target, compiled, profile), folder)
    program, seconds, parts = folder / "net", 0.0, []
    counted: tuple[int, ...] = ()
    for at in range(0, len(next(iter(inputs.values()))), PART):
        some = {name: value[at : at + PART] for name, value in inputs.items()}
        (folder / "inputs.bin").write_bytes(pack(graph, graph.inputs, some))
        start = time.perf_counter()
        tools.run([*target.runner, program] if target.runner else [program], folder)
        seconds += time.perf_counter() - start
        count = len(next(iter(some.values())))
        parts.append(unpack(graph, graph.outputs, (folder / "outputs.bin").read_bytes(), count))
        if profile and not at:
            counted = _instructions(folder)
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in graph.outputs}
    return Ran(outputs, seconds, counted)


def pack(graph: Graph, names: tuple[str, ...], arrays: Arrays) -> bytes:
    """Pictures one after the other, each tensor in (height, width, channel) order."""
    parts = [_to_c(arrays[name]).reshape(len(arrays[name]), -1) for name in names]
    return np.concatenate(parts, 1).tobytes()


def unpack(
    graph: Graph, names: tuple[str, ...], data: bytes, count: int
) -> dict[str, NDArray[np.uint8]]:
    """The reverse of `pack`. EdgeError if the program wrote too little."""
    sizes = [graph.tensors[name].size for name in names]
    if len(data) != count * sum(sizes):
        raise EdgeError(f"the program wrote {len(data)} bytes of {count * sum(sizes)}")
    rows = np.frombuffer(data, np.uint8).reshape(count, -1)
    parts = np.split(rows, np.cumsum(sizes)[:-1], 1)
    return {
        name: _from_c(part, graph.tensors[name].shape)
        for name, part in zip(names, parts, strict=True)
    }


def _to_c(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def _from_c(rows: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if len(shape) != 3:
        return rows.reshape(-1, *shape)
    return rows.reshape(-1, *shape[1:], shape[0]).transpose(0, 3, 1, 2)


def _instructions(folder: Path) -> tuple[int, ...]:
    ticks = np.array((folder / "profile.txt").read_text().split(), np.int64)
    spent = np.diff(ticks) * build.NS_PER_TICK / build.NS_PER_INSTRUCTION
    return tuple(round(value) for value in spent.tolist())
