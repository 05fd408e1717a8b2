"""The int8 network in the form that ONNX Runtime's integer kernels are quickest with.

The shipped file says in standard operators what is meant: float ones between QuantizeLinear and
DequantizeLinear. Of it the runtime makes integer kernels, and three of these spend more on moving
bytes than on products: the first convolution, which gathers windows of 16 bytes, the doubling of
the coarse map, and the last layer. Here the kernels are named outright, in (H, W, C) order. There b
neighbouring pixels of a row are one pixel of b C channels, and no byte moves: a narrow convolution
goes over such blocks, its weights standing once for each pixel of the block, with zeros where a tap
lies outside. Every sum has the same products and every scale is the file's, so the map is the same
to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from common.runtime.onnx_graph import Attribute, Node, NotPlainError, OnnxGraph, read, write
from common.runtime.scan import scan

T = TypeVar("T")

CONTRIB = "com.microsoft"
LANES = 16  # filters that the kernel computes together: a layer of no more leaves it waiting
LEAST_WINDOW = 64  # bytes under a filter from which on gathering them costs less than the products


ARITY = {"DequantizeLinear": 3, "QuantizeLinear": 3, "Conv": 3, "Resize": 3, "Add": 2}
TOLD = {"group", "kernel_shape", "pads", "strides"}  # of a convolution
DOUBLED = {
    "mode": "nearest",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}


@dataclass(frozen=True, slots=True)
class Ints:
    """A value in (1, H, W, C) order, or a constant as it is, and the names of what it is scaled by.
    multiple: its width is one of this."""

    value: str
    scale: str
    zero: str
    channels: int = 0
    multiple: int = 1


def quick(payload: bytes, multiple: int) -> bytes:
    """The file in that form; as it is where it holds anything else than the int8 network does.

    multiple: its frames' sides are multiples of this. UnsafeModelError as `scan`.
    """
    scan(payload)
    try:
        return write(_Form(read(payload), multiple).graph())
    except NotPlainError:
        return payload


class _Form:
    """real: what the float value of a name is made of, fixed: the same of constants. held: of
    quantised values, their integers. due: float operators whose output is still to be quantised."""

    def __init__(self, source: OnnxGraph, multiple: int) -> None:
        self._source, self._multiple = source, multiple
        self._constants: dict[str, NDArray[Any]] = dict(source.constants)
        self._nodes: list[Node] = []
        self._real: dict[str, Ints] = {}
        self._fixed: dict[str, Ints] = {}
        self._held: dict[str, Ints] = {}
        self._due: dict[str, Node] = {}

    def graph(self) -> OnnxGraph:
        """All of it. NotPlainError where it is another network."""
        for node in self._source.nodes:
            _need(ARITY.get(node.kind) == len(node.inputs) and not node.domain, node.kind)
            if node.kind == "DequantizeLinear":
                self._dequantised(node)
            elif node.kind == "QuantizeLinear":
                self._quantised(node)
            else:
                self._due[node.output] = node
        made = {node.output for node in self._nodes}
        _need(not self._due and made.issuperset(self._source.outputs), "what is left")
        used = {name for node in self._nodes for name in node.inputs}
        return replace(
            self._source,
            nodes=tuple(self._nodes),
            constants={name: value for name, value in self._constants.items() if name in used},
            opsets={**self._source.opsets, CONTRIB: 1},
        )

    def _dequantised(self, node: Node) -> None:
        value, scale, zero = node.inputs
        if value in self._constants:
            _need(self._constant(scale).size == 1 or node.attributes.get("axis") == 0, "an axis")
            self._fixed[node.output] = Ints(value, scale, zero)
        elif value in self._source.inputs:  # of one channel: (1, 1, H, W) becomes (1, H, W)
            plain = self._node("Squeeze", (value, self._keep(np.array([1], np.int64))))
            self._real[node.output] = Ints(plain, scale, zero, 1, self._multiple)
        else:
            held = _known(self._held, value)
            _need(self._same(held, scale, zero), "a value of two scales")
            if node.output in self._source.outputs:
                turned = self._node("Transpose", (held.value,), perm=(0, 3, 1, 2))
                self._node("DequantizeLinear", (turned, scale, zero), output=node.output)
            self._real[node.output] = held

    def _quantised(self, node: Node) -> None:
        value, scale, zero = node.inputs
        op = _known(self._due, value)
        make = {"Conv": self._conv, "Resize": self._doubled, "Add": self._sum}[op.kind]
        self._held[node.output] = make(self._due.pop(value), scale, zero)

    def _conv(self, op: Node, scale: str, zero: str) -> Ints:
        source = _known(self._real, op.inputs[0])
        kernel, bias = (_known(self._fixed, name) for name in op.inputs[1:])
        weight, (groups,) = self._constants[kernel.value], _numbers(op, "group", (1,))
        pads, (down, right) = _numbers(op, "pads", (0,) * 4), _numbers(op, "strides", (1, 1))
        _need(op.attributes.keys() <= TOLD and weight.ndim == len(pads) == 4, "a convolution")
        _need(weight.shape[1] * groups == source.channels, "channels")
        _need(not self._constant(kernel.zero).any(), "weights that are not symmetric")
        spare = pads[1] + pads[3] + right - weight.shape[3]
        keeps = 0 <= spare < right and source.multiple % right == 0  # a row, but for the stride
        width = source.multiple // right if keeps else 1
        block = _block(weight, width) if groups == 1 else 1
        wide, across = blocked(weight, block, right, (pads[1], pads[3]))
        value = source.value
        if block > 1 or source.channels == 1:
            value = self._shaped(value, (0, 0, -1, wide.shape[1] * groups))
        scales = np.tile(np.broadcast_to(self._constant(kernel.scale), len(weight)), block)
        filters = map(self._keep, (wide, scales, np.zeros(len(wide), np.int8)))
        biases = self._keep(np.tile(self._constants[bias.value], block))
        made = self._node(
            "QLinearConv",
            (value, source.scale, source.zero, *filters, scale, zero, biases),
            CONTRIB,
            channels_last=1,
            group=groups,
            kernel_shape=wide.shape[2:],
            strides=(down, 1 if block > 1 else right),
            pads=(pads[0], across[0], pads[2], across[1]),
        )
        if block > 1:
            made = self._shaped(made, (0, 0, -1, len(weight)))
        return Ints(made, scale, zero, len(weight), width)

    def _doubled(self, op: Node, scale: str, zero: str) -> Ints:
        """Pixels beside themselves, then rows below themselves: whole copies."""
        source = _known(self._real, op.inputs[0])
        factors = self._constant(op.inputs[2]).tolist()
        _need(factors == [1, 1, 2, 2] and dict(op.attributes) == DOUBLED, "a Resize")
        _need(self._same(source, scale, zero), "a Resize of two scales")
        wide = self._node("Concat", (source.value,) * 2, axis=3)
        rows = self._shaped(self._shaped(wide, (0, 0, -1, source.channels)), (-1, 1, 0, 0))
        tall = self._node("Concat", (rows,) * 2, axis=1)
        shaped = self._shaped(tall, (1, -1, 0, 0))
        return Ints(shaped, scale, zero, source.channels, 2 * source.multiple)

    def _sum(self, op: Node, scale: str, zero: str) -> Ints:
        one, other = (_known(self._real, name) for name in op.inputs)
        _need(one.channels == other.channels, "a sum of other channels")
        inputs = (*(one.value, one.scale, one.zero), *(other.value, other.scale, other.zero))
        made = self._node("QLinearAdd", (*inputs, scale, zero), CONTRIB)
        return Ints(made, scale, zero, one.channels, min(one.multiple, other.multiple))

    def _same(self, held: Ints, scale: str, zero: str) -> bool:
        pairs = (held.scale, scale), (held.zero, zero)
        return all(np.array_equal(self._constant(a), self._constant(b)) for a, b in pairs)

    def _constant(self, name: str) -> NDArray[Any]:
        return _known(self._constants, name)

    def _keep(self, value: NDArray[Any]) -> str:
        name = f"constant {len(self._constants)}"
        self._constants[name] = value
        return name

    def _shaped(self, value: str, shape: tuple[int, ...]) -> str:
        """Its bytes as another shape: 0 stays what it is, -1 is what is left."""
        return self._node("Reshape", (value, self._keep(np.array(shape, np.int64))))

    def _node(
        self,
        kind: str,
        inputs: tuple[str, ...],
        domain: str = "",
        output: str = "",
        **attributes: Attribute,
    ) -> str:
        made = Node(kind, inputs, output or f"value {len(self._nodes)}", attributes, domain)
        self._nodes.append(made)
        return made.output


def blocked(
    weight: NDArray[np.int8], block: int, stride: int, pad: tuple[int, int]
) -> tuple[NDArray[np.int8], tuple[int, int]]:
    """Filters (b O, b s C, kh, blocks) over blocks of `block` output pixels of a row, the pixel
    slowest, and how many blocks a row is padded with to the left and to the right.

    weight: (O, C, kh, kw) of a layer with this stride along a row and `pad` pixels at its ends,
    which keeps the row's length but for the stride.
    """
    if block == 1:
        return weight, pad
    step = block * stride
    filters, channels, rows, taps = weight.shape
    first, last = -pad[0] // step, (step - stride - pad[0] + taps - 1) // step
    wide = np.zeros((block, filters, step, channels, rows, last - first + 1), np.int8)
    for pixel, tap in np.ndindex(block, taps):
        there, within = divmod(pixel * stride - pad[0] + tap, step)
        wide[pixel, :, within, :, :, there - first] = weight[..., tap]
    return wide.reshape(block * filters, step * channels, rows, -1), (-first, max(last, 0))


def _block(weight: NDArray[np.int8], multiple: int) -> int:
    """As many pixels as make the window large enough, as far as the rows can be divided."""
    window, block = int(np.prod(weight.shape[1:])), 1
    if len(weight) > LANES:
        return 1
    while window * block < LEAST_WINDOW and multiple % (2 * block) == 0:
        block *= 2
    return block


def _numbers(op: Node, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    value = op.attributes.get(name, default)
    found = value if isinstance(value, tuple) else (value,)
    _need(len(found) == len(default) and all(isinstance(one, int) for one in found), name)
    return tuple(map(int, found))


def _known(among: Mapping[str, T], name: str) -> T:
    _need(name in among, name)
    return among[name]


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise NotPlainError(f"not the int8 network: {what}")
