"""Each operator as C: its constants, and the call that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.c.memory import Memory, row_bytes
from edge_deploy.c.text import array, structure
from edge_deploy.graph import fixed_add, fixed_point, ir
from edge_deploy.graph.ranges import raw_bias

FORMS = {
    "half-up": "LINGNAN_HALF_UP",
    "half-even": "LINGNAN_HALF_EVEN",
    "float32": "LINGNAN_FLOAT32",
    "table": "LINGNAN_TABLE",
}
INT32_MIN = -(2**31)


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """The proven integer form of every layer that rescales or adds."""

    rescales: dict[str, fixed_point.FixedPoint]
    sums: dict[str, fixed_add.FixedAdd]


@dataclass(frozen=True, slots=True)
class Code:
    """constants: declarations; call: statements."""

    constants: str
    call: str


def code(memory: Memory, op: ir.Operator, at: int, forms: Forms) -> Code:
    """C for operator number `at`."""
    graph = memory.graph
    source, target = graph.tensors[op.inputs[0]], graph.tensors[op.output]
    into, out = memory.place(op.inputs[0]), memory.place(op.output)
    pixels = int(np.prod(source.shape[1:]))
    match op:
        case ir.Conv2d():
            return _conv(memory, op, at, forms)
        case ir.FullyConnected():
            return _fully_connected(memory, op, at, forms)
        case ir.GlobalAveragePool():
            bias = np.array([-source.zero_point * pixels])
            rescale, fields = _rescale(forms.rescales[op.name], bias, f"l{at}")
            made = rescale + structure("lingnan_rescale", f"l{at}", fields)
            call = f"lingnan_global_average(&l{at}, {pixels}, {source.shape[0]}, {into}, {out});"
            return Code(made, call)
        case ir.Add():
            return _sum(memory, op, at, forms.sums[op.name])
        case ir.MaxPool():
            return _max_pool(memory, op, at)
        case ir.Upsample(factor=(down, right)):
            sizes = f"{source.shape[1]}, {source.shape[2]}, {source.shape[0]}, {down}, {right}"
            return Code("", f"lingnan_upsample({sizes}, {into}, {out});")
        case ir.Concat():
            return _concat(memory, op)
        case ir.Flatten():
            return Code("", f"lingnan_flatten({pixels}, {source.shape[0]}, {into}, {out});")
        case ir.Lookup(table=values):
            call = f"lingnan_lookup({source.size}, l{at}, {into}, {out});"
            return Code(array(f"l{at}", values), call)
        case ir.Rearrange():
            shallow = source.shape if op.to_depth else target.shape
            name = "to_depth" if op.to_depth else "to_space"
            sizes = f"{shallow[1]}, {shallow[2]}, {shallow[0]}, {op.block}"
            return Code(
                "", f"lingnan_{name}({sizes}, {int(op.order == 'channel')}, {into}, {out});"
            )


def _rescale(
    fixed: fixed_point.FixedPoint, bias: NDArray[np.int64], name: str
) -> tuple[str, dict[str, Any]]:
    """Constants and fields of a rescaling for sums that start at 0."""
    half_up = fixed.form == "half-up"
    parts = {
        "multiplier": fixed.multiplier.astype(np.int32),
        "offset": fixed.offset + fixed.multiplier * bias if half_up else None,
        "bias": None if half_up else bias.astype(np.int32),
        "shifts": None if half_up else fixed.shifts.astype(np.uint8),
        "exceptions": _exceptions(fixed, bias),
        "exception_counts": _counts(fixed),
    }
    made = {key: values for key, values in parts.items() if values is not None and values.size}
    text = "".join(array(f"{name}_{key}", values) for key, values in made.items())
    fields: dict[str, Any] = {key: f"{name}_{key}" for key in made}
    fields |= {
        "form": FORMS[fixed.form],
        "shift": int(fixed.shifts[0]),
        "most": fixed.exceptions.shape[1],
        "zero_point": fixed.zero_point,
    }
    return text, fields


def _exceptions(fixed: fixed_point.FixedPoint, bias: NDArray[np.int64]) -> NDArray[np.int32]:
    raw = fixed.exceptions - bias[:, None]
    none = fixed.exceptions == fixed_point.NO_EXCEPTION
    return np.where(none, INT32_MIN, raw).astype(np.int32)


def _counts(fixed: fixed_point.FixedPoint) -> NDArray[np.uint8] | None:
    if not fixed.exceptions.size:
        return None
    counts: NDArray[np.uint8] = (fixed.exceptions != fixed_point.NO_EXCEPTION).sum(1, np.uint8)
    return counts


def _brace(fields: dict[str, Any]) -> str:
    return "{" + ", ".join(f".{key} = {value}" for key, value in fields.items()) + "}"


def _conv(memory: Memory, op: ir.Conv2d, at: int, forms: Forms) -> Code:
    source, target = memory.graph.tensors[op.inputs[0]], memory.graph.tensors[op.output]
    (channels, height, width), (filters, out_height, out_width) = source.shape, target.shape
    rescale, fields = _rescale(forms.rescales[op.name], raw_bias(op, source), f"l{at}")
    constants = rescale + array(f"l{at}_weight", _depthwise(op) if op.depthwise else _rows(op))
    numbers = {
        "in_h": height,
        "in_w": width,
        "in_c": channels,
        "out_h": out_height,
        "out_w": out_width,
        "out_c": filters,
        "kernel_h": op.weight.shape[2],
        "kernel_w": op.weight.shape[3],
        "stride_h": op.stride[0],
        "stride_w": op.stride[1],
        "pad_top": op.pad[0],
        "pad_left": op.pad[1],
        "groups": op.groups,
        "row": row_bytes(op),
        "zero_point": source.zero_point,
        "weight": f"l{at}_weight",
        "rescale": _brace(fields),
    }
    constants += structure("lingnan_conv", f"l{at}", numbers)
    ends = f"{memory.place(op.inputs[0])}, {memory.place(op.output)}"
    if op.depthwise:
        return Code(constants, f"lingnan_depthwise(&l{at}, {ends});")
    return Code(constants, f"lingnan_conv2d(&l{at}, {ends}, {memory.scratch(op)});")


def _rows(op: ir.Conv2d | ir.FullyConnected) -> NDArray[np.int8]:
    """A row an output channel, the input channel fastest, padded to a multiple of four."""
    weight = op.weight.transpose(0, 2, 3, 1) if op.weight.ndim == 4 else op.weight
    rows = weight.reshape(len(weight), -1)
    padded = np.zeros((len(rows), row_bytes(op)), np.int8)
    padded[:, : rows.shape[1]] = rows
    return padded


def _depthwise(op: ir.Conv2d) -> NDArray[np.int8]:
    return np.ascontiguousarray(op.weight[:, 0].transpose(1, 2, 0))


def _fully_connected(memory: Memory, op: ir.FullyConnected, at: int, forms: Forms) -> Code:
    """As a convolution of one pixel."""
    filters, length = op.weight.shape
    source = memory.graph.tensors[op.inputs[0]]
    rescale, fields = _rescale(forms.rescales[op.name], raw_bias(op, source), f"l{at}")
    constants = rescale + array(f"l{at}_weight", _rows(op))
    ones = ("in_h", "in_w", "out_h", "out_w", "kernel_h", "kernel_w", "stride_h", "stride_w")
    numbers: dict[str, Any] = dict.fromkeys((*ones, "groups"), 1)
    numbers |= {"in_c": length, "out_c": filters, "row": row_bytes(op)}
    numbers |= {"weight": f"l{at}_weight", "rescale": _brace(fields)}
    constants += structure("lingnan_conv", f"l{at}", numbers)
    ends = f"{memory.place(op.inputs[0])}, {memory.place(op.output)}"
    return Code(constants, f"lingnan_conv2d(&l{at}, {ends}, {memory.scratch(op)});")


def _sum(memory: Memory, op: ir.Add, at: int, fixed: fixed_add.FixedAdd) -> Code:
    constants = ""
    fields: dict[str, Any] = {
        "size": memory.graph.tensors[op.output].size,
        "multiplier_a": fixed.multipliers[0],
        "multiplier_b": fixed.multipliers[1],
        "offset": fixed.offset,
        "form": FORMS[fixed.form],
        "shift": fixed.shift,
        "exception_count": len(fixed.exceptions),
    }
    if fixed.table.size:
        constants += array(f"l{at}_table", fixed.table)
        fields["table"] = f"l{at}_table"
    if fixed.exceptions:
        constants += array(f"l{at}_exceptions", np.array(fixed.exceptions, np.int16))
        fields["exceptions"] = f"l{at}_exceptions"
    constants += structure("lingnan_add", f"l{at}", fields)
    ends = ", ".join(memory.place(name) for name in (*op.inputs, op.output))
    return Code(constants, f"lingnan_sum(&l{at}, {ends});")


def _max_pool(memory: Memory, op: ir.MaxPool, at: int) -> Code:
    source, target = memory.graph.tensors[op.inputs[0]], memory.graph.tensors[op.output]
    numbers = {
        "in_h": source.shape[1],
        "in_w": source.shape[2],
        "channels": source.shape[0],
        "out_h": target.shape[1],
        "out_w": target.shape[2],
        "kernel_h": op.kernel[0],
        "kernel_w": op.kernel[1],
        "stride_h": op.stride[0],
        "stride_w": op.stride[1],
        "pad_top": op.pad[0],
        "pad_left": op.pad[1],
    }
    ends = f"{memory.place(op.inputs[0])}, {memory.place(op.output)}"
    return Code(structure("lingnan_pool", f"l{at}", numbers), f"lingnan_max_pool(&l{at}, {ends});")


def _concat(memory: Memory, op: ir.Concat) -> Code:
    target = memory.graph.tensors[op.output]
    pixels, first, calls = target.shape[1] * target.shape[2], 0, []
    for name in op.inputs:
        channels = memory.graph.tensors[name].shape[0]
        ends = f"{memory.place(name)}, {memory.place(op.output)} + {first}"
        calls.append(f"lingnan_place({pixels}, {channels}, {target.shape[0]}, {ends});")
        first += channels
    return Code("", "\n    ".join(calls))
