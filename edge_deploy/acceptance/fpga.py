"""The generated Verilog in co-simulation: its integers, and how busy its multipliers are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured, rate
from edge_deploy.acceptance.subjects import FCN, NAMES, subjects
from edge_deploy.errors import EdgeError
from edge_deploy.fpga import deploy, tools
from edge_deploy.reference.run import run
from edge_deploy.verify.inputs import make

QUICK = (FCN,)  # at quick size this one; at full size every network
PICTURES = {"quick": 5, "full": 40}
STALLS = (30, 30)  # percent of cycles that source and sink wait
BUSY = 0.8
GUIDE = "至少1套基于嵌入式处理FPGA和ARM专用芯片的系统"


def measure(name: str, context: Context) -> Mapping[str, Measurement]:
    """Mismatches under random back-pressure, and busy multipliers without."""
    ids = (_integers(name).id, _busy(name).id)
    if name not in QUICK and context.size == "quick":
        return dict.fromkeys(ids, not_measured("simulated: at full size only, for its time"))
    if reason := tools.missing("verilator"):
        return dict.fromkeys(ids, not_measured(reason))
    found = [one for one in subjects(context, PICTURES[context.size]) if one.name == name]
    if not found:
        return dict.fromkeys(ids, not_measured("the direction inspection is not installed"))
    graph = found[0].network.graph
    inputs = make(graph, PICTURES[context.size], context.seed)
    if found[0].real is not None:
        inputs = {graph.inputs[0]: np.concatenate([inputs[graph.inputs[0]], found[0].real])}
    wanted = run(graph, inputs)
    folder = context.scratch / name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        program = deploy.compiled(graph, folder)
        held = program.run(inputs, STALLS, context.seed)
        free = program.run(inputs, (0, 0), context.seed)
    except EdgeError as error:
        return dict.fromkeys(ids, not_measured(f"simulated: {error}"))
    differ = sum(int((wanted[key] != held.outputs[key]).sum()) for key in wanted)
    differ += sum(int((wanted[key] != free.outputs[key]).sum()) for key in wanted)
    count = 2 * sum(value.size for value in wanted.values())
    digest = content_hash(*inputs.values(), *wanted.values())
    pictures = len(next(iter(inputs.values())))
    note = f"{pictures} pictures, with and without back-pressure of {STALLS[0]} %"
    rows = {ids[0]: rate(differ, count, digest, note)}
    if free.busy is None or free.interval is None:
        rows[ids[1]] = not_measured("simulated: too few pictures for a steady state")
        return rows
    told = f"{free.interval:,.0f} cycles from picture to picture, {free.latency:,} to the first"
    rows[ids[1]] = exact(free.busy, pictures, digest, told)
    return rows


def _integers(name: str) -> Indicator:
    return Indicator(
        f"S4-D9-K3/fpga-{name}",
        f"The Verilog of {name} gives the integers of the reference.",
        GUIDE,
        "fraction",
        "<=",
        1e-3,
        "simulated",
        "Share of differing output values in Verilator's co-simulation of the generated design, "
        "with random back-pressure and without: extreme, random and real pictures.",
    )


def _busy(name: str) -> Indicator:
    return Indicator(
        f"S4-D9-R4/fpga-busy-{name}",
        f"Of the multipliers built for {name} at least 80 % are busy.",
        GUIDE,
        "fraction",
        ">=",
        BUSY,
        "simulated",
        "Multiply-accumulates of a picture over multipliers times cycles between pictures, in "
        "steady state without back-pressure, counted in co-simulation.",
    )


EXPERIMENTS = tuple(
    Experiment(f"fpga-{name}", (_integers(name), _busy(name)), partial(measure, name))
    for name in NAMES
)
