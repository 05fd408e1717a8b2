"""The generated Verilog in co-simulation: its integers, and how busy its multipliers are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured, rate
from edge_deploy.acceptance import system
from edge_deploy.acceptance.subjects import FCN, FCN_SIDE, LARGE, NAMES, Subject, subject
from edge_deploy.errors import EdgeError
from edge_deploy.fpga import cosim, deploy, tools
from edge_deploy.reference.run import run
from edge_deploy.verify.inputs import make

QUICK = (FCN,)  # at quick size this one; at full size every network
HELD = {"quick": 20, "full": 40}  # pictures of either kind under back-pressure
FREE = {"quick": 20, "full": 80}  # pictures without: some more than fill the pipeline
FEW = 2, 4  # of either, of large pictures, which take 25 times the cycles of small ones
SIDE = {"quick": 64, "full": FCN_SIDE}  # of inspection's frames, px
STALLS = (30, 30)  # percent of cycles that source and sink wait
BUSY = 0.8
GUIDE = "至少1套基于嵌入式处理FPGA和ARM专用芯片的系统"
EQUALITY = Indicator(
    "S2-T9/rtl-equality",
    "The Verilog that the generator writes gives the integers of the reference, value by value.",
    "GPU/FPGA/ASIC",
    "values",
    "==",
    0,
    "simulated",
    "Output values that differ between Verilator's cycle-accurate simulation of the generated "
    "design and the numpy reference, of inspection's network: extreme, random and real pictures, "
    "with random back-pressure and without.",
)


def measure(name: str, context: Context) -> Mapping[str, Measurement]:
    """Mismatches under random back-pressure, busy multipliers without; inspection's as a system."""
    ids = [row.id for row in _indicators(name)]
    if name not in QUICK and context.size == "quick":
        return dict.fromkeys(ids, not_measured("simulated: at full size only, for its time"))
    if reason := tools.missing("verilator"):
        return dict.fromkeys(ids, not_measured(reason))
    found = subject(name, context, _counts(name, context)[0], SIDE[context.size])
    if found is None:
        return dict.fromkeys(ids, not_measured("the direction inspection is not installed"))
    folder = context.scratch / name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        context.progress(0, 2, f"{name}: building")
        program = deploy.compiled(found.network.graph, folder)
        context.progress(1, 2, f"{name}: co-simulation")
        rows = _cosimulated(found, program, context)
        if name == FCN:
            rows |= system.measure(found, program, context)
    except EdgeError as error:
        return dict.fromkeys(ids, not_measured(f"simulated: {error}"))
    return rows


def _counts(name: str, context: Context) -> tuple[int, int]:
    """Pictures of either kind under back-pressure, and pictures without."""
    return FEW if name == LARGE else (HELD[context.size], FREE[context.size])


def _cosimulated(
    found: Subject, program: cosim.Program, context: Context
) -> dict[str, Measurement]:
    graph = found.network.graph
    most, freely = _counts(found.name, context)
    inputs = make(graph, most, context.seed)
    if found.real is not None:
        inputs = {graph.inputs[0]: np.concatenate([inputs[graph.inputs[0]], found.real])}
    few = {key: value[:freely] for key, value in inputs.items()}
    wanted = run(graph, inputs)
    digest = content_hash(*inputs.values(), *wanted.values())
    held = program.run(inputs, STALLS, context.seed)
    free = program.run(few, (0, 0), context.seed)
    differ, count = _differing(wanted, (held, free))
    pictures = [len(next(iter(sent.values()))) for sent in (inputs, few)]
    note = f"{pictures[0]} pictures with back-pressure of {STALLS[0]} %, {pictures[1]} without"
    rows = {_integers(found.name).id: rate(differ, count, digest, note)}
    if found.name == FCN:
        compared = f"{count:,} values of {sum(pictures)} pictures; {note}"
        rows[EQUALITY.id] = exact(differ, sum(pictures), digest, compared)
    rows[_busy(found.name).id] = _used(free, pictures[1], digest)
    return rows


def _differing(
    wanted: Mapping[str, NDArray[np.uint8]], runs: tuple[cosim.CoSimulation, ...]
) -> tuple[int, int]:
    """Values that differ, of how many; a run may hold only the first pictures."""
    pairs = [(value, wanted[key]) for ran in runs for key, value in ran.outputs.items()]
    differ = sum(int((value != right[: len(value)]).sum()) for value, right in pairs)
    return differ, sum(value.size for value, _ in pairs)


def _used(free: cosim.CoSimulation, pictures: int, digest: str) -> Measurement:
    if free.busy is None or free.interval is None:
        return not_measured("simulated: too few pictures for a steady state")
    told = f"{free.interval:,.0f} cycles from picture to picture, {free.latency:,} to the first"
    return exact(free.busy, pictures, digest, told)


def _indicators(name: str) -> tuple[Indicator, ...]:
    own = (_integers(name), _busy(name))
    return (*own, EQUALITY, *system.INDICATORS) if name == FCN else own


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
    Experiment(f"fpga-{name}", _indicators(name), partial(measure, name))
    for name in (*NAMES, LARGE)
)
