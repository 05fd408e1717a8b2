"""Instructions of a call on 64-bit ARM, under qemu's user-mode emulation: ours and ncnn's.

Both programs read their CPU clock before and after a call; `count.c`, a plug-in of the emulator,
tells the instructions between readings. ncnn is its own wheel for 64-bit ARM, in the Python of the
root that `arm64_root` makes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from edge_deploy.arm64.bundle import compile_program
from edge_deploy.bench import arm64_root
from edge_deploy.bench.child import picture
from edge_deploy.bench.pnnx import convert
from edge_deploy.c.build import TARGETS
from edge_deploy.errors import EdgeError, ToolMissingError
from edge_deploy.verify import tools
from edge_deploy.verify.compare import Network
from edge_deploy.verify.programs import pack

EMULATOR = "qemu-aarch64"  # the static one takes no plug-ins
CORES = {"arm64": "cortex-a53", "arm64-dotprod": "cortex-a76"}  # of whose instructions each is
ROUNDS = 5
EXECUTED = re.compile(r"^executed (\d+)$", re.MULTILINE)


def ours(network: Network, target: str, scratch: Path) -> int:
    """Instructions of one picture through the C of "arm64" or "arm64-dotprod"."""
    graph, folder = network.graph, scratch / f"counted-{target}"
    program = compile_program(
        graph, network.sources, folder, "bench", ("bench.c", "peak.h"), TARGETS[target]
    )
    shape = graph.tensors[graph.inputs[0]].shape
    given = pack(graph, graph.inputs, {graph.inputs[0]: picture(shape)})
    return counted([program, str(ROUNDS)], CORES[target], scratch, given)


def ncnns(float_model: Path, shape: Sequence[int], target: str, scratch: Path) -> int:
    """Instructions of one picture through ncnn on the core of a target.

    float_model: converted by pnnx; ncnn chooses the precision that it has for the core.
    """
    root = arm64_root.ready()
    param = convert(float_model, shape, scratch)
    script = scratch / "ncnn_calls.py"
    script.write_text(resources.files(__package__).joinpath(script.name).read_text("utf-8"))
    words: list[str | Path] = [script, param, str(ROUNDS), *map(str, shape)]
    command: list[str | Path] = ["-L", root, *arm64_root.python(root), *words]
    return counted(command, CORES[target], scratch)


def counted(command: Sequence[str | Path], core: str, scratch: Path, given: bytes = b"") -> int:
    """Median over the calls, of which the first is left out."""
    between = readings(command, core, scratch, given)
    calls = between[2::2]  # after the start and the first call; what is printed stands between
    if len(calls) != ROUNDS:
        raise EdgeError(f"{EMULATOR} told of {len(calls)} calls, not {ROUNDS}")
    return int(np.median(calls))


def readings(
    command: Sequence[str | Path], core: str, scratch: Path, given: bytes = b""
) -> list[int]:
    """Instructions before each reading of the CPU clock since the one before it.

    ToolMissingError names what to install.
    """
    if reason := tools.missing([EMULATOR, "gcc"]):
        raise ToolMissingError(reason)
    run = [EMULATOR, "-cpu", core, "-plugin", _plugin(scratch), *command]
    told = tools.run_bytes(run, scratch, given).told
    return [int(count) for count in EXECUTED.findall(told)]


def _plugin(scratch: Path) -> Path:
    made = scratch / "count.so"
    if not made.exists():
        source = scratch / "count.c"
        source.write_text(resources.files(__package__).joinpath(source.name).read_text("utf-8"))
        flags = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared")
        tools.run(["gcc", *flags, source, "-o", made], scratch)
    return made
