"""The bus of a board on a file in the place of its UIO device: a thread plays the accelerator."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.arm64 import bundle, decision, emulate
from edge_deploy.c.generate import generate
from edge_deploy.fpga.deploy import designed
from edge_deploy.graph.ir import Graph
from edge_deploy.reference.run import run
from edge_deploy.system import build
from edge_deploy.verify import tools
from tests.edge_deploy.test_decision import HEIGHT, THRESHOLD, WIDTH, graph

pytestmark = pytest.mark.edge

PAGE = 4096
REGISTERS = 14
ID, CONTROL, STATUS, SOURCE, CYCLES, SENT, RECEIVED = 0, 5, 6, 7, 11, 12, 13
START, BUSY, DONE = 1, 1, 2
PATIENT = "#define LINGNAN_PATIENCE 600000000u\n"  # a minute at the slowest clock


@dataclass(frozen=True)
class Board:
    """The driver's program, and the two files that stand for the device."""

    graph: Graph
    rule: decision.Rule
    program: Path
    device: Path
    interrupts: Path
    header: dict[str, int]

    def decide(self, picture: np.ndarray, **names: str) -> subprocess.CompletedProcess[bytes]:
        given = {"LINGNAN_UIO": str(self.device), "LINGNAN_INTERRUPT": str(self.interrupts)}
        return subprocess.run(
            [str(tools.find(emulate.EMULATOR)), self.program],
            input=bundle.pgm(picture),
            capture_output=True,
            env={**os.environ, **given, **names},
            timeout=60,
            check=False,
        )


def made(folder: Path, patience: str | None) -> Board:
    if reason := tools.missing(build.TARGET.tools):
        pytest.skip(reason)
    network = graph()
    design, rule = designed(network), decision.rule(network, THRESHOLD)
    lines = build.settings(design).splitlines(keepends=True)
    if patience:
        lines = [patience if "PATIENCE" in line else line for line in lines]
    files, header = bundle.DECIDE_FILES, "".join(lines)
    program = build.program(
        design, generate(network), "decide", files, header, rule, folder, bus=build.UIO
    )
    words = [line.split() for line in lines if line.startswith("#define")]
    values = {name: int(value.rstrip("u"), 0) for _, name, value in words}
    device, interrupts = folder / "uio0", folder / "interrupts"
    device.write_bytes(bytes(PAGE + values["LINGNAN_MEMORY_BYTES"]))
    os.mkfifo(interrupts)
    return Board(network, rule, program, device, interrupts, values)


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Board:
    return made(tmp_path_factory.mktemp("uio"), PATIENT)


def mapped(board: Board) -> tuple[np.ndarray, np.ndarray]:
    """Registers as the accelerator shows them before its job, and the memory."""
    whole = np.memmap(board.device, np.uint8, "r+")
    registers = whole[: 4 * REGISTERS].view(np.uint32)
    names = ("NETWORK_IS", "PICTURE_BYTES", "ANSWER_BYTES")
    network, into, out = (board.header[f"LINGNAN_{name}"] for name in names)
    registers[:] = [0x4C4E474E, 1, network, into, out, 0, BUSY, *[0] * 7]
    return registers, whole[PAGE:]


def answer(board: Board, registers: np.ndarray, memory: np.ndarray, stop: threading.Event) -> None:
    """One job: the reference's integers from where the picture lies to where they are wanted."""
    while registers[CONTROL] != START:
        if stop.wait(0.001):
            return
    network = board.graph
    source, into, to, out = (int(registers[at]) for at in range(SOURCE, SOURCE + 4))
    picture = memory[source : source + into].reshape(1, *network.tensors[network.inputs[0]].shape)
    found = next(iter(run(network, {network.inputs[0]: picture.copy()}).values())).reshape(-1)
    memory[to : to + out] = found
    registers[[CYCLES, SENT, RECEIVED]] = 4321, into, out
    registers[STATUS] = DONE
    with board.interrupts.open("r+b", buffering=0) as line:
        line.write(b"\1\0\0\0")


def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)


def test_a_picture_goes_through_the_mapped_registers_and_memory(patient: Board) -> None:
    stop = threading.Event()
    player = threading.Thread(target=answer, args=(patient, *mapped(patient), stop))
    player.start()
    try:
        ran = patient.decide(picture())
    finally:
        stop.set()
        player.join()
    assert ran.returncode == 0, ran.stderr
    (wanted,) = bundle.decide_all(patient.graph, patient.rule, [picture()])
    assert ran.stdout.decode().splitlines() == [wanted.line(0)]
    assert b"picture 0: 4321 cycles" in ran.stderr


def test_an_accelerator_that_stands_still_is_told_in_time(tmp_path: Path) -> None:
    board = made(tmp_path, None)
    mapped(board)
    ran = board.decide(picture())
    assert ran.returncode == 1
    assert ran.stdout == b""
    assert ran.stderr.count(b"stands still") == 2
    assert b"given up after 2 tries" in ran.stderr


def test_another_device_is_refused(patient: Board) -> None:
    registers, _ = mapped(patient)
    registers[ID] = 7
    ran = patient.decide(picture())
    assert ran.returncode == 1
    assert b"no such accelerator is here" in ran.stderr


def test_a_device_that_is_not_there_is_named(patient: Board) -> None:
    ran = patient.decide(picture(), LINGNAN_UIO="/nowhere/uio7")
    assert ran.returncode == 1
    assert b"/nowhere/uio7: cannot be opened: No such file or directory" in ran.stderr
