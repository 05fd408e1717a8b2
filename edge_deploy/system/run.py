"""Runs a simulated system: pictures in at the ARM side, decisions out; faults in between."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_deploy.arm64 import bundle, decision, emulate
from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph
from edge_deploy.verify import tools
from edge_deploy.verify.programs import pack, unpack

PROGRAMS = {"decide": bundle.DECIDE_FILES, "net": bundle.NET_FILES}
CYCLES = re.compile(r"^picture \d+: (\d+) cycles$", re.MULTILINE)
TIMEOUT_S = 900

Fault = Literal["none", "id", "network", "stall", "short", "reset"]
FATAL: Mapping[Fault, str] = {
    "id": "no such accelerator",
    "network": "load the design made with this program",
    "stall": "stands still",
    "short": "was refused a byte",
}
MENDED: Mapping[Fault, str] = {"reset": "was reset"}
U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Ran:
    """answer: standard output; told: standard error. cycles: of each picture that came through."""

    answer: bytes
    told: str
    cycles: tuple[int, ...]
    failed: bool


@dataclass(frozen=True, slots=True)
class System:
    """A built system. tables: the folder of the design's. memory_bytes: of what both sides see."""

    graph: Graph
    rule: decision.Rule
    folder: Path
    tables: Path
    memory_bytes: int

    def decide(self, frames: Sequence[U8], fault: Fault = "none") -> Ran:
        """Grey pictures (H, W) to one line of JSON each."""
        return self._run("decide", b"".join(map(bundle.pgm, frames)), fault)

    def integers(self, inputs: Mapping[str, U8]) -> dict[str, U8]:
        """The network's outputs by name. EdgeError where a picture does not come through."""
        ran = self._run("net", pack(self.graph, self.graph.inputs, inputs), "none")
        if ran.failed:
            raise EdgeError(ran.told)
        count = len(next(iter(inputs.values())))
        return unpack(self.graph, self.graph.outputs, ran.answer, count)

    def _run(self, program: str, given: bytes, fault: Fault) -> Ran:
        memory = os.memfd_create("memory")
        try:
            os.ftruncate(memory, self.memory_bytes)
            return self._joined(program, given, fault, memory)
        finally:
            os.close(memory)

    def _joined(self, program: str, given: bytes, fault: Fault, memory: int) -> Ran:
        """The driver's program beside the accelerator's, which ends when the bus closes."""
        near, far = socket.socketpair()
        with near:
            host = subprocess.Popen(  # noqa: S603 - programs of our own making, no shell
                [self.folder.resolve() / "obj_dir" / "Vlingnan_axi", str(far.fileno()),
                 str(memory), fault],
                cwd=self.tables, pass_fds=(far.fileno(), memory), stdin=subprocess.DEVNULL,
            )  # fmt: skip
            far.close()
            try:
                done = self._driver(program, given, near.fileno(), memory)
            finally:
                near.close()
                _ended(host)
        told = done.stderr.decode("utf-8", "replace")
        cycles = tuple(int(count) for count in CYCLES.findall(told))
        return Ran(done.stdout, told, cycles, done.returncode != 0)

    def _driver(
        self, program: str, given: bytes, bus: int, memory: int
    ) -> subprocess.CompletedProcess[bytes]:
        emulator = tools.find(emulate.EMULATOR) or emulate.EMULATOR
        try:
            return subprocess.run(  # noqa: S603 - as above
                [emulator, self.folder.resolve() / "bin" / program],
                input=given,
                capture_output=True,
                env={**os.environ, "LINGNAN_BUS": str(bus), "LINGNAN_MEMORY": str(memory)},
                pass_fds=(bus, memory),
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EdgeError(f"the ARM program did not end within {TIMEOUT_S} s") from None


def _ended(host: subprocess.Popen[bytes]) -> None:
    try:
        host.wait(10.0)
    except subprocess.TimeoutExpired:
        host.kill()
        host.wait()
