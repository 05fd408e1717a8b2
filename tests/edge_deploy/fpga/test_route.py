"""From a graph to a bitstream, with the router's part played: what is told, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.errors import EdgeError
from edge_deploy.fpga import synthesis, tools
from edge_deploy.fpga.device import ECP5, Resources
from edge_deploy.fpga.journal import replacing
from edge_deploy.fpga.route import route
from edge_deploy.graph.ir import Graph
from tests.edge_deploy.cases import CASES
from tests.edge_deploy.qdq import graph_of

reason = tools.missing("verilator")
pytestmark = [pytest.mark.edge, pytest.mark.skipif(reason is not None, reason=str(reason))]

USED = Resources(8, 900, 0)
LINES = """
2.48.1. Executing OPT_EXPR pass (perform const folding).
Info:     at iteration #28, type ALL: wirelen solved = 50138, spread = 1, legal = 2; time = 23.00s
Info:   at iteration #5: temp = 0.000000, timing cost = 587, wirelen = 241126
Info:     iter=12 wires=303363 overused=500 overuse=501 archfail=NA
Info: Checksum: 0x7b91737a
"""
PINNED = 'LOCATE COMP "aclk" SITE "C17";\n'
REPORT = json.dumps(
    {
        "utilization": {n: {"used": 1} for n in ("MULT18X18D", "TRELLIS_COMB", "DP16KD")},
        "fmax": {"aclk": {"achieved": 101.5}},
    }
)
Steps = list[tuple[str, int]]


class Played:
    """yosys and nextpnr as functions that count their calls; `said` is what synthesis says."""

    def __init__(self) -> None:
        self.said, self.calls, self.stopped = USED, list[str](), False

    def synthesise(self, folder: Path, top: str, hear: synthesis.Heard) -> Resources:
        self.calls.append("synthesis")
        hear("synthesis", 48)
        return self.said

    def place(self, folder: Path, device: str, seed: int, hear: synthesis.Heard) -> None:
        self.calls.append("place")
        hear("routing", 12)
        if self.stopped:
            raise KeyboardInterrupt


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    made = Played()
    monkeypatch.setattr(tools, "missing", lambda *names: None)
    monkeypatch.setattr(synthesis, "synthesise", made.synthesise)
    monkeypatch.setattr(synthesis, "synthesised", lambda folder: made.said)
    monkeypatch.setattr(synthesis, "place", made.place)
    monkeypatch.setattr(synthesis, "placed", lambda folder: synthesis.Placed(USED, 120.0, None))
    return made


def graph() -> Graph:
    return graph_of(CASES["conv 3x3 of 3 channels"]())


def silent(done: int, total: int, what: str) -> None:
    """Nobody listens."""


def test_pictures_a_second_are_the_clock_over_counted_cycles(
    played: Played, tmp_path: Path
) -> None:
    told: Steps = []
    made = route(graph(), tmp_path / "net", lambda done, total, what: told.append((what, done)))
    assert (tmp_path / "net" / "Makefile").is_file()
    assert made.interval == pytest.approx(made.deployment.design.folding.interval, rel=0.1)
    assert made.frames_per_s == pytest.approx(120e6 / made.interval)
    assert made.to_json()["luts"] == USED.lut
    assert told[:2] == [("synthesis", 48), ("routing", 12)]
    assert told[-1] == ("pictures in co-simulation", 4)


def test_a_stopped_route_goes_on_where_it_was(played: Played, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    played.stopped = True
    with pytest.raises(KeyboardInterrupt):
        route(graph(), folder, silent)
    played.stopped = False
    spent = json.loads((folder / "steps.json").read_text())["cpu_s"]
    assert spent["synthesis"] > 0
    assert "place and route" not in spent
    made = route(graph(), folder, silent)
    assert played.calls == ["synthesis", "place", "place"]
    assert made.cpu_s > spent["folding"] + spent["synthesis"]
    again = route(graph(), folder, silent)
    assert played.calls == ["synthesis", "place", "place"]
    assert again.cpu_s == made.cpu_s


def test_another_seed_or_design_does_not_go_on_with_what_is_there(
    played: Played, tmp_path: Path
) -> None:
    folder = tmp_path / "net"
    route(graph(), folder, silent)
    with pytest.raises(EdgeError, match=r"'seed': 1\}, not .*name a new folder"):
        route(graph(), folder, silent, seed=2)
    with pytest.raises(EdgeError, match="not an empty folder"):
        route(graph_of(CASES["conv 1x1, stride 2"]()), folder, silent)
    (folder / "steps.json").write_text("[]")
    with pytest.raises(EdgeError, match="not a list of steps"):
        route(graph(), folder, silent)


def test_a_design_beyond_the_device_is_not_placed(played: Played, tmp_path: Path) -> None:
    played.said = Resources(1, ECP5["25k"].lut + 1, 0)
    with pytest.raises(EdgeError, match="more than an ECP5 25k has: name a larger device"):
        route(graph(), tmp_path / "net", silent, device="25k")
    assert played.calls == ["synthesis"]


def test_what_the_tools_say_is_heard_as_rounds() -> None:
    heard: Steps = []
    for known in (synthesis._pass, synthesis._round):
        line = synthesis.partly(known, lambda what, number: heard.append((what, number)))
        for text in LINES.splitlines():
            line(text)
    assert heard == [("synthesis", 48), ("placing", 28), ("refining", 5), ("routing", 12)]


def _tool(folder: Path, text: str) -> None:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_tool_ends_with_the_call_that_listens(tmp_path: Path) -> None:
    _tool(tmp_path, "echo $$; exec sleep 60")
    heard: list[int] = []

    def stop(line: str) -> None:
        heard.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tools.listen(["./tool"], tmp_path, stop)
    with pytest.raises(ProcessLookupError):
        os.kill(heard[0], 0)


def test_a_tool_that_fails_or_takes_too_long_is_told(tmp_path: Path) -> None:
    _tool(tmp_path, "echo no such cell; exit 3")
    with pytest.raises(EdgeError, match=r"failed \(3\): no such cell"):
        tools.listen(["./tool"], tmp_path, lambda line: None)
    _tool(tmp_path, "exec sleep 60")
    with pytest.raises(EdgeError, match="did not end within"):
        tools.listen(["./tool"], tmp_path, lambda line: None, timeout_s=0.2)


def test_nothing_half_written_takes_a_file_s_name(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text("whole")
    with pytest.raises(KeyboardInterrupt), replacing(path) as part:
        part.write_text("ha")
        raise KeyboardInterrupt
    assert path.read_text() == "whole"
    with replacing(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("said", "pins"),
    [
        ("", ["\n"]),
        (f"ERROR: {synthesis.UNREACHED}$TRELLIS_IO_IN', from X0/Y11/JPADDIA_PIO", ["\n", PINNED]),
    ],
)
def test_a_clock_that_no_wire_leads_from_gets_a_pin_that_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, pins: list[str]
) -> None:
    held = list[str]()

    def listen(command: list[str], folder: Path, hear: object) -> None:
        held.append((folder / command[command.index("--lpf") + 1]).read_text())
        if said and len(held) == 1:
            raise EdgeError(f"nextpnr-ecp5 failed (1): {said}")
        for word in ("--textcfg", "--report"):
            (folder / command[command.index(word) + 1]).write_text(REPORT)

    monkeypatch.setattr(tools, "listen", listen)
    monkeypatch.setattr(tools, "missing", lambda *names: "no ecppack")
    found = synthesis.place(tmp_path, "85k")
    assert held == pins
    assert found.fmax_mhz == 101.5


def test_another_failure_of_the_router_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listen(*_: object) -> None:
        raise EdgeError("nextpnr-ecp5 failed (1): ERROR: Failed to route arc 3.0 of net 'n17'")

    monkeypatch.setattr(tools, "listen", listen)
    with pytest.raises(EdgeError, match="n17"):
        synthesis.place(tmp_path, "85k")
