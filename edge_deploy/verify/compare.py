"""All targets on the same inputs: one row each with its mismatches, time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.c.build import TARGETS, Target
from edge_deploy.c.generate import Sources
from edge_deploy.errors import EdgeError
from edge_deploy.graph.fold import fold
from edge_deploy.graph.ir import Graph
from edge_deploy.reference.run import run as reference
from edge_deploy.verify import footprint, onnxruntime, programs, tools
from edge_deploy.x86.write import write

Arrays = Mapping[str, NDArray[np.uint8]]
Tell = Callable[[int, int, str], None]
X86 = "onnxruntime-x86"  # the form of edge_deploy.x86
BACKENDS = ("reference", "integers", X86, *TARGETS)
EMULATED = ("cortex-m7", "cortex-m7-plain", "arm64", "arm64-dotprod")
BATCH = 8  # pictures the numpy reference takes at once, so that its columns stay in the cache


@dataclass(frozen=True, slots=True)
class Row:
    """One backend against ONNX Runtime.

    mismatches of values over `pictures`; None with the reason in `note` where it could not run.
    seconds: wall time of all pictures, under emulation without meaning for a board.
    instructions: of one picture, where the emulator counts them. flash, ram: bytes.
    """

    backend: str
    pictures: int
    values: int
    mismatches: int | None
    seconds: float = 0.0
    instructions: int | None = None
    flash: int | None = None
    ram: int | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A quantised file, its graph and its generated sources."""

    payload: bytes
    graph: Graph
    sources: Sources


def compare(
    network: Network,
    inputs: Arrays,
    scratch: Path,
    backends: Sequence[str] = BACKENDS,
    emulated: int = 8,
    tell: Tell = lambda done, total, what: None,
    sizes: bool = True,
) -> tuple[Row, ...]:
    """ONNX Runtime's own row first. emulated: pictures that an emulator is given. sizes: whether
    flash and memory are asked of the compiler too."""
    start = time.perf_counter()
    wanted = onnxruntime.run(network.payload, network.graph, inputs)
    rows = [_row("onnxruntime", wanted, wanted, time.perf_counter() - start)]
    for at, backend in enumerate(backends):
        tell(at, len(backends), backend)
        limit = emulated if backend in EMULATED else len(next(iter(inputs.values())))
        some = {name: value[:limit] for name, value in inputs.items()}
        expected = {name: value[:limit] for name, value in wanted.items()}
        rows.append(_compared(network, backend, some, expected, scratch / backend, sizes))
    return tuple(rows)


def _compared(
    network: Network, backend: str, inputs: Arrays, wanted: Arrays, folder: Path, sizes: bool
) -> Row:
    if backend == X86:
        start = time.perf_counter()
        found = onnxruntime.run(write(fold(network.graph)), network.graph, inputs)
        return _row(backend, wanted, found, time.perf_counter() - start)
    if backend not in TARGETS:
        forms = network.sources.forms.rescales if backend == "integers" else None
        start = time.perf_counter()
        found = _batches(network.graph, inputs, forms)
        return _row(backend, wanted, found, time.perf_counter() - start)
    target = TARGETS[backend]
    if reason := tools.missing(target.tools):
        return Row(backend, 0, 0, None, note=reason)
    try:
        return _program(network, target, inputs, wanted, folder, sizes)
    except EdgeError as error:
        return Row(backend, 0, 0, None, note=str(error))


def _program(
    network: Network, target: Target, inputs: Arrays, wanted: Arrays, folder: Path, sizes: bool
) -> Row:
    counts = target.name.startswith("cortex")
    ran = programs.run(network.graph, network.sources, target, inputs, folder, counts)
    size = None
    if sizes and tools.missing([target.size]) is None and "sanitized" not in target.name:
        size = footprint.measure(network.sources, target, folder)
    return _row(
        target.name,
        wanted,
        ran.outputs,
        ran.seconds,
        instructions=sum(ran.instructions) if counts else None,
        flash=size.flash if size else None,
        ram=size.ram if size else None,
    )


def _batches(graph: Graph, inputs: Arrays, forms: Any) -> dict[str, NDArray[np.uint8]]:
    count = len(next(iter(inputs.values())))
    parts = [
        reference(graph, {name: value[at : at + BATCH] for name, value in inputs.items()}, forms)
        for at in range(0, count, BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in graph.outputs}


def _row(backend: str, wanted: Arrays, found: Arrays, seconds: float, **more: Any) -> Row:
    wrong = sum(int((found[name] != wanted[name]).sum()) for name in wanted)
    values = sum(value.size for value in wanted.values())
    return Row(backend, len(next(iter(wanted.values()))), values, wrong, seconds, **more)
