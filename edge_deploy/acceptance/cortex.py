"""Cortex-M7: instructions a multiply-accumulate, and the arena beside the least that is possible.

Counted on qemu's MPS2 AN500 with -icount, which moves the emulated clock by a fixed step an
instruction; the board's timer is read before and after each layer. Such counts repeat exactly and
say nothing of caches or dual issue: they are instructions, not cycles.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, ReferenceLine, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from edge_deploy.acceptance.subjects import EVERY, Subject, everyone
from edge_deploy.c.build import TARGETS
from edge_deploy.graph.ir import Conv2d, Operator, macs
from edge_deploy.verify import programs, tools
from edge_deploy.verify.inputs import make

MOST = 2.0  # instructions a multiply-accumulate
ARENA = 1.10
GUIDE = "面向FPGA和ARM的量化与实现"
ABSENT = "the direction inspection is not installed"


def measure(context: Context) -> Mapping[str, Measurement]:
    """Rows of all networks."""
    target = TARGETS["cortex-m7"]
    reason = tools.missing(target.tools)
    here, refused = everyone(context, 1)
    found = {one.name: one for one in here}
    rows: dict[str, Measurement] = {}
    for done, name in enumerate(EVERY):
        context.progress(done, len(EVERY), f"{name} on the emulated board")
        one = found.get(name)
        if one is None:
            why = not_measured(refused.get(name, ABSENT))
            rows |= {_id("m7", name): why, _id("arena", name): why}
            continue
        rows[_id("arena", name)] = _arena(one)
        rows[_id("m7", name)] = not_measured(reason) if reason else _counted(one, context)
    return rows


def _arena(one: Subject) -> Measurement:
    plan = one.network.sources.memory.plan
    note = f"arena {plan.size:,} bytes, most alive at one step {plan.bound:,} bytes"
    digest = content_hash(one.network.payload)
    return exact(plan.size / plan.bound, len(plan.buffers), digest, note)


def _counted(one: Subject, context: Context) -> Measurement:
    """Instructions over all dense 3x3 convolutions by their multiply-accumulates."""
    graph = one.network.graph
    inputs = make(graph, 1, context.seed)
    folder = context.scratch / f"m7-{one.name}"
    target = TARGETS["cortex-m7"]
    spent = programs.run(graph, one.network.sources, target, inputs, folder, True).instructions
    each = list(zip(graph.operators, spent, strict=True))
    dense = [(op, count) for op, count in each if _is_dense(op)]
    work = sum(macs(graph, op) for op, _ in dense)
    worst = max(dense, key=lambda pair: pair[1] / macs(graph, pair[0]))
    rest = [(op, count) for op, count in each if isinstance(op, Conv2d) and op.depthwise]
    note = (
        f"{sum(spent):,} instructions a picture for {graph.macs:,} multiply-accumulates; worst 3x3 "
        f"convolution {worst[1] / macs(graph, worst[0]):.2f} ({_shape(worst[0])})"
    )
    if rest:
        share = sum(count for _, count in rest) / sum(macs(graph, op) for op, _ in rest)
        note += f"; depthwise {share:.2f}"
    digest = content_hash(one.network.payload, *(value.tobytes() for value in inputs.values()))
    value = sum(count for _, count in dense) / work
    return exact(value, len(dense), digest, note, (_plot(one, each),))


def _is_dense(op: Operator) -> bool:
    return isinstance(op, Conv2d) and op.weight.shape[2:] == (3, 3) and not op.depthwise


def _shape(op: Operator) -> str:
    assert isinstance(op, Conv2d)
    filters, channels = op.weight.shape[:2]
    return f"{channels} to {filters} channels"


def _plot(one: Subject, each: list[tuple[Operator, int]]) -> Plot:
    graph = one.network.graph
    kinds = {
        "dense 3x3": [at for at, (op, _) in enumerate(each) if _is_dense(op)],
        "1x1": [
            at
            for at, (op, _) in enumerate(each)
            if isinstance(op, Conv2d) and op.weight.shape[2:] == (1, 1)
        ],
        "depthwise": [
            at for at, (op, _) in enumerate(each) if isinstance(op, Conv2d) and op.depthwise
        ],
    }
    series = tuple(
        Series(
            name, chosen, [each[at][1] / macs(graph, each[at][0]) for at in chosen], kind="points"
        )
        for name, chosen in kinds.items()
        if chosen
    )
    title = f"{one.name} on Cortex-M7, emulated"
    lines = (ReferenceLine("2", MOST),)
    return Plot(title, "layer", "instructions a multiply-accumulate", series, lines=lines)


def _id(word: str, name: str) -> str:
    return f"S4-D9-R4/{word}-{name}"


_row = partial(Indicator, guide=GUIDE, comparator="<=", evidence="simulated")
EXPERIMENTS = (
    Experiment(
        "cortex-m7",
        (
            *(
                _row(
                    id=_id("m7", name),
                    claim=f"The 3x3 convolutions of {name} take at most 2 instructions a "
                    "multiply-accumulate on a Cortex-M7.",
                    unit="instructions/MAC",
                    target=MOST,
                    method="qemu's MPS2 AN500 with -icount: executed instructions between readings "
                    "of the board's timer, first picture; gathering and rescaling included. "
                    "Instructions, not cycles.",
                )
                for name in EVERY
            ),
            *(
                _row(
                    id=_id("arena", name),
                    claim=f"The arena of {name} is within 10 % of the least possible.",
                    unit="ratio",
                    target=ARENA,
                    method="Size of the static arena over the most bytes alive at one step, which "
                    "no plan can be below.",
                )
                for name in EVERY
            ),
        ),
        measure,
    ),
)
