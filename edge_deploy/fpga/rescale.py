"""A layer's proven rescaling as the parameters and the table of `lingnan_rescale`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import UnsupportedError
from edge_deploy.fpga.device import Resources
from edge_deploy.fpga.rom import packed
from edge_deploy.graph import fixed_point
from edge_deploy.graph.ir import Graph
from edge_deploy.graph.ranges import Accumulating, Range, accumulator_range

PRODUCT_BITS = 34  # of either factor: two pieces of 17 bits
MULTIPLIER_BITS = (17, 24, fixed_point.MULTIPLIER_BITS)  # the first without an exception is taken
RESCALE_COST = Resources(2, 600, 0)  # two products of 17 bits
CLAMP_BITS = 10  # above the shift: a sign, 8 bits and one that tells an overflow


@dataclass(frozen=True, slots=True)
class Rescaling:
    """parameters: of the module. table, offsets: the texts of its tables."""

    parameters: dict[str, int]
    table: str
    offsets: str

    def files(self, name: str) -> dict[str, str]:
        """The tables by the names of their files, for the instance `name`."""
        return {f"{name}_rescale.hex": self.table, f"{name}_offsets.hex": self.offsets}

    def named(self, name: str) -> dict[str, int | str]:
        """The parameters with those names."""
        table, offsets = self.files(name)
        return {**self.parameters, "TABLE": table, "OFFSETS": offsets}


def rescaling(graph: Graph, op: Accumulating) -> Rescaling:
    """The sums come without their bias: it is in the offset, bias * multiplier greater."""
    span = accumulator_range(graph, op)
    form = _shortest(op, span)
    if form.form != "half-up":
        raise UnsupportedError(
            op.name,
            "its rounding has no form of one multiplication and one shift",
            "Quantise with `lingnan edge quantize --exact`.",
        )
    bias = getattr(op, "bias", np.zeros(1, np.int32)).astype(object)
    multiplier = form.multiplier.astype(object)
    offset = form.offset.astype(object) + bias * multiplier
    low, high = span.low.astype(object) - bias, span.high.astype(object) - bias
    sum_bits = max(signed_bits(low), signed_bits(high), 20)
    shift = int(form.shifts[0])
    ends = np.concatenate([low * multiplier + offset, high * multiplier + offset])
    terms = np.concatenate([low * multiplier, high * multiplier, offset])
    total_bits = max(signed_bits(ends), signed_bits(terms), shift + CLAMP_BITS) + 1
    multiplier_bits = max(int(value).bit_length() for value in multiplier)
    if max(sum_bits, multiplier_bits) > PRODUCT_BITS:
        raise UnsupportedError(op.name, "its sums are too wide", "Use fewer input channels.")
    listed = form.exceptions.shape[1]
    fields = [
        (multiplier, multiplier_bits),
        *(_exception(column, bias, sum_bits) for column in form.exceptions.T),
    ]
    parameters = {
        "SUM_BITS": sum_bits,
        "MULTIPLIER_BITS": multiplier_bits,
        "TOTAL_BITS": total_bits,
        "SHIFT": shift,
        "EXCEPTIONS": listed,
    }
    return Rescaling(parameters, packed(fields), packed([(offset, total_bits)]))


def _shortest(op: Accumulating, span: Range) -> fixed_point.FixedPoint:
    """The proven form with the shortest multipliers that need no listed sums, else the longest."""
    for bits in MULTIPLIER_BITS:
        form = fixed_point.fit(op.rescale, span, bits)
        if form.form == "half-up" and not form.exceptional:
            break
    return form


def _exception(
    column: NDArray[np.int64], bias: NDArray[np.object_], bits: int
) -> tuple[NDArray[np.object_], int]:
    there = column != fixed_point.NO_EXCEPTION
    sums = np.where(there, column.astype(object) - bias, 0)
    flag = there.astype(object) << bits
    return flag + np.array([int(value) % (1 << bits) for value in sums], object), bits + 1


def signed_bits(values: NDArray[np.object_]) -> int:
    """Bits of two's complement that hold every value."""
    return max(
        int(value if value >= 0 else ~value).bit_length() + 1 for value in values.reshape(-1)
    )
