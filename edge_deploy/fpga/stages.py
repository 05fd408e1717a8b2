"""One function an operator of the graph: the module that computes it, its parameters and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import UnsupportedError
from edge_deploy.fpga import rom
from edge_deploy.fpga.device import Resources, bank_words
from edge_deploy.fpga.folding import Fold, Load
from edge_deploy.fpga.layout import Shape, columns
from edge_deploy.fpga.rescale import RESCALE_COST, rescaling, signed_bits
from edge_deploy.fpga.window import Rows, Window
from edge_deploy.graph import fixed_add, ir

OUTBOX_SLACK = 28  # bytes that are under way between a claim and the outbox
SMALL = Resources(0, 150, 1)
TABLE_RANGE = np.arange(256)


@dataclass(frozen=True, slots=True)
class Stage:
    """A module's instance between streams.

    pace: cycles of one output pixel. window: which input pixels an output pixel waits for; None
    where it is the pixel of the same number. tables: text by file name.
    """

    name: str
    module: str
    inputs: tuple[str, ...]
    output: str
    pace: int
    parameters: Mapping[str, int | str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    window: Window | None = None
    fold: Fold | None = None
    cost: Resources = SMALL


class Builder:
    """Stages of one graph. names: a Verilog name for each operator."""

    def __init__(
        self, graph: ir.Graph, shapes: Mapping[str, Shape], names: Mapping[str, str]
    ) -> None:
        self.graph, self.shapes, self.names = graph, shapes, names

    def load(self, op: ir.Operator) -> Load | None:
        """What the solver must know of a layer with multipliers, None for others."""
        if isinstance(op, ir.FullyConnected):
            width = op.weight.shape[1]
            return Load(op.name, Window((width, 1, 1), (1, 1), (1, 1), (0, 0), (1, 1)),
                        len(op.weight), False)  # fmt: skip
        if not isinstance(op, ir.Conv2d):
            return None
        if op.groups > 1 and not op.depthwise:
            raise UnsupportedError(
                op.name, "a convolution in groups", "Use one group or a depthwise convolution."
            )
        window = self._window(op, (op.weight.shape[2], op.weight.shape[3]), op.stride, op.pad[:2])
        return Load(op.name, window, len(op.weight), op.depthwise)

    def stage(self, op: ir.Operator, fold: Fold | None) -> Stage:
        """The instance of an operator; fold: of those that `load` tells of."""
        match op:
            case ir.Conv2d() | ir.FullyConnected():
                load = self.load(op)
                assert fold is not None and load is not None
                return self._weighted(op, load, fold)
            case ir.MaxPool():
                return self._pool(op)
            case ir.GlobalAveragePool():
                return self._average(op)
            case ir.Add():
                return self._add(op)
            case ir.Concat():
                return self._concat(op)
            case ir.Lookup():
                return self._lookup(op)
            case ir.Upsample():
                return self._upsample(op)
            case ir.Rearrange():
                return self._blocks(op) if op.to_depth else self._unblocked(op)
            case ir.Flatten():
                raise AssertionError("a Flatten is no stage: the stream has its order already")

    def _window(
        self,
        op: ir.Operator,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        pad: tuple[int, ...],
    ) -> Window:
        _, rows, columns_ = self.shapes[op.output]
        source = self.shapes[op.inputs[0]]
        return Window(source, kernel, stride, (pad[0], pad[1]), (rows, columns_))

    def _weighted(self, op: ir.Conv2d | ir.FullyConnected, load: Load, fold: Fold) -> Stage:
        name, made = self.names[op.name], rescaling(self.graph, op)
        weight = op.weight
        if isinstance(op, ir.FullyConnected):
            weight = columns(weight, self.shapes[op.inputs[0]])[:, :, None, None]
        words = depthwise_words(weight, fold) if load.depthwise else full_words(weight, fold)
        bank = bank_words(words.shape[1])
        files = {
            **{
                f"{name}_weights_{at // bank:03}.hex": rom.bytes_of(words[at : at + bank])
                for at in range(0, len(words), bank)
            },
            **made.files(name),
        }
        parameters: dict[str, int | str] = {
            **load.window.parameters,
            "OUT_CHANNELS": load.filters,
            "DEPTHWISE": int(load.depthwise),
            "FILTERS": fold.filters,
            "TAPS": fold.taps,
            "ZERO_POINT": self.graph.tensors[op.inputs[0]].zero_point,
            **made.named(name),
            "OUTBOX": 2 * fold.filters + OUTBOX_SLACK,
            "BANK": bank,
            "WEIGHTS": f"{name}_weights",
        }
        return Stage(
            name, "lingnan_conv", op.inputs, op.output, fold.cycles // load.pixels,
            parameters, files, load.window, fold, fold.cost,
        )  # fmt: skip

    def _pool(self, op: ir.MaxPool) -> Stage:
        window = self._window(op, op.kernel, op.stride, op.pad[:2])
        pace = window.source[0] * op.kernel[0] * op.kernel[1]
        return Stage(
            self.names[op.name], "lingnan_max_pool", op.inputs, op.output, pace,
            window.parameters, {}, window,
        )  # fmt: skip

    def _average(self, op: ir.GlobalAveragePool) -> Stage:
        name, made = self.names[op.name], rescaling(self.graph, op)
        channels, height, width = self.shapes[op.inputs[0]]
        parameters: dict[str, int | str] = {
            "CHANNELS": channels,
            "PIXELS": height * width,
            "ZERO_POINT": self.graph.tensors[op.inputs[0]].zero_point,
            **made.named(name),
        }
        whole = Window((channels, height, width), (height, width), (1, 1), (0, 0), (1, 1))
        return Stage(
            name, "lingnan_global_pool", op.inputs, op.output, channels, parameters,
            made.files(name), whole, None, RESCALE_COST,
        )  # fmt: skip

    def _add(self, op: ir.Add) -> Stage:
        name, form = self.names[op.name], fixed_add.fit(self.graph, op)
        if form.form == "table":
            raise UnsupportedError(
                op.name,
                "its sum has no form of two multiplications and one shift",
                "Quantise with `lingnan edge quantize --exact`.",
            )
        first = TABLE_RANGE * form.multipliers[0] + form.offset
        second = TABLE_RANGE * form.multipliers[1]
        ends = np.array(
            [first.min() + second.min(), first.max() + second.max() + (1 << form.shift)]
        )
        bits = max(signed_bits(ends.astype(object)), signed_bits(first.astype(object)))
        bits = max(bits, form.shift + 10)
        parameters: dict[str, int | str] = {
            "TERM_BITS": bits,
            "SHIFT": form.shift,
            "HALF_EVEN": int(form.form == "half-even"),
            "EXCEPTIONS": len(form.exceptions),
            "LISTED": _listed(form.exceptions),
            "TABLE_A": f"{name}_a.hex",
            "TABLE_B": f"{name}_b.hex",
        }
        tables = {
            f"{name}_a.hex": rom.packed([(first, bits)]),
            f"{name}_b.hex": rom.packed([(second, bits)]),
        }
        pace, cost = self.shapes[op.output][0], Resources(0, 250, 2)
        return Stage(name, "lingnan_add", op.inputs, op.output, pace, parameters, tables, cost=cost)

    def _concat(self, op: ir.Concat) -> Stage:
        if len(op.inputs) != 2:
            raise UnsupportedError(op.name, "a concatenation of more than two", "Join in pairs.")
        first, second = (self.shapes[name][0] for name in op.inputs)
        parameters = {"CHANNELS_A": first, "CHANNELS_B": second}
        pace = first + second
        return Stage(self.names[op.name], "lingnan_concat", op.inputs, op.output, pace, parameters)

    def _lookup(self, op: ir.Lookup) -> Stage:
        name = self.names[op.name]
        file = f"{name}_table.hex"
        pace = self.shapes[op.output][0]
        return Stage(
            name, "lingnan_lookup", op.inputs, op.output, pace, {"TABLE": file},
            {file: rom.bytes_of(op.table[:, None])},
        )  # fmt: skip

    def _upsample(self, op: ir.Upsample) -> Stage:
        channels = self.shapes[op.inputs[0]][0]
        return self._expanded(op, op.factor, channels, (0, 0, 1))

    def _unblocked(self, op: ir.Rearrange) -> Stage:
        channels, block = self.shapes[op.output][0], op.block
        far = (block * channels, channels, 1) if op.order == "block" else (block, 1, block**2)
        return self._expanded(op, (block, block), channels, far)

    def _expanded(
        self, op: ir.Operator, factor: tuple[int, int], channels: int, far: tuple[int, int, int]
    ) -> Stage:
        """far: bytes from row to row, column to column and channel to channel of a block."""
        deep, height, width = self.shapes[op.inputs[0]]
        parameters = {
            "CHANNELS": deep,
            "OUT_CHANNELS": channels,
            "WIDTH": width,
            "DOWN": factor[0],
            "RIGHT": factor[1],
            "FAR_ROW": far[0],
            "FAR_COLUMN": far[1],
            "FAR_CHANNEL": far[2],
        }
        shape = self.shapes[op.output]
        rows = Rows((deep, height, width), (1, 1), factor, (0, 0), (shape[1], shape[2]))
        return Stage(
            self.names[op.name], "lingnan_expand", op.inputs, op.output, channels, parameters,
            {}, rows,
        )  # fmt: skip

    def _blocks(self, op: ir.Rearrange) -> Stage:
        window = self._window(op, (op.block, op.block), (op.block, op.block), (0, 0))
        channels, height, width = window.source
        parameters = {
            "CHANNELS": channels,
            "HEIGHT": height,
            "WIDTH": width,
            "BLOCK": op.block,
            "CHANNEL_OUTER": int(op.order == "channel"),
            "CAPACITY": window.capacity,
        }
        pace = channels * op.block**2
        return Stage(
            self.names[op.name], "lingnan_space_to_depth", op.inputs, op.output, pace,
            parameters, {}, window,
        )  # fmt: skip


def full_words(weight: NDArray[np.int8], fold: Fold) -> NDArray[np.int8]:
    """(words, filters * taps) in the order in which `lingnan_mac` reads them."""
    out, channels, rows, columns_ = weight.shape
    cut = weight.reshape(
        out // fold.filters, fold.filters, channels // fold.taps, fold.taps, rows, columns_
    )
    return cut.transpose(0, 4, 5, 2, 1, 3).reshape(-1, fold.filters * fold.taps)


def depthwise_words(weight: NDArray[np.int8], fold: Fold) -> NDArray[np.int8]:
    """(words, filters): for each word of channels its taps."""
    out, _, rows, columns_ = weight.shape
    cut = weight.reshape(out // fold.filters, fold.filters, rows, columns_)
    return cut.transpose(0, 2, 3, 1).reshape(-1, fold.filters)


def _listed(exceptions: tuple[tuple[int, int, int], ...]) -> str:
    """Verilog: {correction, a, b} of each, the first in the lowest bits; 24 zeros above."""
    word = sum(
        ((correction % 256) << 16 | a << 8 | b) << (24 * at)
        for at, (a, b, correction) in enumerate(exceptions)
    )
    return f"{24 * len(exceptions) + 24}'h{word:x}"
