"""Two searches against chance at equal budget, and what the emulated board makes of the found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from common.errors import MissingExtraError
from edge_deploy.acceptance.fewshot import GUIDE_TOOLS
from edge_deploy.acceptance.latency import CLASSES, GUIDE, on_board
from edge_deploy.c.build import TARGETS
from edge_deploy.characters import shrunk
from edge_deploy.search.command import (
    Space,
    Steps,
    judge,
    search_and_deploy,
    supernet,
    within,
)
from edge_deploy.search.cost import Cost, Limits
from edge_deploy.search.data import Labelled, split
from edge_deploy.search.engines import Name, search
from edge_deploy.search.latency import TARGET, fit
from edge_deploy.sim.glyphs import draw, invent
from edge_deploy.verify import tools

DEPLOYED = "S4-D9-R3/deployed"
ENGINES: tuple[Name, ...] = ("evolution", "bayes")
EVOLUTION = "S2-T1/evolution"
BESIDE = {engine: f"S4-D9-K2/{engine}" for engine in ENGINES}
GUIDE_SCHEMES = "不少于2套"
PICTURES = 50  # of a class of invented handwriting
SEEDS, BUDGET = 20, 60
PRICED = 8  # networks on the board, before a search
STEPS = Steps(shared=700, alone=150)
LIMITS = Limits(macs=800_000, arena=8_000)
FPGA_TOO = replace(LIMITS, dsp=100, frames_hz=2000.0)  # what is deployed
FULL_ONLY = "at full size only, for its time"

F64 = NDArray[np.float64]


def measure_search(context: Context) -> Mapping[str, Measurement]:
    """Hypervolumes of all engines and the deployed network."""
    ids = (*BESIDE.values(), DEPLOYED, EVOLUTION)
    if not context.full:
        return dict.fromkeys(ids, not_measured(FULL_ONLY))
    if reason := tools.missing(TARGETS[TARGET].tools):
        return dict.fromkeys(ids, not_measured(reason))
    data = handwriting(context.seed)
    graphs, spent = on_board(context, PRICED)
    try:
        net = supernet(data, STEPS.shared, context.seed)
    except MissingExtraError as error:
        return dict.fromkeys(ids, not_measured(str(error)))
    space = within(LIMITS, CLASSES, fit(graphs, spent))
    evaluate = judge(net, space, data)
    areas: dict[Name, F64] = {}
    for engine in (*ENGINES, "random"):
        context.progress(len(areas), len(ENGINES) + 1, engine)
        areas[engine] = areas_of(engine, space, evaluate, SEEDS, BUDGET, context.seed)
    digest = content_hash(data.learned, data.asked)
    rows = {BESIDE[one]: _beside(one, areas, space, digest) for one in ENGINES}
    rows[EVOLUTION] = rows[BESIDE["evolution"]]
    return rows | {DEPLOYED: _deployed(data, context)}


def handwriting(seed: int) -> Labelled:
    """Invented characters, each drawn by many hands."""
    classes = []
    for at in range(CLASSES):
        rng = np.random.default_rng((seed, 40_000 + at))
        glyph = invent(rng)
        classes.append(np.stack([shrunk(draw(glyph, rng)) for _ in range(PICTURES)]))
    return split(classes)


def areas_of(
    engine: Name, space: Space, evaluate: Callable[[int], float], seeds: int, budget: int, seed: int
) -> F64:
    """(seeds, budget) hypervolume after each evaluation."""
    grown = []
    for at in range(seeds):
        errors = search(engine, space.candidates, evaluate, budget, 1000 * seed + at)
        asked = list(errors.items())
        grown.append([space.candidates.area(dict(asked[: n + 1])) for n in range(len(asked))])
    return np.array(grown)


def _beside(engine: Name, areas: Mapping[Name, F64], space: Space, digest: str) -> Measurement:
    from scipy.stats import wilcoxon

    ours, chance = areas[engine][:, -1], areas["random"][:, -1]
    p = float(wilcoxon(ours, chance, alternative="greater").pvalue)
    note = (
        f"{len(ours)} seeds, {areas[engine].shape[1]} evaluations each of {len(space.costs)} "
        f"architectures within the limits; mean hypervolume {ours.mean():.4f}, by chance "
        f"{chance.mean():.4f}; better in {int((ours > chance).sum())} seeds. Evaluations of the "
        "supernet are shared between seeds and engines"
    )
    return exact(p, len(ours), digest, note, (_curves(areas),))


def _curves(areas: Mapping[Name, F64]) -> Plot:
    series = tuple(
        Series(name, np.arange(1, own.shape[1] + 1), own.mean(0), own.min(0), own.max(0))
        for name, own in areas.items()
    )
    return Plot("Front of error and instructions", "evaluations", "hypervolume", series)


def _deployed(data: Labelled, context: Context) -> Measurement:
    def tell(done: int, total: int, what: str) -> None:
        context.progress(done, total, what)

    out: Path = context.scratch / "deployed"
    made = search_and_deploy(data, FPGA_TOO, out, "bayes", BUDGET, context.seed, STEPS, tell)
    note = (
        f"{made['architecture']}: {made['macs']:,} multiply-accumulates of {LIMITS.macs:,}, arena "
        f"{made['arena_bytes']:,} bytes of {LIMITS.arena:,}; {made['dsp']} FPGA multipliers of "
        f"{FPGA_TOO.dsp}, {made['frames_hz']:,.0f} pictures a second of {FPGA_TOO.frames_hz:,.0f} "
        f"by its folding at 100 MHz; int8 names {made['accuracy_int8']:.1%} of "
        f"{len(data.asked)} rightly"
    )
    shown = made["front"]
    plot = Plot(
        "Front of the search",
        "multiply-accumulates",
        "validation error in the supernet",
        (
            Series(
                "front",
                [one["macs"] for one in shown],
                [one["error"] for one in shown],
                kind="points",
            ),
        ),
        lines=(ReferenceLine("limit", float(LIMITS.macs or 0), "x"),),
    )
    told = Cost(made["macs"], made["arena_bytes"], 0.0, made["dsp"], made["frames_hz"])
    kept = FPGA_TOO.allow(told) and FPGA_TOO.fast_enough(told) and told.dsp <= (FPGA_TOO.dsp or 0)
    value = made["mismatches"] if kept else made["mismatches"] + 1
    digest = content_hash((out / "searched_int8.onnx").read_bytes())
    return exact(value, made["verified"], digest, note, (plot,))


EXPERIMENTS = (
    Experiment(
        "architecture-search",
        (
            *(
                Indicator(
                    BESIDE[engine],
                    f"The {word} search finds better fronts than chance with as many evaluations.",
                    GUIDE_SCHEMES,
                    "p",
                    "<",
                    0.05,
                    "simulated",
                    "Hypervolume of validation error and instructions under limits of "
                    f"{LIMITS.macs:,} multiply-accumulates and {LIMITS.arena:,} bytes of arena, "
                    "each seed beside the random search of the same first ten; one-sided paired "
                    "Wilcoxon test. Errors are a weight-sharing supernet's on invented "
                    "handwriting.",
                )
                for engine, word in zip(ENGINES, ("evolutionary", "Bayesian"), strict=True)
            ),
            Indicator(
                EVOLUTION,
                "Evolutionary computing: with as many evaluations the evolutionary search for an "
                "architecture finds better fronts than chance.",
                GUIDE_TOOLS,
                "p",
                "<",
                0.05,
                "simulated",
                f"The measurement of {BESIDE['evolution']}.",
            ),
            Indicator(
                DEPLOYED,
                "One call goes from data and limits to C99 that keeps within them and gives ONNX "
                "Runtime's integers.",
                GUIDE,
                "values",
                "==",
                0.0,
                "simulated",
                "Invented handwriting, Bayesian search, training alone, quantisation, C99 on this "
                "machine: values that differ, and one more where a limit is not kept. The limits "
                f"are those above, {FPGA_TOO.dsp} multipliers and {FPGA_TOO.frames_hz:,.0f} "
                "pictures a second of an FPGA, as the design's folding tells.",
            ),
        ),
        measure_search,
    ),
)
