"""The table of `lingnan edge bench`."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from common.runtime.session import Session
from edge_deploy.arm64.bundle import compile_program
from edge_deploy.bench.child import picture
from edge_deploy.c.build import TARGETS, Target
from edge_deploy.errors import EdgeError
from edge_deploy.pipeline import prepare
from edge_deploy.verify import programs, tools
from edge_deploy.verify.compare import Network
from edge_deploy.verify.inputs import make
from edge_deploy.verify.programs import pack

FLOAT = "onnxruntime float"
PEAK = re.compile(r"peak memory (\d+) KiB")
EMULATED = ("cortex-m7", "cortex-m7-plain")


@dataclass(frozen=True, slots=True)
class Row:
    """One backend. cpu_ms: median of a call, one thread. peak_mib: of the process; before_mib: of
    it, held before the model was loaded. instructions: of a picture, under emulation."""

    backend: str
    cpu_ms: float | None = None
    peak_mib: float | None = None
    before_mib: float | None = None
    instructions: int | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def cells(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """As words of a table; speed is beside the float row, where there is one."""
        base = next((row.cpu_ms for row in rows if row.backend == FLOAT), None)
        ratio = f"{base / self.cpu_ms:.2f} x" if base and self.cpu_ms else ""
        memory = ""
        if self.peak_mib is not None:
            memory = f"{self.peak_mib:.1f}"
            if self.before_mib is not None:
                memory += f" ({self.peak_mib - self.before_mib:.1f} of the model)"
        spent = "" if self.cpu_ms is None else f"{self.cpu_ms:.3f}"
        count = "" if self.instructions is None else f"{self.instructions:,}"
        return (self.backend, spent, ratio, memory, count, self.note)


def compare(
    model: Path, float_model: Path | None, size: tuple[int, int] | None, rounds: int
) -> list[Row]:
    """Every backend that is here; those that are not say what to install."""
    if rounds < 1:
        raise EdgeError(f"--rounds must be 1 or more, got {rounds}")
    network = prepare(model, size)
    graph = network.graph
    shape = graph.tensors[graph.inputs[0]].shape
    if len(graph.inputs) != 1 or len(shape) != 3:
        raise EdgeError(f"{model}: takes {shape}; a picture (C, H, W) is needed")
    extents = (shape[1], shape[2])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if float_model is not None:
            rows.append(_child(FLOAT, "onnxruntime", float_model, rounds, extents))
        rows.append(_child("onnxruntime int8", "onnxruntime", model, rounds, extents))
        for target in (TARGETS["c99"], TARGETS["c99-native"]):
            rows.append(_tried(target, lambda at: _native(network, at, rounds, scratch)))
        if float_model is not None:
            rows.append(_ncnn(float_model, shape, rounds, scratch))
        for name in EMULATED:
            rows.append(_tried(TARGETS[name], lambda at: _counted(network, at, scratch)))
    return rows


def _tried(target: Target, measure: Callable[[Target], Row]) -> Row:
    if reason := tools.missing(target.tools):
        return Row(target.name, note=reason)
    try:
        return measure(target)
    except EdgeError as error:
        return Row(target.name, note=str(error))


def _child(
    name: str, backend: str, path: Path, rounds: int, size: tuple[int, int], note: str = ""
) -> Row:
    words: list[str | Path] = [backend, path.resolve(), str(rounds), str(size[0]), str(size[1])]
    command: list[str | Path] = [sys.executable, "-m", "edge_deploy.bench.child"]
    told = json.loads(tools.run([*command, *words], Path.cwd()).splitlines()[-1])
    return Row(name, **told, note=note or "Python's own memory included")


def _native(network: Network, target: Target, rounds: int, scratch: Path) -> Row:
    """The C program on this machine."""
    graph = network.graph
    folder = scratch / target.name
    program = compile_program(
        graph, network.sources, folder, "bench", ("bench.c", "peak.h"), target
    )
    shape = graph.tensors[graph.inputs[0]].shape
    given = pack(graph, graph.inputs, {graph.inputs[0]: picture(shape[0], (shape[1], shape[2]))})
    done = tools.run_bytes([program, str(rounds)], folder, given)
    spent = np.array(done.output.split(), np.int64)
    (peak,) = PEAK.findall(done.told)
    return Row(target.name, float(np.median(spent)) / 1e6, int(peak) / 1024)


def _counted(network: Network, target: Target, scratch: Path) -> Row:
    inputs = make(network.graph, 1, 0)
    folder = scratch / target.name
    ran = programs.run(network.graph, network.sources, target, inputs, folder, True)
    return Row(target.name, instructions=sum(ran.instructions), note="emulated: no time")


def _ncnn(float_model: Path, shape: tuple[int, ...], rounds: int, scratch: Path) -> Row:
    """The float file converted by pnnx, its weights in half precision where ncnn chooses so."""
    if find_spec("ncnn") is None or tools.missing(["pnnx"]) is not None:
        return Row("ncnn", note="ncnn not found: pip install --no-deps ncnn pnnx")
    target = scratch / "float.onnx"
    target.write_bytes(float_model.read_bytes())
    try:
        kind = "u8" if _takes_bytes(float_model) else "f32"
        extents = ",".join(map(str, (1, *shape)))
        tools.run(["pnnx", target.name, f"inputshape=[{extents}]{kind}"], scratch)
        return _child(
            "ncnn float",
            "ncnn",
            scratch / "float.ncnn.param",
            rounds,
            (shape[1], shape[2]),
            "converted by pnnx; Python's own memory included",
        )
    except EdgeError as error:
        return Row("ncnn", note=str(error).splitlines()[0])


def _takes_bytes(model: Path) -> bool:
    return any(spec.dtype == np.uint8 for spec in Session(model.read_bytes(), warmup=0).inputs)
