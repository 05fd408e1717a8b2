"""Each operator as C: its constants, and the call that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_deploy.c import wide
from edge_deploy.c.memory import Memory, row_bytes, run_bytes
from edge_deploy.c.text import array, quads, structure
from edge_deploy.graph import fixed_add, fixed_point, ir
from edge_deploy.graph.ir import Graph
from edge_deploy.graph.ranges import raw_bias

FORMS = {
    "half-up": "LINGNAN_HALF_UP",
    "half-even": "LINGNAN_HALF_EVEN",
    "float32": "LINGNAN_FLOAT32",
    "table": "LINGNAN_TABLE",
}
INT32_MIN = -(2**31)
BLOCK = 16  # output channels whose weights stand together
WORD = 4


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
    constants, fields_of = _weights(memory.graph, op, forms.rescales[op.name], f"l{at}")
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
        "zero_point": source.zero_point,
        "rescale": _brace(fields),
    }
    constants += rescale + structure("lingnan_conv", f"l{at}", numbers, fields_of)
    ends = f"{memory.place(op.inputs[0])}, {memory.place(op.output)}"
    if op.depthwise:
        return Code(constants, f"lingnan_depthwise(&l{at}, {ends});")
    return Code(constants, f"lingnan_conv2d(&l{at}, {ends}, {memory.scratch(op)});")


def is_nine(op: ir.Conv2d, fixed: fixed_point.FixedPoint, source: ir.Tensor) -> bool:
    """Whether the kernel of nine taps of one channel serves; it reads rows in whole words."""
    if source.shape[2] < WORD or op.pad[1] >= WORD or op.pad[3] >= WORD:
        return False
    plain = fixed.form == "half-up" and not fixed.exceptions.size and int(fixed.shifts[0]) >= 32
    return plain and op.weight.shape[1:] == (1, 3, 3) and op.groups == 1


def _nine(op: ir.Conv2d, fixed: fixed_point.FixedPoint, source: ir.Tensor, name: str) -> str:
    """The constants of `lingnan_nine`, a line an output channel."""
    taps = op.weight.reshape(len(op.weight), 9).astype(np.int64)
    low = taps[:, [0, 3, 6, 1, 7]] & 0xFFFF
    high = np.pad(taps[:, [2, 5, 8, 4]], ((0, 0), (0, 1))) & 0xFFFF
    offsets = fixed.offset + fixed.multiplier * raw_bias(op, source)
    lines = [
        f"    {{{{{', '.join(f'0x{pair:x}u' for pair in pairs)}}}, {multiplier}, "
        f"INT64_C({offset})}},"
        for pairs, multiplier, offset in zip(
            (low | high << 16).tolist(), fixed.multiplier.tolist(), offsets.tolist(), strict=True
        )
    ]
    body = "\n".join(lines)
    return f"static const lingnan_nine {name}_nine[{len(lines)}] = {{\n{body}\n}};\n"


def _weights(
    graph: Graph, op: ir.Conv2d | ir.FullyConnected, fixed: fixed_point.FixedPoint, name: str
) -> tuple[str, str]:
    """Constants in the order of the kernels, and the fields that name them."""
    rows = wide.rows_of(graph, op)
    own, own_fields = wide.constants(graph, op, rows, name) if rows else ("", "")
    if isinstance(op, ir.Conv2d) and op.depthwise:
        values = np.ascontiguousarray(op.weight[:, 0].transpose(1, 2, 0))
        text = array(f"{name}_weight", values)
        if rows:
            text = _either("WIDE", quads(f"{name}_weight", wide.taps(op)), text)
        return text + own, f"    .weight = {name}_weight,\n" + own_fields
    text, fields = _dense(op, run_bytes(op), name)
    if isinstance(op, ir.Conv2d) and is_nine(op, fixed, graph.tensors[op.inputs[0]]):
        text = _either("SMLAD", _nine(op, fixed, graph.tensors[op.inputs[0]], name), text)
        fields = _either("SMLAD", f"{_runs(op, run_bytes(op))}    .nine = {name}_nine,\n", fields)
    elif rows and rows.run != run_bytes(op):
        at_once, at_once_fields = _dense(op, rows.run, name)
        text, fields = _either("WIDE", at_once, text), _either("WIDE", at_once_fields, fields)
    return text + own, fields + own_fields


def _dense(op: ir.Conv2d | ir.FullyConnected, run: int, name: str) -> tuple[str, str]:
    """Packed weights and the fields that tell of them; run: as `_rows` takes it."""
    groups = op.groups if isinstance(op, ir.Conv2d) else 1
    packed = [_packed(_rows(part, run)) for part in np.split(op.weight, groups)]
    text = quads(f"{name}_weight", np.concatenate(packed))
    return text, f"{_runs(op, run)}    .weight = {name}_weight,\n"


def _runs(op: ir.Conv2d | ir.FullyConnected, run: int) -> str:
    rows = op.weight.shape[2] if isinstance(op, ir.Conv2d) else 1
    return f"    .row = {rows * run or row_bytes(op)},\n    .run = {run},\n"


def _either(machine: str, text: str, other: str) -> str:
    """C for one kind of machine, and for every other."""
    return f"#ifdef LINGNAN_{machine}\n{text}#else\n{other}#endif\n"


def _rows(weight: NDArray[np.int8], run: int) -> NDArray[np.int8]:
    """A row an output channel, the input channel fastest; rows and columns in whole fours.

    run: bytes of a kernel row, 0 where only all of them together are padded.
    """
    if weight.ndim == 4:
        weight = weight.transpose(0, 2, 3, 1).reshape(len(weight), weight.shape[2], -1)
        weight = np.pad(weight, ((0, 0), (0, 0), (0, run - weight.shape[2] if run else 0)))
    flat = weight.reshape(len(weight), -1)
    return np.pad(flat, [(0, -extent % 4) for extent in flat.shape])


def _packed(rows: NDArray[np.int8]) -> NDArray[np.int8]:
    """Blocks of 16 channels, in each (tap / 4, channel, tap % 4)."""
    parts = [rows[at : at + BLOCK] for at in range(0, len(rows), BLOCK)]
    return np.concatenate(
        [part.reshape(len(part), -1, 4).transpose(1, 0, 2).reshape(-1) for part in parts]
    )


def _fully_connected(memory: Memory, op: ir.FullyConnected, at: int, forms: Forms) -> Code:
    """As a convolution of one pixel."""
    filters, length = op.weight.shape
    source = memory.graph.tensors[op.inputs[0]]
    rescale, fields = _rescale(forms.rescales[op.name], raw_bias(op, source), f"l{at}")
    constants, fields_of = _weights(memory.graph, op, forms.rescales[op.name], f"l{at}")
    ones = ("in_h", "in_w", "out_h", "out_w", "kernel_h", "kernel_w", "stride_h", "stride_w")
    numbers: dict[str, Any] = dict.fromkeys((*ones, "groups"), 1)
    numbers |= {"in_c": length, "out_c": filters}
    numbers |= {"rescale": _brace(fields)}
    constants += rescale + structure("lingnan_conv", f"l{at}", numbers, fields_of)
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
