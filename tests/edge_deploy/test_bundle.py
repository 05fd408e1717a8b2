"""The bundle for 64-bit ARM: it answers as the reference, and sees what was changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.arm64 import bundle, emulate
from edge_deploy.c.generate import generate
from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph
from edge_deploy.reference.run import run
from edge_deploy.verify import tools
from edge_deploy.verify.programs import pack
from tests.edge_deploy.qdq import inputs_for
from tests.edge_deploy.test_decision import THRESHOLD, graph, pictures

pytestmark = pytest.mark.edge


@pytest.fixture(scope="module")
def made() -> Graph:
    if reason := tools.missing([bundle.TARGET.compiler, emulate.EMULATOR]):
        pytest.skip(reason)
    return graph()


@pytest.fixture(scope="module")
def written(made: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "board"
    stream = bundle.Stream(pictures(6), THRESHOLD)
    bundle.write(made, generate(made), path, inputs_for(made, 4), stream)
    return path


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return shutil.copytree(written, tmp_path / "board")


def test_it_answers_on_arm_and_asks_nothing_of_the_network(made: Graph, folder: Path) -> None:
    emulate.check(folder)
    inputs = inputs_for(made, 5, seed=8)
    given = pack(made, made.inputs, inputs)
    ran = emulate.run(folder / "bin" / "net", given=given, trace=True)
    assert ran.answer == pack(made, made.outputs, run(made, inputs))
    assert {"read", "write"} <= ran.calls
    assert not ran.calls & emulate.NETWORK
    assert emulate.run(folder / "bin" / "net", given=given).peak_kib > 0


@pytest.mark.parametrize(
    "name", ["vectors/expected.bin", "vectors/decisions.jsonl", "bin/net", "run.sh", "README.md"]
)
def test_a_changed_file_is_seen(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(EdgeError):
        emulate.check(folder)


def test_a_wrong_answer_is_seen(folder: Path) -> None:
    """Vectors that are whole but not the network's."""
    expected = folder / "vectors" / "expected.bin"
    values = np.frombuffer(expected.read_bytes(), np.uint8).copy()
    values[0] ^= 1
    expected.write_bytes(values.tobytes())
    tools.run(["sh", "-c", "sha256sum $(cut -c67- SHA256SUMS) >sums && mv sums SHA256SUMS"], folder)
    with pytest.raises(EdgeError, match="differ"):
        emulate.check(folder)


def test_every_file_is_in_the_checksums(folder: Path) -> None:
    listed = {line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == listed | {"SHA256SUMS"}


def test_a_folder_in_use_is_refused(made: Graph, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(EdgeError, match="not an empty folder"):
        bundle.write(made, generate(made), tmp_path, inputs_for(made, 3))
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda tool: None)
    made = graph()
    with pytest.raises(EdgeError, match="apt-get install gcc-aarch64-linux-gnu"):
        bundle.write(made, generate(made), tmp_path / "b", inputs_for(made, 3))
    assert not (tmp_path / "b").exists()
