"""Networks placed and routed on an ECP5 with open tools: the clock, the pictures a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from common.acceptance.experiment import Context, Experiment
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from edge_deploy.acceptance.subjects import LARGE, subject
from edge_deploy.errors import EdgeError
from edge_deploy.fpga import tools
from edge_deploy.fpga.route import PICTURES, TOOLS, Routed, route
from edge_deploy.fpga.sources import sources
from edge_deploy.graph.ir import Graph
from edge_deploy.search.skeleton import skeleton
from edge_deploy.search.space import Architecture, Stage

SMALL = Architecture((Stage(8, 1, "dense"), Stage(12, 1, "dense"), Stage(16, 1, "dense")))
SIDE_PX, CLASSES = 24, 10  # of a net for handwritten digits


@dataclass(frozen=True, slots=True)
class Net:
    """what: in words. device: the ECP5 it goes on. rows: what is promised of it. seed: of the
    placer; how it was come by. frames: the least a second."""

    what: str
    device: str
    rows: tuple[str, ...]
    seed: int
    chosen: str
    frames: float = 0.0


NETS = {
    "small": Net(
        "The smallest dense network of the search (its weights noise)",
        "45k",
        ("clock", "minutes"),
        1,
        "the first",
    ),
    "resnet8": Net(
        "ResNet-8", "85k", ("clock", "frames", "minutes"), 2, "the better of two tried", 500.0
    ),
    LARGE: Net(
        "The detector for pictures of 320 x 320", "85k", ("clock", "frames"), 1, "the first", 15.0
    ),
}
GUIDE = "至少1套基于嵌入式处理FPGA和ARM专用芯片的系统"
LATER = "simulated: at full size only, placing and routing takes minutes"


def measure(name: str, context: Context) -> Mapping[str, Measurement]:
    """From the network to a bitstream, at full size alone."""
    ids = {word: row.id for word, row in _indicators(name).items()}
    if not context.full:
        return dict.fromkeys(ids.values(), not_measured(LATER))
    if reason := tools.missing(*TOOLS):
        return dict.fromkeys(ids.values(), not_measured(reason))
    graph = _graph(name, context)
    try:
        folder = context.scratch / f"routed-{name}"
        net = NETS[name]
        made = route(graph, folder, context.progress, net.device, seed=net.seed)
    except EdgeError as error:
        return dict.fromkeys(ids.values(), not_measured(f"simulated: {error}"))
    rows = _rows(made, net)
    return {key: rows[word] for word, key in ids.items()}


def _graph(name: str, context: Context) -> Graph:
    if name == "small":
        return skeleton(SMALL, SIDE_PX, CLASSES)
    found = subject(name, context, 0)
    assert found is not None, "it is one of this direction's own"
    return found.network.graph


def _rows(made: Routed, net: Net) -> dict[str, Measurement]:
    """By the words of `Net.rows`."""
    digest = content_hash(*sorted(sources(made.deployment.design).values()))
    pins = (
        f"{made.used} of an LFE5U-{net.device[:2]}F; pins are not assigned; the placer's seed is "
        f"{net.seed}, {net.chosen}"
    )
    cycles = f"{made.interval:,.0f} cycles from picture to picture"
    spent = "CPU time of folding, yosys, nextpnr and ecppack"
    return {
        "clock": exact(made.placed.fmax_mhz, 1, digest, pins),
        "frames": exact(made.frames_per_s, PICTURES, digest, cycles),
        "minutes": exact(made.cpu_s / 60, 1, digest, spent),
    }


def _indicators(name: str) -> dict[str, Indicator]:
    """By the words of `Net.rows`."""
    net = NETS[name]
    place = f"{net.what} on an ECP5-{net.device[:2]}"
    clock = Indicator(
        f"S4-D9-R4/fpga-clock-{name}",
        f"{place}, placed and routed, runs at 100 MHz at least.",
        GUIDE,
        "MHz",
        ">=",
        100.0,
        "simulated",
        "Slowest path from register to register after routing, by nextpnr's timing of "
        "speed grade 6; generated Verilog through yosys, nextpnr-ecp5 and ecppack.",
    )
    frames = Indicator(
        f"S4-D9-R4/fpga-frames-{name}",
        f"{place} takes {net.frames:.0f} pictures a second at least.",
        GUIDE,
        "frames/s",
        ">=",
        net.frames,
        "simulated",
        "That clock over the cycles from picture to picture that co-simulation counts.",
    )
    minutes = Indicator(
        f"S4-D9-R4/fpga-minutes-{name}",
        f"{place} goes from its graph to the bitstream in ten minutes at most.",
        GUIDE,
        "CPU minutes",
        "<=",
        10.0,
        "simulated",
        "Processor time of one thread, so that other work on the machine does not count.",
    )
    every = {"clock": clock, "frames": frames, "minutes": minutes}
    return {word: every[word] for word in net.rows}


EXPERIMENTS = tuple(
    Experiment(f"fpga-routed-{name}", tuple(_indicators(name).values()), partial(measure, name))
    for name in NETS
)
