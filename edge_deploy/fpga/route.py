"""From a graph to a bitstream: folding, yosys, nextpnr, ecppack, and how many pictures a second."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_deploy.errors import EdgeError, ToolMissingError
from edge_deploy.fpga import cosim, synthesis, tools
from edge_deploy.fpga.deploy import DEVICE, Deployment, deploy
from edge_deploy.fpga.device import ECP5, Resources
from edge_deploy.fpga.top import module_name
from edge_deploy.graph.ir import Graph
from edge_deploy.verify.inputs import make

TOOLS = ("verilator", "yosys", "nextpnr-ecp5", "ecppack")
PICTURES = 4  # two fill the pipeline
STEPS = ("synthesis", "place and route", "cycles")

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
    """Into an empty or new folder. interval: cycles a picture that are fast enough.

    ToolMissingError, EdgeError. Pins are not assigned: the clock is from register to register.
    """
    if reason := tools.missing(*TOOLS):
        raise ToolMissingError(reason)
    start = _cpu_s()
    made = deploy(graph, folder, device=device, interval=interval)
    tell(0, len(STEPS), STEPS[0])
    used = synthesis.synthesise(folder, module_name(made.design))
    if not used.within(ECP5[device]):
        raise EdgeError(f"{_listed(used)} are more than an ECP5 {device} has: name a larger device")
    tell(1, len(STEPS), STEPS[1])
    placed = synthesis.place(folder, device, seed)
    spent = _cpu_s() - start
    tell(2, len(STEPS), STEPS[2])
    ran = cosim.compile_design(made.design, folder / "cosim").run(make(graph, PICTURES, seed))
    if ran.interval is None:
        raise EdgeError("too few pictures for a steady state")
    tell(3, len(STEPS), STEPS[2])
    return Routed(made, placed, ran.interval, spent)


def _listed(used: Resources) -> str:
    return f"{used.dsp} multipliers, {used.lut} look-up tables and {used.bram} memories"


def _cpu_s() -> float:
    """Of this process and of the programs that it waited for."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)
