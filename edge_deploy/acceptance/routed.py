"""A network placed and routed on an ECP5 with open tools: its clock, its pictures a second."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path

from common.acceptance.experiment import Context, Experiment
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from edge_deploy.acceptance.subjects import subject
from edge_deploy.errors import EdgeError
from edge_deploy.fpga import cosim, synthesis, tools
from edge_deploy.fpga.deploy import DEVICE, Deployment, deploy
from edge_deploy.fpga.sources import sources
from edge_deploy.fpga.top import module_name
from edge_deploy.verify.inputs import make

NET = "resnet8"
PICTURES = 4  # two fill the pipeline
GUIDE = "至少1套基于嵌入式处理FPGA和ARM专用芯片的系统"
CLOCK, PACE, SPENT = (f"S4-D9-R4/fpga-{word}-{NET}" for word in ("clock", "frames", "minutes"))


def measure(context: Context) -> Mapping[str, Measurement]:
    """From the ONNX file to a bitstream, at full size alone."""
    if not context.full:
        why = "simulated: at full size only, placing and routing takes minutes"
        return dict.fromkeys((CLOCK, PACE, SPENT), not_measured(why))
    if reason := tools.missing("verilator", "yosys", "nextpnr-ecp5", "ecppack"):
        return dict.fromkeys((CLOCK, PACE, SPENT), not_measured(reason))
    try:
        return _measured(context)
    except EdgeError as error:
        return dict.fromkeys((CLOCK, PACE, SPENT), not_measured(f"simulated: {error}"))


def _measured(context: Context) -> Mapping[str, Measurement]:
    start = _cpu_s()
    found = subject(NET, context, 0)
    assert found is not None, "it is one of this direction's own"
    graph, folder = found.network.graph, context.scratch / "routed"
    made = deploy(graph, folder)
    context.progress(0, 3, f"{NET}: synthesis")
    synthesis.synthesise(folder, module_name(made.design))
    context.progress(1, 3, f"{NET}: place and route")
    placed = synthesis.place(folder, DEVICE)
    spent = (_cpu_s() - start) / 60
    context.progress(2, 3, f"{NET}: cycles")
    interval = _interval(made, context.scratch / "cycles", context.seed)
    digest = content_hash(found.network.payload, *sorted(sources(made.design).values()))
    used, frames = placed.used, placed.fmax_mhz * 1e6 / interval
    bits = placed.bitstream.stat().st_size if placed.bitstream else 0
    note = (
        f"{used.dsp} multipliers, {used.lut:,} look-up tables, {used.bram} memories of an "
        f"LFE5U-85F; bitstream of {bits:,} bytes; pins are not assigned, one seed"
    )
    return {
        CLOCK: exact(placed.fmax_mhz, 1, digest, note),
        PACE: exact(frames, PICTURES, digest, f"{interval:,.0f} cycles from picture to picture"),
        SPENT: exact(spent, 1, digest, "CPU time of reading, folding, yosys, nextpnr, ecppack"),
    }


def _interval(made: Deployment, folder: Path, seed: int) -> float:
    ran = cosim.compile_design(made.design, folder).run(make(made.design.graph, PICTURES, seed))
    if ran.interval is None:
        raise EdgeError("too few pictures for a steady state")
    return ran.interval


def _cpu_s() -> float:
    """Of this process and of the programs that it waited for."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)


EXPERIMENTS = (
    Experiment(
        f"fpga-routed-{NET}",
        (
            Indicator(
                CLOCK,
                "ResNet-8, placed and routed on an ECP5-85, runs at 100 MHz at least.",
                GUIDE,
                "MHz",
                ">=",
                100.0,
                "simulated",
                "Slowest path from register to register after routing, by nextpnr's timing of "
                "speed grade 6; generated Verilog through yosys, nextpnr-ecp5 and ecppack.",
            ),
            Indicator(
                PACE,
                "ResNet-8 on an ECP5-85 takes 500 pictures a second at least.",
                GUIDE,
                "frames/s",
                ">=",
                500.0,
                "simulated",
                "That clock over the cycles from picture to picture that co-simulation counts.",
            ),
            Indicator(
                SPENT,
                "From the ONNX file to the bitstream takes ten minutes at most.",
                GUIDE,
                "CPU minutes",
                "<=",
                10.0,
                "simulated",
                "Processor time of one thread, so that other work on the machine does not count.",
            ),
        ),
        measure,
    ),
)
