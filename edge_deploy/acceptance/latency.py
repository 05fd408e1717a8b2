"""What networks take, told from their shapes: by prices that were fitted on other networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.machine import machine
from common.acceptance.measurement import Measurement, not_measured, resampled
from common.acceptance.resampling import bootstrap
from edge_deploy.bench import arm64
from edge_deploy.c.build import TARGETS
from edge_deploy.graph.ir import Graph
from edge_deploy.search.data import SIDE_PX
from edge_deploy.search.latency import TARGET, Prices, fit, in_strips, run
from edge_deploy.search.profile import SWEEPS, X86, Profile, counted, timed
from edge_deploy.search.skeleton import skeleton
from edge_deploy.search.space import every
from edge_deploy.verify import tools

CORTEX, HERE, ARM = (f"S4-D9-R3/latency-model{end}" for end in ("", "-x86", "-arm64"))
GUIDE = "模型自动搜索和生成"
CLASSES = 16
BOARDS = {"quick": (6, 5), "full": (20, 20)}  # networks that prices are fitted on, and judged on
FITTED, JUDGED = 20, 12  # the same, where each width of a strip has its price
FULL_ONLY = "at full size only: more than a minute of compiling"


def measure_cortex(context: Context) -> Mapping[str, Measurement]:
    """Predicted beside counted instructions of networks that the prices were not fitted on."""
    if reason := tools.missing(TARGETS[TARGET].tools):
        return {CORTEX: not_measured(reason)}
    fitted, judged = BOARDS[context.size]
    graphs, spent = on_board(context, fitted + judged)
    prices = fit(graphs[:fitted], spent[:fitted])
    whole = [float(sum(each)) for each in spent[fitted:]]
    what = "instructions on the emulated Cortex-M7"
    return {CORTEX: _judged(context, prices, graphs, fitted, whole, what)}


def measure_here(context: Context) -> Mapping[str, Measurement]:
    """Predicted beside measured CPU time on this machine."""
    if not context.full:
        return {HERE: not_measured(FULL_ONLY)}
    if reason := tools.missing(TARGETS[X86].tools):
        return {HERE: not_measured(reason)}
    graphs = drawn(context, FITTED + JUDGED)
    context.progress(0, 1, "networks on this machine")
    told = machine()
    what = (
        f"CPU nanoseconds on {told['cpu']} ({told['architecture']}, {told['cores']} cores, "
        f"shared; least median of {SWEEPS} starts that took turns)"
    )
    return {HERE: _profiled(context, graphs, timed(graphs, context.scratch), what)}


def measure_arm64(context: Context) -> Mapping[str, Measurement]:
    """Predicted beside counted instructions; of two cores the one that is told worse."""
    if not context.full:
        return {ARM: not_measured(FULL_ONLY)}
    if reason := tools.missing([arm64.EMULATOR, "gcc", *TARGETS["arm64"].tools[:1]]):
        return {ARM: not_measured(reason)}
    graphs, rows = drawn(context, FITTED + JUDGED), []
    for target, core in arm64.CORES.items():
        profiles = []
        for done, graph in enumerate(graphs):
            context.progress(done, len(graphs), core)
            profiles.append(counted(graph, target, context.scratch / f"{target}-{done}"))
        rows.append(_profiled(context, graphs, profiles, f"instructions on emulated {core}"))
    worse = max(rows, key=lambda row: row.value or 0.0)
    note = "; ".join(f"{row.value:.2f} %: {row.note}" for row in rows)
    figures = tuple(figure for row in rows for figure in row.figures)
    return {ARM: replace(worse, note=note, figures=figures)}


def drawn(context: Context, count: int) -> list[Graph]:
    """Networks of the search space, by the context's seed."""
    space = every()
    chosen = np.random.default_rng(context.seed).choice(len(space), count, replace=False)
    return [skeleton(space[at], SIDE_PX, CLASSES, int(at)) for at in chosen]


def on_board(context: Context, count: int) -> tuple[list[Graph], list[tuple[int, ...]]]:
    """Networks, and the instructions of their layers on the emulated Cortex-M7."""
    graphs, spent = drawn(context, count), []
    for done, graph in enumerate(graphs):
        context.progress(done, count, "networks on the emulated board")
        spent.append(run(graph, context.scratch / f"board-{done}", context.seed))
    return graphs, spent


def _profiled(
    context: Context, graphs: Sequence[Graph], profiles: Sequence[Profile], what: str
) -> Measurement:
    prices = fit(graphs[:FITTED], [one.layers for one in profiles[:FITTED]], in_strips)
    whole = [one.whole for one in profiles[FITTED:]]
    return _judged(context, prices, graphs, FITTED, whole, what)


def _judged(
    context: Context,
    prices: Prices,
    graphs: Sequence[Graph],
    fitted: int,
    whole: Sequence[float],
    what: str,
) -> Measurement:
    """Mean absolute error in per cent over the graphs after the fitted ones, which took `whole`."""
    took = np.array(whole)
    told = np.array([prices.predict(graph) for graph in graphs[fitted:]])
    off = 100 * np.abs(told / took - 1)
    note = (
        f"{what}: prices of layers fitted on {fitted} networks, told of {len(off)} others; "
        f"largest error {off.max():.1f} %"
    )
    plot = Plot(
        f"A picture's {what.partition(' (')[0]}",
        "measured",
        "told beforehand",
        (Series("networks", took, told, kind="points"), Series("equal", took, took)),
    )
    digest = content_hash(*(graph.name for graph in graphs))
    bounds = bootstrap(lambda chosen: float(off[chosen].mean()), len(off), seed=context.seed)
    return resampled(float(off.mean()), bounds, len(off), digest, note, (plot,))


OTHERS = "Mean absolute error over networks drawn from the search space that the prices were not "
OWN = "Target: the project's own."

EXPERIMENTS = (
    Experiment(
        "latency-model",
        (
            Indicator(
                CORTEX,
                "Instructions on a Cortex-M7 are told from an architecture's shapes to 10 %.",
                GUIDE,
                "%",
                "<=",
                10.0,
                "simulated",
                f"{OTHERS}fitted on, beside the instructions counted on qemu's MPS2 AN500. "
                f"Instructions, not cycles. {OWN}",
            ),
        ),
        measure_cortex,
    ),
    Experiment(
        "latency-model-x86",
        (
            Indicator(
                HERE,
                "CPU time on this machine is told from an architecture's shapes to 10 %.",
                GUIDE,
                "%",
                "<=",
                10.0,
                "real-hardware",
                f"{OTHERS}fitted on, beside the CPU time of a picture through the generated C with "
                "this machine's instructions, one thread, its layers not read. Each program is "
                f"started in turn, and of the starts' medians the least counts. {OWN}",
            ),
        ),
        measure_here,
        exclusive=True,
    ),
    Experiment(
        "latency-model-arm64",
        (
            Indicator(
                ARM,
                "Instructions on 64-bit ARM are told from an architecture's shapes to 10 %.",
                GUIDE,
                "%",
                "<=",
                10.0,
                "simulated",
                f"{OTHERS}fitted on, beside the instructions that a plug-in of qemu counts; of "
                f"Cortex-A53 and Cortex-A76 the worse. Instructions, not cycles. {OWN}",
            ),
        ),
        measure_arm64,
    ),
)
