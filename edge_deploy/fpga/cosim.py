"""Verilator: a design compiled once to a program, and pictures run through it cycle by cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.fpga import tools
from edge_deploy.fpga.design import Design
from edge_deploy.fpga.layout import from_stream, to_stream
from edge_deploy.fpga.sources import sources
from edge_deploy.fpga.top import module_name

Arrays = Mapping[str, NDArray[np.uint8]]
WARM = 2  # pictures until every buffer is in its steady state
# One file, little optimised: building takes longer than running some dozens of pictures.
MAKE = "VM_PARALLEL_BUILDS=0 OPT_FAST=-O1 OPT_GLOBAL=-O0"
QUICKLY_BUILT = ("--output-split", "0", "-MAKEFLAGS", MAKE)


@dataclass(frozen=True, slots=True, eq=False)
class CoSimulation:
    """outputs by name (N, *shape).

    latency: cycles to the first picture's last byte. interval: cycles from picture to picture
    once the pipeline is full, None where too few pictures ran. busy: of all instantiated
    multipliers the part that worked, over these pictures; by layer in `layers`.
    """

    outputs: dict[str, NDArray[np.uint8]]
    latency: int
    interval: float | None
    busy: float | None
    layers: dict[str, float]


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled design, to be run as often as one likes."""

    design: Design
    folder: Path

    def run(self, inputs: Arrays, stalls: tuple[int, int] = (0, 0), seed: int = 0) -> CoSimulation:
        """All pictures back to back. stalls: percent of cycles that source and sink wait at random.

        EdgeError where the design stands still or breaks AXI-Stream's rules.
        """
        design, graph = self.design, self.design.graph
        count = len(next(iter(inputs.values())))
        for at, name in enumerate(graph.inputs):
            rows = to_stream(inputs[name], design.shapes[name])
            (self.folder / f"inputs{at}.bin").write_bytes(rows.tobytes())
        arguments = [str(value) for value in (count, seed, *stalls)]
        told = tools.run(["./obj_dir/Vnet", *arguments], self.folder)
        outputs = {}
        for at, name in enumerate(graph.outputs):
            data = np.fromfile(self.folder / f"outputs{at}.bin", np.uint8).reshape(count, -1)
            wanted = graph.tensors[name].shape
            outputs[name] = from_stream(data, design.shapes[name], wanted)
        return _measured(design, outputs, np.array([line.split() for line in told.splitlines()]))


def compile_design(design: Design, folder: Path) -> Program:
    """Write the design and build its simulation in `folder`; a lint warning is an error."""
    folder.mkdir(parents=True, exist_ok=True)
    files = sources(design)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "ports.h").write_text(_ports(design), encoding="utf-8")
    harness = resources.files("edge_deploy.fpga").joinpath("harness.cpp").read_text("utf-8")
    (folder / "harness.cpp").write_text(harness, encoding="utf-8")
    tools.run(
        ["verilator", "--cc", "--exe", "--build", "-O3", "-Wall", "--prefix", "Vnet",
         "--top-module", module_name(design), *QUICKLY_BUILT,
         "harness.cpp", *sorted(name for name in files if name.endswith(".v"))],
        folder,
    )  # fmt: skip
    return Program(design, folder)


def _ports(design: Design) -> str:
    graph = design.graph
    words = [f"INPUT({at}, {graph.tensors[n].size})" for at, n in enumerate(graph.inputs)]
    words += [f"OUTPUT({at}, {graph.tensors[n].size})" for at, n in enumerate(graph.outputs)]
    count = max(len(design.counted), 1)
    if count > 64:
        bit = "((net.busy[(layer) / 32] >> ((layer) % 32)) & 1)"
    else:
        bit = "((net.busy >> (layer)) & 1)"
    listed = " ".join(words)
    return f"#define PORTS {listed}\n#define LAYERS {count}\n#define BUSY(net, layer) {bit}\n"


def _measured(
    design: Design, outputs: dict[str, NDArray[np.uint8]], table: NDArray[np.str_]
) -> CoSimulation:
    ends = table.astype(np.int64)
    latency = int(ends[0, 0])
    if len(ends) <= WARM:
        return CoSimulation(outputs, latency, None, None, {})
    span = ends[-1] - ends[WARM - 1]
    interval = float(span[0]) / (len(ends) - WARM)
    used = {stage.name: float(span[1 + at] / span[0]) for at, stage in enumerate(design.counted)}
    made = {s.name: s.fold.multipliers for s in design.counted if s.fold is not None}
    every = sum(made.values())
    busy = sum(used[name] * made[name] for name in made) / every if every else None
    return CoSimulation(outputs, latency, interval, busy, used)
