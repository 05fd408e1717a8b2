"""The same integers everywhere: every target on the same inputs, and the proof of the rounding.

ONNX Runtime on this machine runs the file as it is; the numpy reference, the proven integer forms
and the compiled programs must give every value of it. Inputs: extreme ones, real ones, random ones
of several statistics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, exact, not_measured
from edge_deploy.acceptance.subjects import FCN, NAMES, Subject, everyone
from edge_deploy.graph.fixed_point import apply
from edge_deploy.graph.ir import Conv2d, FullyConnected, GlobalAveragePool, Rescale
from edge_deploy.graph.ranges import accumulator_range
from edge_deploy.graph.rounding import rescaled
from edge_deploy.verify.compare import Row, compare
from edge_deploy.verify.inputs import make
from edge_deploy.verify.rounding import layers

GUIDE = "面向FPGA和ARM的量化与实现"
TOLD = {
    "reference": "the numpy reference",
    "integers": "the integer forms in numpy",
    "onnxruntime-x86": "the form for ONNX Runtime on x86",
    "c99": "C99 on this machine",
    "c99-native": "C with all of this machine's instructions",
    "arm64": "C for 64-bit ARM under qemu-aarch64",
    "arm64-dotprod": "C with 64-bit ARM's dot products under qemu-aarch64",
    "cortex-m7": "C for Cortex-M7 on qemu's MPS2 AN500",
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """inputs: of each network; emulated: of these, how many under an emulator; real: of these, how
    many from where the network works. step: every how manieth accumulator is swept."""

    inputs: int
    emulated: int
    real: int
    step: int


SIZES = {"quick": Numbers(16, 4, 4, 2003), "full": Numbers(1000, 1000, 100, 1)}


def measure(context: Context) -> Mapping[str, Measurement]:
    """Rows of every backend and of the proof."""
    numbers = SIZES[context.size]
    found, refused = everyone(context, numbers.real)
    rows: dict[str, list[tuple[Subject, Row]]] = {name: [] for name in TOLD}
    for done, one in enumerate(found):
        context.progress(done, len(found), f"{one.name}, every backend")
        inputs = make(one.network.graph, numbers.inputs, context.seed, one.real)
        folder = context.scratch / one.name
        compared = compare(one.network, inputs, folder, tuple(TOLD), numbers.emulated, sizes=False)
        for row in compared[1:]:
            rows[row.backend].append((one, row))
    digest = content_hash(repr(numbers), *(one.network.payload for one in found))
    made = {_id(name): _mismatches(each, refused, digest) for name, each in rows.items()}
    return made | {"S4-D9-R4/rounding": _rounding(found, numbers.step, digest)}


def _id(backend: str) -> str:
    return f"S4-D9-R4/integers-{backend}"


def _mismatches(
    rows: Sequence[tuple[Subject, Row]], refused: Mapping[str, str], digest: str
) -> Measurement:
    """Values that differ, over all networks but the refused ones, which are named with the why."""
    if failed := next((row.note for _, row in rows if row.mismatches is None), None):
        return not_measured(failed)
    values = sum(row.values for _, row in rows)
    inputs = sum(row.pictures for _, row in rows)
    each = ", ".join(f"{one.name} {row.mismatches} of {row.values:,}" for one, row in rows)
    without = [one.name for one, _ in rows if one.real is None and one.name in NAMES]
    note = f"{values:,} values of {inputs:,} inputs; {each}{_absent(rows, without)}"
    note += "".join(f"; {name} left out: {why}" for name, why in refused.items())
    wrong = sum(row.mismatches or 0 for _, row in rows)
    return exact(wrong, inputs, digest, note)


def _absent(rows: Sequence[tuple[Subject, Row]], without: list[str]) -> str:
    told = f"; no real inputs for {', '.join(without)}: Omniglot is not here" if without else ""
    if all(one.name != FCN for one, _ in rows):
        told += f"; {FCN} left out: inspection is not installed"
    return told


def _rounding(found: Sequence[Subject], step: int, digest: str) -> Measurement:
    """Accumulators at which an integer form differs from float32, and what is known to part."""
    swept, wrong = 0, 0
    notes, shares = [], []
    for one in found:
        here = _swept(one, step)
        swept, wrong = swept + here[0], wrong + here[1]
        notes.append(_parting(one))
        listed = layers(one.network.graph, one.network.sources.forms)
        shares.append(sum(len(values) for each in listed for values in each.exceptions.values()))
    plot = Plot(
        "Accumulators at which plain fixed point would fail",
        f"network: {', '.join(one.name for one in found)}",
        "accumulators patched",
        (Series("exceptions", range(len(found)), shares, kind="points"),),
    )
    return exact(wrong, swept, digest, "; ".join(notes), (plot,))


def _swept(one: Subject, step: int) -> tuple[int, int]:
    """Accumulators tried over all channels, and how many of them round otherwise."""
    graph, forms = one.network.graph, one.network.sources.forms.rescales
    count, wrong = 0, 0
    for op in graph.operators:
        if not isinstance(op, Conv2d | FullyConnected | GlobalAveragePool):
            continue
        span = accumulator_range(graph, op)
        for at, (low, high) in enumerate(zip(span.low.tolist(), span.high.tolist(), strict=True)):
            every = np.arange(low, high + 1, step, dtype=np.int64)[None]
            single = Rescale(op.rescale.scale[at : at + 1], op.rescale.zero_point)
            wrong += int(
                (apply(forms[op.name].channel(at), every) != rescaled(every, single)).sum()
            )
            count += every.size
    return count, wrong


def _parting(one: Subject) -> str:
    """Where another runtime could give other integers."""
    listed = layers(one.network.graph, one.network.sources.forms)
    neon = [each.layer for each in listed if each.neon_differences]
    saturating = sum(each.may_saturate > 0 for each in listed)
    patched = sum(len(values) for each in listed for values in each.exceptions.values())
    ties = (
        f"ONNX Runtime on ARM64 rounds ties otherwise in {', '.join(neon)}" if neon else "no ties"
    )
    return (
        f"{one.name}: {patched} patched, {ties}, {saturating} layers could saturate in ONNX "
        "Runtime on x86 without VNNI"
    )


def _backend(name: str, told: str) -> Indicator:
    return Indicator(
        _id(name),
        f"No value of any network differs between ONNX Runtime and {told}.",
        GUIDE,
        "values",
        "==",
        0,
        "simulated",
        "Extreme, real and random inputs through both; every output integer is compared.",
    )


EXPERIMENTS = (
    Experiment(
        "integers",
        (
            *(_backend(name, told) for name, told in TOLD.items()),
            Indicator(
                "S4-D9-R4/rounding",
                "Every layer's integer form rounds as float32 does on every accumulator it can "
                "meet.",
                GUIDE,
                "accumulators",
                "==",
                0,
                "simulated",
                "The accumulator range of each channel is swept; at quick size with a step. The "
                "note names where other runtimes could differ.",
            ),
        ),
        measure,
    ),
)
