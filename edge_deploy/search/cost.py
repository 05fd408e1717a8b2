"""What an architecture costs on a device, and what a device allows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge_deploy.c.memory import memory
from edge_deploy.search.fpga import folded
from edge_deploy.search.latency import Prices
from edge_deploy.search.skeleton import skeleton
from edge_deploy.search.space import Architecture


@dataclass(frozen=True, slots=True)
class Cost:
    """macs: multiply-accumulates a picture. arena: bytes of the C planner's static memory.
    instructions: on a Cortex-M7, 0 where nothing was measured. dsp, frames_hz: multipliers and
    pictures a second of the FPGA's folding, 0 where none was asked for or none fits."""

    macs: int
    arena: int
    instructions: float = 0.0
    dsp: int = 0
    frames_hz: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each, of frames_hz the least; None where there is no limit."""

    macs: int | None = None
    arena: int | None = None
    instructions: float | None = None
    dsp: int | None = None
    frames_hz: float | None = None

    @property
    def on_fpga(self) -> bool:
        """Whether anything is asked of an FPGA."""
        return self.dsp is not None or self.frames_hz is not None

    def allow(self, cost: Cost) -> bool:
        """Whether a cost keeps within every limit but those of an FPGA."""
        pairs = (
            (cost.macs, self.macs),
            (cost.arena, self.arena),
            (cost.instructions, self.instructions),
        )
        return all(most is None or value <= most for value, most in pairs)

    def fitted(self, architecture: Architecture, own: Cost, side_px: int, classes: int) -> Cost:
        """A cost with what the FPGA's folding under the limit of multipliers tells."""
        found = folded(skeleton(architecture, side_px, classes), self.dsp)
        return own if found is None else replace(own, dsp=found.dsp, frames_hz=found.frames_hz)

    def fast_enough(self, cost: Cost) -> bool:
        """Whether an FPGA takes it, at as many pictures a second as are asked for."""
        return cost.frames_hz > 0 and cost.frames_hz >= (self.frames_hz or 0.0)


def cost(
    architecture: Architecture, side_px: int, classes: int, prices: Prices | None = None
) -> Cost:
    """Of an architecture, from its shapes."""
    graph = skeleton(architecture, side_px, classes)
    spent = prices.predict(graph) if prices else 0.0
    return Cost(graph.macs, memory(graph).plan.size, spent)
