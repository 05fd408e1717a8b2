"""From a graph to a bitstream, with the router's part played: what is told, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.errors import EdgeError
from edge_deploy.fpga import synthesis, tools
from edge_deploy.fpga.device import ECP5, Resources
from edge_deploy.fpga.route import route
from edge_deploy.graph.ir import Graph
from tests.edge_deploy.cases import CASES
from tests.edge_deploy.qdq import graph_of

reason = tools.missing("verilator")
pytestmark = [pytest.mark.edge, pytest.mark.skipif(reason is not None, reason=str(reason))]

USED = Resources(8, 900, 0)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[Resources]:
    """yosys and nextpnr as functions; what synthesis is to say stands in the list."""
    said = [USED]
    monkeypatch.setattr(tools, "missing", lambda *names: None)
    monkeypatch.setattr(synthesis, "synthesise", lambda folder, top: said[0])
    placed = synthesis.Placed(USED, 120.0, 1.0, None)
    monkeypatch.setattr(synthesis, "place", lambda folder, device, seed: placed)
    return said


def graph() -> Graph:
    return graph_of(CASES["conv 3x3 of 3 channels"]())


def test_pictures_a_second_are_the_clock_over_counted_cycles(
    played: list[Resources], tmp_path: Path
) -> None:
    steps: list[str] = []
    made = route(graph(), tmp_path / "net", lambda done, total, what: steps.append(what))
    assert (tmp_path / "net" / "Makefile").is_file()
    assert made.interval == pytest.approx(made.deployment.design.folding.interval, rel=0.1)
    assert made.frames_per_s == pytest.approx(120e6 / made.interval)
    assert made.to_json()["luts"] == USED.lut
    assert steps == ["synthesis", "place and route", "cycles", "cycles"]


def test_a_design_beyond_the_device_is_not_placed(played: list[Resources], tmp_path: Path) -> None:
    played[0] = Resources(1, ECP5["25k"].lut + 1, 0)
    with pytest.raises(EdgeError, match="more than an ECP5 25k has: name a larger device"):
        route(graph(), tmp_path / "net", lambda done, total, what: None, device="25k")
