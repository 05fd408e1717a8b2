"""yosys, nextpnr and ecppack: what a design takes of an ECP5, how fast it is, its bitstream.

Lattice ECP5 is placed and routed; for Xilinx 7-series there is synthesis only, because no open
router knows Zynq.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_deploy.errors import EdgeError
from edge_deploy.fpga import tools
from edge_deploy.fpga.device import Resources
from edge_deploy.fpga.journal import partial, replacing

PACKAGE = {"25k": "CABGA256", "45k": "CABGA554", "85k": "CABGA756"}
LUT_RAM = 4  # look-up tables in one TRELLIS_DPR16X4, and as many again as its write port
CLOCK_PIN = {"25k": "A7", "45k": "A12", "85k": "C17"}  # PCLKT0_0 there: wired to the clock tree
UNREACHED = "Failed to route arc 0.0 of net 'aclk"
SPEED_GRADE = 6  # the slowest
GOAL_MHZ = 110
ROUTER = "router2"  # negotiates all nets at once; the other one rips up wires one by one


@dataclass(frozen=True, slots=True)
class Placed:
    """After place and route. fmax_mhz: register to register, of the slowest speed grade."""

    used: Resources
    fmax_mhz: float
    bitstream: Path | None


Heard = Callable[[str, int], None]  # what a tool is at, and in which round of it
PASS = re.compile(r"^(\d+)\.\d[\d.]* Executing ")
ROUND = re.compile(r"(at iteration #|iter=)(\d+)[ ,:]+(type|temp|wires)")
ROUNDS = {"type": "placing", "temp": "refining", "wires": "routing"}


def _unheard(what: str, number: int) -> None:
    """Nobody listens."""


def synthesise(folder: Path, top: str, family: str = "ecp5", hear: Heard = _unheard) -> Resources:
    """yosys on every .v of `folder`: the netlist `net.json` there, and what it takes.

    family: "ecp5" or "xilinx" (DSP48E1 and RAMB18E1 are counted then).
    """
    files = sorted(path.name for path in folder.glob("lingnan_*.v"))
    passes = {"ecp5": "synth_ecp5", "xilinx": "synth_xilinx -family xc7"}[family]
    primitives = "-DECP5 " if family == "ecp5" else ""
    output = "net.json" if family == "ecp5" else "net_xilinx.json"
    netlist, counts = folder / output, folder / f"stat_{family}.txt"
    with replacing(netlist, counts):
        script = (
            f"read_verilog {primitives}-defer {' '.join(files)}; {passes} -top {top}; "
            f"write_json {partial(netlist).name}; tee -o {partial(counts).name} stat"
        )
        tools.listen(["yosys", "-p", script], folder, partly(_pass, hear))
    return synthesised(folder, family)


def synthesised(folder: Path, family: str = "ecp5") -> Resources:
    """What `synthesise` found there."""
    return _counted((folder / f"stat_{family}.txt").read_text(), family)


def place(folder: Path, device: str, seed: int = 1, hear: Heard = _unheard) -> Placed:
    """nextpnr on `net.json` of `folder`, then ecppack where it is there.

    The placer chooses the pins. Where no wire leads from the clock's to the clock tree, all is
    placed again with that pin on one that is wired to it.
    """
    config, report, bits = (folder / name for name in ("net.config", "report.json", "net.bit"))
    with replacing(config, report):
        try:
            _nextpnr(folder, device, seed, hear, "")
        except EdgeError as error:
            if UNREACHED not in str(error):
                raise
            _nextpnr(folder, device, seed, hear, f'LOCATE COMP "aclk" SITE "{CLOCK_PIN[device]}";')
    if tools.missing("ecppack") is None:
        with replacing(bits):
            tools.run(["ecppack", "--compress", config.name, partial(bits).name], folder)
    return placed(folder)


def _nextpnr(folder: Path, device: str, seed: int, hear: Heard, pins: str) -> None:
    """pins: as lines of Lattice's preferences."""
    (folder / "net.lpf").write_text(f"{pins}\n", encoding="utf-8")
    tools.listen(
        ["nextpnr-ecp5", f"--{device}", "--package", PACKAGE[device],
         "--speed", str(SPEED_GRADE), "--json", "net.json", "--lpf", "net.lpf",
         "--textcfg", partial(folder / "net.config").name,
         "--report", partial(folder / "report.json").name,
         "--freq", str(GOAL_MHZ), "--router", ROUTER, "--seed", str(seed),
         "--lpf-allow-unconstrained", "--timing-allow-fail"],
        folder, partly(_round, hear),
    )  # fmt: skip


def placed(folder: Path) -> Placed:
    """What `place` made there."""
    report = json.loads((folder / "report.json").read_text())
    used = {name: row["used"] for name, row in report["utilization"].items()}
    taken = Resources(used["MULT18X18D"], used["TRELLIS_COMB"], used["DP16KD"])
    bits = folder / "net.bit"
    return Placed(taken, _fmax(report), bits if bits.exists() else None)


def partly(known: Callable[[str], tuple[str, int] | None], hear: Heard) -> Callable[[str], None]:
    """Tell of those lines that are known."""

    def line(text: str) -> None:
        if found := known(text):
            hear(*found)

    return line


def _pass(line: str) -> tuple[str, int] | None:
    found = PASS.match(line)
    return ("synthesis", int(line.split(".")[1])) if found else None


def _round(line: str) -> tuple[str, int] | None:
    found = ROUND.search(line)
    return (ROUNDS[found[3]], int(found[2])) if found else None


def _fmax(report: dict[str, dict[str, dict[str, float]]]) -> float:
    clocks = report["fmax"]
    if not clocks:
        raise EdgeError("nextpnr reports no clock: the design has no registers")
    return min(clock["achieved"] for clock in clocks.values())


def _counted(text: str, family: str) -> Resources:
    cells = {name: int(count) for name, count in re.findall(r"^\s+(\S+)\s+(\d+)$", text, re.M)}

    def of(names: Iterable[str]) -> int:
        return sum(cells.get(name, 0) for name in names)

    if family == "xilinx":
        luts = of(f"LUT{size}" for size in range(1, 7))
        return Resources(of(["DSP48E1"]), luts, of(["RAMB18E1"]) + 2 * of(["RAMB36E1"]))
    carry = 2 * of(["CCU2C"])
    luts = of(["LUT4"]) + carry + 2 * LUT_RAM * of(["TRELLIS_DPR16X4"])
    return Resources(of(["MULT18X18D"]), luts, of(["DP16KD"]))
