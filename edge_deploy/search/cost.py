"""What an architecture costs on a device, and what a device allows."""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.c.memory import memory
from edge_deploy.search.latency import Prices
from edge_deploy.search.skeleton import skeleton
from edge_deploy.search.space import Architecture


@dataclass(frozen=True, slots=True)
class Cost:
    """macs: multiply-accumulates a picture. arena: bytes of the C planner's static memory.
    instructions: on a Cortex-M7, 0 where nothing was measured."""

    macs: int
    arena: int
    instructions: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each; None where there is no limit."""

    macs: int | None = None
    arena: int | None = None
    instructions: float | None = None

    def allow(self, cost: Cost) -> bool:
        """Whether a cost keeps within every limit."""
        pairs = (
            (cost.macs, self.macs),
            (cost.arena, self.arena),
            (cost.instructions, self.instructions),
        )
        return all(most is None or value <= most for value, most in pairs)


def cost(
    architecture: Architecture, side_px: int, classes: int, prices: Prices | None = None
) -> Cost:
    """Of an architecture, from its shapes."""
    graph = skeleton(architecture, side_px, classes)
    spent = prices.instructions(graph) if prices else 0.0
    return Cost(graph.macs, memory(graph).plan.size, spent)
