"""Verilator against the numpy reference: every stage, random waiting at both ends, faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.errors import EdgeError, UnsupportedError
from edge_deploy.fpga import cosim, tools
from edge_deploy.fpga.design import design
from edge_deploy.fpga.device import ECP5
from edge_deploy.reference.run import run
from tests.edge_deploy.cases import CASES
from tests.edge_deploy.fpga.mixed import mixed
from tests.edge_deploy.qdq import graph_of, inputs_for

reason = tools.missing("verilator")
pytestmark = [pytest.mark.edge, pytest.mark.skipif(reason is not None, reason=str(reason))]

GROUPED = ("conv in groups", "depthwise multiplier 2")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> cosim.Program:
    """Compiled once, with every lint warning an error."""
    return cosim.compile_design(design(mixed(), ECP5["85k"]), tmp_path_factory.mktemp("mixed"))


@pytest.mark.parametrize("stalls", [(0, 0), (60, 10), (10, 60), (95, 95)])
def test_a_whole_network_is_the_reference(program: cosim.Program, stalls: tuple[int, int]) -> None:
    graph = program.design.graph
    inputs = inputs_for(graph, 10, seed=sum(stalls))
    wanted = run(graph, inputs)
    found = program.run(inputs, stalls, seed=1 + stalls[0])
    for name in graph.outputs:
        assert len(np.unique(wanted[name])) > 20
        assert np.array_equal(found.outputs[name], wanted[name])


def test_pictures_follow_at_the_pace_that_the_folding_aims_at(program: cosim.Program) -> None:
    found = program.run(inputs_for(program.design.graph, 10))
    assert found.interval is not None
    assert found.busy is not None
    assert found.interval <= 1.03 * program.design.folding.interval + 16
    for name, used in found.layers.items():
        assert used == pytest.approx(_steps(program, name) / found.interval, rel=0.05)


def _steps(program: cosim.Program, name: str) -> int:
    """Steps a picture from the layer's own multiply-accumulates."""
    from edge_deploy.graph.ir import macs

    stage = next(s for s in program.design.stages if s.name == name)
    op = program.design.graph.producer(stage.output)
    assert stage.fold is not None
    assert op is not None
    return macs(program.design.graph, op) // stage.fold.multipliers


def test_one_wrong_weight_is_seen(program: cosim.Program) -> None:
    """The tables are read when the program starts: one changed digit must change outputs."""
    table = next(
        program.folder / name
        for stage in program.design.counted
        for name in stage.tables
        if name.endswith("_weights_000.hex")
    )
    good = table.read_text()
    graph = program.design.graph
    inputs = inputs_for(graph, 4)
    table.write_text(f"{int(good[0], 16) ^ 4:x}{good[1:]}")
    try:
        found = program.run(inputs)
    finally:
        table.write_text(good)
    wanted = run(graph, inputs)
    assert any(not np.array_equal(found.outputs[name], wanted[name]) for name in graph.outputs)


def test_a_cut_picture_raises_the_frame_error(program: cosim.Program) -> None:
    inputs = inputs_for(program.design.graph, 3)
    name = program.design.graph.inputs[0]
    data = program.folder / "inputs0.bin"
    data.write_bytes(inputs[name].tobytes()[:-5])
    with pytest.raises(EdgeError, match="frame_error"):
        tools.run(["./obj_dir/Vnet", "3", "0", "0", "0"], program.folder)


@pytest.mark.parametrize("name", GROUPED)
def test_a_grouped_convolution_is_refused_with_its_name(name: str) -> None:
    with pytest.raises(UnsupportedError, match="groups"):
        design(graph_of(CASES[name]()), ECP5["85k"])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in GROUPED])
def test_every_operator_alone_is_the_reference(name: str, tmp_path: Path) -> None:
    graph = graph_of(CASES[name]())
    inputs = inputs_for(graph, 12)
    wanted = run(graph, inputs)
    program = cosim.compile_design(design(graph, ECP5["85k"]), tmp_path)
    for stalls in ((0, 0), (40, 70)):
        found = program.run(inputs, stalls)
        for output in graph.outputs:
            assert np.array_equal(found.outputs[output], wanted[output])
