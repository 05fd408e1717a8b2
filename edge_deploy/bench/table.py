"""The table of `lingnan edge bench`."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import LingnanError
from edge_deploy.arm64.bundle import compile_program
from edge_deploy.bench import arm64, iree
from edge_deploy.bench.child import picture
from edge_deploy.bench.pnnx import convert, takes_bytes
from edge_deploy.c.build import TARGETS, Target
from edge_deploy.errors import EdgeError
from edge_deploy.graph.resize import at_size
from edge_deploy.pipeline import prepare
from edge_deploy.verify import programs, tools
from edge_deploy.verify.compare import Network
from edge_deploy.verify.inputs import make
from edge_deploy.verify.programs import pack

FLOAT = "onnxruntime float"
PEAK = re.compile(r"peak memory (\d+) KiB")
EMULATED = ("cortex-m7", "cortex-m7-plain")
OURS = "emulated: no time"
NOTE = 160  # characters of what a compiler says


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
    given = {"float": float_model, "int8": model}
    with tempfile.TemporaryDirectory() as folder:
        files = {word: _sized(path, size, Path(folder)) for word, path in given.items() if path}
        bench = Bench(network, files, rounds, Path(folder))
        return [*_here(bench), *_emulated(bench)]


def _sized(path: Path, size: tuple[int, int] | None, folder: Path) -> Path:
    """The file itself, or one for pictures of that size in `folder`."""
    payload = path.read_bytes()
    if (made := at_size(payload, size)) is payload:
        return path
    (folder / path.name).write_bytes(made)
    return folder / path.name


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured. files: by precision, "float" where it was given."""

    network: Network
    files: Mapping[str, Path]
    rounds: int
    scratch: Path

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the picture: (C, H, W)."""
        return self.network.graph.tensors[self.network.graph.inputs[0]].shape


def _here(bench: Bench) -> Iterator[Row]:
    """On this machine, timed."""
    for word, path in bench.files.items():
        yield _child(bench, f"onnxruntime {word}", "onnxruntime", path)
    for name in ("c99", "c99-native"):
        yield _tried(name, partial(_native, bench, TARGETS[name]), TARGETS[name].tools)
    if "float" in bench.files:
        yield _tried("ncnn float", partial(_ncnn, bench))
    for word, path in bench.files.items():
        yield _tried(f"iree {word}", partial(_iree, bench, f"iree {word}", path))


def _emulated(bench: Bench) -> Iterator[Row]:
    """Under emulation, counted."""
    for name in EMULATED:
        yield _tried(name, partial(_counted, bench, TARGETS[name]), TARGETS[name].tools)
    for name, core in arm64.CORES.items():
        row = partial(_row_of_count, f"{name} ({core})", OURS)
        ours = partial(arm64.ours, bench.network, name, bench.scratch)
        yield _tried(name, partial(row, ours), TARGETS[name].tools)
        if "float" in bench.files:
            ncnn = f"ncnn float ({core})"
            row = partial(_row_of_count, ncnn, "ncnn chooses the precision for the core; emulated")
            peer = partial(arm64.ncnns, bench.files["float"], bench.shape, name, bench.scratch)
            yield _tried(ncnn, partial(row, peer))


def _tried(name: str, measure: Callable[[], Row], needed: Sequence[str] = ()) -> Row:
    if reason := tools.missing(needed):
        return Row(name, note=reason)
    try:
        return measure()
    except LingnanError as error:
        return Row(name, note=" ".join(str(error).split())[:NOTE])


def _child(bench: Bench, name: str, backend: str, path: Path) -> Row:
    words: list[str | Path] = [backend, path.resolve(), *map(str, (bench.rounds, *bench.shape))]
    command: list[str | Path] = [sys.executable, "-m", "edge_deploy.bench.child"]
    told = json.loads(tools.run([*command, *words], Path.cwd()).splitlines()[-1])
    return Row(name, **told, note="Python's own memory included")


def _native(bench: Bench, target: Target) -> Row:
    """The C program on this machine."""
    graph, folder = bench.network.graph, bench.scratch / target.name
    program = compile_program(
        graph, bench.network.sources, folder, "bench", ("bench.c", "peak.h"), target
    )
    given = pack(graph, graph.inputs, {graph.inputs[0]: picture(bench.shape)})
    done = tools.run_bytes([program, str(bench.rounds)], folder, given)
    spent = np.array(done.output.split(), np.int64)
    (peak,) = PEAK.findall(done.told)
    return Row(target.name, float(np.median(spent)) / 1e6, int(peak) / 1024)


def _ncnn(bench: Bench) -> Row:
    param = convert(bench.files["float"], bench.shape, bench.scratch)
    return _child(bench, "ncnn float", "ncnn", param)


def _iree(bench: Bench, name: str, path: Path) -> Row:
    made = iree.compiled(path, bench.scratch)
    return _child(bench, name, "iree-u8" if takes_bytes(path) else "iree-f32", made)


def _counted(bench: Bench, target: Target) -> Row:
    inputs = make(bench.network.graph, 1, 0)
    folder = bench.scratch / target.name
    ran = programs.run(bench.network.graph, bench.network.sources, target, inputs, folder, True)
    return _row_of_count(target.name, OURS, lambda: sum(ran.instructions))


def _row_of_count(name: str, note: str, count: Callable[[], int]) -> Row:
    return Row(name, instructions=count(), note=note)
