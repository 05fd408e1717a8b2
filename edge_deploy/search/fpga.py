"""What a graph would take of an FPGA and how many pictures a second it would do there.

The folding solver's own answer (`edge_deploy.fpga.folding`) from shapes alone, before anything was
learned: each layer's multipliers, rescaling and memories, and the cycles of the slowest. Synthesis
tells the look-up tables; the clock is the one that designs are routed for.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_deploy.errors import EdgeError
from edge_deploy.fpga.deploy import DEVICE, ROUTABLE
from edge_deploy.fpga.device import ECP5, Resources, total
from edge_deploy.fpga.folding import solve
from edge_deploy.fpga.layout import shapes
from edge_deploy.fpga.rescale import RESCALE_COST
from edge_deploy.fpga.stages import SMALL, Builder
from edge_deploy.graph.ir import GlobalAveragePool, Graph

CLOCK_HZ = 100e6


@dataclass(frozen=True, slots=True)
class Folded:
    """dsp: 18 x 18 multipliers. frames_hz: pictures a second at CLOCK_HZ."""

    dsp: int
    frames_hz: float


def folded(graph: Graph, dsp: int | None = None) -> Folded | None:
    """The fastest folding under `room(dsp)`; None where not even one multiplier a layer fits."""
    streams = shapes(graph)
    builder = Builder(graph, streams, {})
    loads = tuple(load for op in graph.operators if (load := builder.load(op)) is not None)
    means = sum(isinstance(op, GlobalAveragePool) for op in graph.operators)
    base = total([SMALL, *[RESCALE_COST] * means])
    floor = max(tensor.size for tensor in graph.tensors.values())  # a byte a cycle
    try:
        made = solve(loads, floor, base, room(dsp))
    except EdgeError:
        return None
    spent = total([base, *(fold.cost for fold in made.folds.values())])
    return Folded(spent.dsp, CLOCK_HZ / made.interval)


def room(dsp: int | None = None) -> Resources:
    """What may be taken: as much of the device as can be routed, and of its multipliers at most
    `dsp`."""
    device = ECP5[DEVICE].share(ROUTABLE)
    most = device.dsp if dsp is None else min(dsp, device.dsp)
    return Resources(most, device.lut, device.bram)
