"""From a graph to a bitstream: folding, yosys, nextpnr, ecppack, and how many pictures a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common.lock import alone
from edge_deploy.errors import EdgeError, ToolMissingError
from edge_deploy.fpga import cosim, synthesis, tools
from edge_deploy.fpga.deploy import DEVICE, Deployment, deploy_again
from edge_deploy.fpga.device import ECP5, Resources
from edge_deploy.fpga.journal import Journal, cpu_s
from edge_deploy.fpga.top import module_name
from edge_deploy.graph.ir import Graph
from edge_deploy.verify.inputs import make

TOOLS = ("verilator", "yosys", "nextpnr-ecp5", "ecppack")
PICTURES = 4  # two fill the pipeline

Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Routed:
    """interval: cycles from picture to picture in co-simulation. cpu_s: from graph to bitstream."""

    deployment: Deployment
    placed: synthesis.Placed
    interval: float
    cpu_s: float

    @property
    def frames_per_s(self) -> float:
        """The clock over the cycles of a picture."""
        return self.placed.fmax_mhz * 1e6 / self.interval

    @property
    def used(self) -> str:
        """What it takes of the device, in words."""
        used, bits = self.placed.used, self.placed.bitstream
        size = bits.stat().st_size if bits else 0
        return (
            f"a bitstream of {size:,} bytes with {used.dsp} multipliers, {used.lut:,} look-up "
            f"tables, {used.bram} memories"
        )

    def to_json(self) -> dict[str, float | int]:
        """Its figures by name."""
        used = self.placed.used
        return {
            "multipliers": used.dsp,
            "luts": used.lut,
            "memories": used.bram,
            "fmax_mhz": self.placed.fmax_mhz,
            "cycles": self.interval,
            "frames_per_s": self.frames_per_s,
            "cpu_s": self.cpu_s,
        }


def route(
    graph: Graph,
    folder: Path,
    tell: Tell,
    device: str = DEVICE,
    interval: int = 0,
    seed: int = 1,
) -> Routed:
    """Into an empty or new folder, or on from where an earlier call on it was stopped.

    interval: cycles a picture that are fast enough. Pins are not assigned: the clock is from
    register to register. ToolMissingError, EdgeError, FolderError.
    """
    if reason := tools.missing(*TOOLS):
        raise ToolMissingError(reason)
    with alone(folder):
        return _routed(graph, folder, tell, device, interval, seed)


def _routed(
    graph: Graph, folder: Path, tell: Tell, device: str, interval: int, seed: int
) -> Routed:
    start = cpu_s()
    made = deploy_again(graph, folder, device, interval)
    journal = Journal(folder, {"device": device, "seed": seed})
    journal.spent_s.setdefault("folding", cpu_s() - start)

    def hear(what: str, number: int) -> None:
        tell(number, 0, what)

    with journal.step("synthesis") as due:
        if due:
            synthesis.synthesise(folder, module_name(made.design), hear=hear)
    used = synthesis.synthesised(folder)
    if not used.within(ECP5[device]):
        raise EdgeError(f"{_listed(used)} are more than an ECP5 {device} has: name a larger device")
    with journal.step("place and route") as due:
        if due:
            synthesis.place(folder, device, seed, hear)
    tell(0, PICTURES, "pictures in co-simulation")
    ran = cosim.compile_design(made.design, folder / "cosim").run(make(graph, PICTURES, seed))
    if ran.interval is None:
        raise EdgeError("too few pictures for a steady state")
    tell(PICTURES, PICTURES, "pictures in co-simulation")
    return Routed(made, synthesis.placed(folder), ran.interval, journal.cpu_s)


def _listed(used: Resources) -> str:
    return f"{used.dsp} multipliers, {used.lut} look-up tables and {used.bram} memories"
