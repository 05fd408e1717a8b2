"""A simulated board: the reference's integers and decisions, and every fault told or mended."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.arm64 import bundle, decision, emulate
from edge_deploy.c.generate import generate
from edge_deploy.errors import EdgeError, ToolMissingError
from edge_deploy.fpga import deploy
from edge_deploy.reference.run import run
from edge_deploy.system import build, command
from edge_deploy.system.run import FATAL, MENDED, Fault, System
from edge_deploy.verify import tools
from tests.edge_deploy.qdq import inputs_for
from tests.edge_deploy.test_decision import THRESHOLD, graph, pictures

pytestmark = pytest.mark.edge


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    if reason := build.missing():
        pytest.skip(reason)
    folder, made = tmp_path_factory.mktemp("system"), graph()
    accelerator = deploy.compiled(made, folder / "accelerator")
    return build.system(accelerator, generate(made), THRESHOLD, folder / "system")


def wanted(system: System, count: int) -> list[str]:
    decided = bundle.decide_all(system.graph, system.rule, pictures(count))
    return [one.line(at) for at, one in enumerate(decided)]


def test_decisions_and_integers_are_the_reference_s(system: System) -> None:
    ran = system.decide(pictures(9))
    assert not ran.failed, ran.told
    assert ran.answer.decode().splitlines() == wanted(system, 9)
    inputs = inputs_for(system.graph, 5)
    reference = run(system.graph, inputs)
    for name, value in system.integers(inputs).items():
        assert len(np.unique(value)) > 20
        assert np.array_equal(value, reference[name])


def test_a_picture_takes_as_many_cycles_as_bytes_at_least(system: System) -> None:
    ran = system.decide(pictures(3))
    least = system.graph.tensors[system.graph.inputs[0]].size
    assert len(ran.cycles) == 3
    assert all(least < cycles < 4 * least for cycles in ran.cycles)


@pytest.mark.parametrize("fault", FATAL)
def test_a_fatal_fault_is_told_and_decides_nothing(system: System, fault: Fault) -> None:
    ran = system.decide(pictures(2), fault)
    assert ran.failed
    assert ran.answer == b""
    assert FATAL[fault] in ran.told


@pytest.mark.parametrize("fault", MENDED)
def test_a_mended_fault_is_told_and_decides_rightly(system: System, fault: Fault) -> None:
    ran = system.decide(pictures(2), fault)
    assert not ran.failed
    assert MENDED[fault] in ran.told
    assert ran.answer.decode().splitlines() == wanted(system, 2)


def test_a_program_made_for_longer_pictures_is_refused(system: System, tmp_path: Path) -> None:
    made = graph()
    design = deploy.designed(made)
    header = build.settings(design).replace("PICTURE_BYTES 3072u", "PICTURE_BYTES 3000u")
    assert "3000u" in header
    rule = decision.rule(made, THRESHOLD)
    build.program(design, generate(made), "decide", bundle.DECIDE_FILES, header, rule, tmp_path)
    (tmp_path / "obj_dir").symlink_to(system.folder / "obj_dir")
    other = System(made, rule, tmp_path, system.tables, system.memory_bytes)
    ran = other.decide(pictures(1))
    assert ran.failed and "the length of its pictures" in ran.told


def test_the_driver_says_where_no_accelerator_is(system: System) -> None:
    ran = subprocess.run(
        [str(tools.find(emulate.EMULATOR)), system.folder / "bin" / "decide"],
        input=bundle.pgm(pictures(1)[0]),
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 1
    assert b"runs beside a simulated accelerator" in ran.stderr


def test_pictures_that_cannot_be_used_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "missing", lambda: None)
    broken, small, large = (tmp_path / name for name in ("broken.png", "small.png", "large.png"))
    broken.write_bytes(b"\x89PNG")
    cv2.imwrite(str(small), np.zeros((16, 16), np.uint8))
    cv2.imwrite(str(large), np.zeros((32, 16), np.uint8))
    for files, message in (
        ([broken], "broken.png: not a picture"),
        ([tmp_path / "none.png"], "none.png: No such file"),
        ([small, large], "not of one size"),
    ):
        with pytest.raises(EdgeError, match=message):
            command.show(tmp_path / "net.onnx", files, 0.0, "none")


def test_a_missing_tool_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda tool: None)
    with pytest.raises(ToolMissingError, match="apt-get install"):
        command.show(tmp_path / "net.onnx", [], 0.0, "none")
