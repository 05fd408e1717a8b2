"""Prices of layers: closed forms, and profiles beside the graph and another program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from common.acceptance.experiment import Context
from edge_deploy.acceptance import latency as rows
from edge_deploy.bench import arm64
from edge_deploy.c.generate import generate
from edge_deploy.errors import EdgeError, ToolMissingError
from edge_deploy.graph.ir import Conv2d, Graph, macs
from edge_deploy.search import profile
from edge_deploy.search.latency import Work, fit, in_ones, in_strips, kind
from edge_deploy.search.skeleton import skeleton
from edge_deploy.search.space import Architecture, Stage, every
from edge_deploy.verify import tools
from edge_deploy.verify.compare import Network

pytestmark = pytest.mark.edge

SMALL = Architecture((Stage(8, 1, "dense"), Stage(12, 1, "separable"), Stage(24, 1, "dense")))

needs_gcc = pytest.mark.skipif(tools.missing(["gcc"]) is not None, reason="gcc is not here")
needs_arm64 = pytest.mark.skipif(
    tools.missing([arm64.EMULATOR, "gcc", "aarch64-linux-gnu-gcc"]) is not None,
    reason="instructions on ARM need qemu-user, gcc and gcc-aarch64-linux-gnu",
)


@pytest.fixture(scope="module")
def graphs() -> list[Graph]:
    space = every()
    chosen = np.random.default_rng(5).choice(len(space), 40, replace=False)
    return [skeleton(space[at], 32, 10) for at in chosen]


@pytest.fixture
def small() -> Graph:
    return skeleton(SMALL, 32, 10)


@pytest.mark.parametrize("work", [in_ones, in_strips])
def test_what_other_networks_take_is_told_where_prices_are_known(
    graphs: list[Graph], work: Work
) -> None:
    rng = np.random.default_rng(6)
    kinds = {kind(op): len(work(graph, op)) for graph in graphs for op in graph.operators}
    known = {name: rng.uniform(0.1, 5, count) for name, count in kinds.items()}
    spent = [[float(work(one, op) @ known[kind(op)]) for op in one.operators] for one in graphs]
    prices = fit(graphs[:32], spent[:32], work)
    for graph, each in zip(graphs[32:], spent[32:], strict=True):
        assert prices.predict(graph) == pytest.approx(sum(each), rel=1e-3)
    if work is in_ones:
        assert prices.of["conv 3x3"] == pytest.approx(known["conv 3x3"], rel=1e-6)


def test_strips_hold_all_of_the_work(graphs: list[Graph]) -> None:
    for graph in graphs:
        for op in graph.operators:
            if not isinstance(op, Conv2d):
                continue
            told, channels = in_strips(graph, op), len(op.weight)
            assert told[:4].sum() == pytest.approx(macs(graph, op)), "channels in whole quads"
            places = told[4:8].sum() / told[11]
            assert places == -(-channels // 16)
            assert (told[7] > 0) == (channels >= 16)
            assert (told[6] > 0) == (channels % 16 == 12), "a strip of three quads"


@needs_gcc
def test_a_profile_is_of_every_layer(small: Graph, tmp_path: Path) -> None:
    (one,) = profile.timed([small], tmp_path)
    assert len(one.layers) == len(small.operators)
    assert min(one.layers) >= 0 and one.whole > 0
    assert sum(one.layers) == pytest.approx(one.whole)
    dense = [i for i, op in enumerate(small.operators) if kind(op) == "conv 3x3"]
    assert max(one.layers) == max(one.layers[i] for i in dense), "where the work is"


@needs_arm64
def test_counts_are_those_of_a_program_that_reads_no_layers(small: Graph, tmp_path: Path) -> None:
    one = profile.counted(small, "arm64", tmp_path)
    assert len(one.layers) == len(small.operators)
    network = Network(b"", small, generate(small))
    assert one.whole == pytest.approx(arm64.ours(network, "arm64", tmp_path), rel=0.005)


def test_a_missing_tool_is_named_with_its_cure(
    small: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "find", lambda tool: None)
    with pytest.raises(ToolMissingError, match="apt-get install gcc"):
        profile.timed([small], tmp_path)
    with pytest.raises(ToolMissingError, match="apt-get install gcc-aarch64-linux-gnu"):
        profile.counted(small, "arm64", tmp_path)
    full = Context("full", 1, None, tmp_path)
    assert "apt-get install gcc" in rows.measure_here(full)[rows.HERE].note
    assert "apt-get install qemu-user" in rows.measure_arm64(full)[rows.ARM].note


def test_readings_that_are_too_few_are_refused(small: Graph) -> None:
    with pytest.raises(EdgeError, match="took 7 readings in 3 rounds"):
        profile._median(np.ones(7), small, 3)


def test_a_clock_that_stands_still_is_refused() -> None:
    with pytest.raises(EdgeError, match="too coarse"):
        profile._profile(np.zeros(5))


def test_the_quick_size_compiles_nothing(tmp_path: Path) -> None:
    quick = Context("quick", 1, None, tmp_path)
    for found in (rows.measure_here(quick)[rows.HERE], rows.measure_arm64(quick)[rows.ARM]):
        assert found.value is None and "full size" in found.note
    assert not list(tmp_path.iterdir())
