"""A folder with a network's Verilog, its tables, its makefile and vectors to check it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError
from edge_deploy.fpga import cosim
from edge_deploy.fpga.design import Design, design
from edge_deploy.fpga.device import ECP5, Resources
from edge_deploy.fpga.sources import sources
from edge_deploy.fpga.synthesis import GOAL_MHZ, PACKAGE, ROUTER, SPEED_GRADE
from edge_deploy.fpga.top import module_name
from edge_deploy.graph.ir import Graph

ROUTABLE = 0.9  # of a device: beyond, routing grows slow or fails
DEVICE = "85k"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The files written and the design they hold."""

    design: Design
    files: tuple[str, ...]


def deploy(
    graph: Graph,
    out_dir: Path,
    limits: Resources | None = None,
    device: str = DEVICE,
    interval: int = 0,
) -> Deployment:
    """Write a design for an ECP5 into an empty or new folder.

    limits: what it may take, else nine tenths of the device. interval: cycles a picture that are
    fast enough, so that no more is built than needed. EdgeError, UnsupportedError with the cure.
    """
    made, files = _made(graph, limits, device, interval)
    _write(files, out_dir)
    return Deployment(made, tuple(sorted(files)))


def deploy_again(graph: Graph, out_dir: Path, device: str, interval: int) -> Deployment:
    """`deploy`, which is content with a folder that holds every file of the same design."""
    made, files = _made(graph, None, device, interval)
    if not all(_holds(out_dir / name, text) for name, text in files.items()):
        _write(files, out_dir)
    return Deployment(made, tuple(sorted(files)))


def _made(
    graph: Graph, limits: Resources | None, device: str, interval: int
) -> tuple[Design, dict[str, str]]:
    if device not in ECP5:
        raise EdgeError(f"{device!r} is no ECP5 known here: {', '.join(ECP5)}")
    made = design(graph, limits or ECP5[device].share(ROUTABLE), interval)
    return made, {**sources(made), "Makefile": _makefile(made, device)}


def _write(files: Mapping[str, str], out_dir: Path) -> None:
    if out_dir.exists() and (not out_dir.is_dir() or any(out_dir.iterdir())):
        raise EdgeError(f"{out_dir} is not an empty folder: name a new one")
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out_dir / name).write_text(text, encoding="utf-8")


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def cosimulate(
    graph: Graph,
    inputs: Mapping[str, NDArray[np.uint8]],
    folder: Path,
    limits: Resources | None = None,
    stalls: tuple[int, int] = (0, 0),
    seed: int = 0,
) -> cosim.CoSimulation:
    """A graph's design under Verilator: outputs, cycles and how busy its multipliers were.

    folder: for the program. stalls: percent of cycles that source and sink wait, at random.
    """
    return compiled(graph, folder, limits).run(inputs, stalls, seed)


def compiled(graph: Graph, folder: Path, limits: Resources | None = None) -> cosim.Program:
    """The design as a program of Verilator's in `folder`, to be run as often as one likes."""
    return cosim.compile_design(designed(graph, limits), folder)


def designed(graph: Graph, limits: Resources | None = None) -> Design:
    """The fastest design under the limits, else under nine tenths of the device."""
    return design(graph, limits or ECP5[DEVICE].share(ROUTABLE))


def _makefile(made: Design, device: str) -> str:
    top = module_name(made)
    return f"""# ECP5 by yosys, nextpnr-ecp5 and ecppack; `make xilinx` is synthesis only.
TOP = {top}
SOURCES = $(wildcard lingnan_*.v)

net.bit: net.config
\tecppack --compress $< $@

net.config: net.json
\tnextpnr-ecp5 --{device} --package {PACKAGE[device]} --speed {SPEED_GRADE} --json $< \\
\t\t--textcfg $@ --freq {GOAL_MHZ} --router {ROUTER} --lpf-allow-unconstrained \\
\t\t--report report.json

net.json: $(SOURCES)
\tyosys -p "read_verilog -DECP5 -defer $^; synth_ecp5 -top $(TOP) -json $@"

lint: $(SOURCES)
\tverilator --lint-only -Wall --top-module $(TOP) $^

xilinx: $(SOURCES)
\tyosys -p "read_verilog -defer $^; synth_xilinx -family xc7 -top $(TOP); stat"

.PHONY: lint xilinx
"""
