"""A plain ONNX graph read from bytes and written to them, without ONNX's own package.

Plain: one graph of nodes of one output each, attributes that are whole numbers or words, constants
kept within. Field numbers: onnx/onnx.proto.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.runtime.errors import ModelError
from common.runtime.protobuf import encoded, fields, varint

Attribute = int | str | tuple[int, ...]
_Fields = defaultdict[int, list[int | memoryview]]

_DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64}
_CODES = {np.dtype(kind): code for code, kind in _DTYPES.items()}
_INT, _STRING, _INTS = 2, 3, 7  # AttributeProto.type
_IR_VERSION = 9


class NotPlainError(ModelError):
    """The model holds what a plain graph does not."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operator. output: the one value it makes."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Attribute]
    domain: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class OnnxGraph:
    """nodes in order. constants: by name. inputs, outputs: name -> its ValueInfoProto, as it is.
    opsets: domain -> version."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    inputs: Mapping[str, bytes]
    outputs: Mapping[str, bytes]
    opsets: Mapping[str, int]


def read(payload: bytes) -> OnnxGraph:
    """The graph of a model that `scan` accepts. NotPlainError where it is not plain."""
    model = _fields(memoryview(payload))
    if len(model[7]) != 1 or model[25]:
        raise NotPlainError("a model of several graphs, or with functions of its own")
    graph = _fields(_message(model[7][0]))
    ends = [
        {_word(_fields(_message(v)), 1): bytes(_message(v)) for v in graph[n]} for n in (11, 12)
    ]
    opsets = [_fields(_message(value)) for value in model[8]]
    return OnnxGraph(
        tuple(_node(_message(value)) for value in graph[1]),
        dict(_tensor(_message(value)) for value in graph[5]),
        ends[0],
        ends[1],
        {_word(one, 1): (_numbers(one, 2) or [1])[-1] for one in opsets},
    )


def write(graph: OnnxGraph) -> bytes:
    """A model file of it."""
    content = [encoded(1, _node_bytes(node)) for node in graph.nodes]
    content += [encoded(2, "graph")]
    content += [encoded(5, _tensor_bytes(*pair)) for pair in graph.constants.items()]
    content += [encoded(11, told) for told in graph.inputs.values()]
    content += [encoded(12, told) for told in graph.outputs.values()]
    opsets = [encoded(8, encoded(1, word) + encoded(2, n)) for word, n in graph.opsets.items()]
    return encoded(1, _IR_VERSION) + encoded(7, b"".join(content)) + b"".join(opsets)


def _fields(message: memoryview) -> _Fields:
    found: _Fields = defaultdict(list)
    for number, _, value in fields(message):
        found[number].append(value)
    return found


def _message(value: int | memoryview) -> memoryview:
    if not isinstance(value, memoryview):
        raise NotPlainError("a number where a message should be")
    return value


def _words(found: _Fields, number: int) -> tuple[str, ...]:
    values = map(_message, found[number])
    return tuple(str(bytes(value), "utf-8", "backslashreplace") for value in values)


def _word(found: _Fields, number: int) -> str:
    return "".join(_words(found, number)[-1:])


def _numbers(found: _Fields, number: int) -> list[int]:
    """Whole numbers, each in a field of its own or packed into one."""
    values: list[int] = []
    for value in found[number]:
        if isinstance(value, int):
            values.append(value)
            continue
        at = 0
        while at < len(value):
            one, at = varint(value, at)
            values.append(one)
    return [value - (1 << 64) if value >> 63 else value for value in values]


def _node(message: memoryview) -> Node:
    found = _fields(message)
    outputs, attributes = _words(found, 2), map(_message, found[5])
    if len(outputs) != 1:
        raise NotPlainError(f"a {_word(found, 4)} of {len(outputs)} outputs")
    told = dict(map(_attribute, attributes))
    return Node(_word(found, 4), _words(found, 1), outputs[0], told, _word(found, 7))


def _attribute(message: memoryview) -> tuple[str, Attribute]:
    found = _fields(message)
    name, kind = _word(found, 1), sum(_numbers(found, 20))
    if kind == _INTS:
        return name, tuple(_numbers(found, 8))
    if kind == _INT:
        return name, sum(_numbers(found, 3))
    if kind == _STRING:
        return name, _word(found, 4)
    raise NotPlainError(f"attribute {name!r} is of kind {kind}")


def _tensor(message: memoryview) -> tuple[str, NDArray[Any]]:
    """Name and values, from raw bytes or from the fields of numbers."""
    found = _fields(message)
    name, code = _word(found, 8), (_numbers(found, 2) or [0])[-1]
    if code not in _DTYPES:
        raise NotPlainError(f"constant {name!r} is of data type {code}")
    dtype, shape = np.dtype(_DTYPES[code]), _numbers(found, 1)
    raw, whole = (
        b"".join(map(_message, found[9] + found[4])),
        _numbers(found, 5) + _numbers(found, 7),
    )
    size = math.prod(shape)
    if min(shape, default=0) < 0 or size not in (len(whole), len(raw) / dtype.itemsize):
        raise NotPlainError(f"constant {name!r} does not fill its shape {shape}")
    values = np.array(whole).astype(dtype) if whole else np.frombuffer(raw, dtype)
    return name, values.reshape(shape)


def _node_bytes(node: Node) -> bytes:
    content = [encoded(1, name) for name in node.inputs]
    content += [encoded(2, node.output), encoded(3, node.output), encoded(4, node.kind)]
    content += [encoded(5, _attribute_bytes(*pair)) for pair in node.attributes.items()]
    content += [encoded(7, node.domain)] if node.domain else []
    return b"".join(content)


def _attribute_bytes(name: str, value: Attribute) -> bytes:
    if isinstance(value, tuple):
        told, kind = b"".join(encoded(8, one) for one in value), _INTS
    elif isinstance(value, int):
        told, kind = encoded(3, value), _INT
    else:
        told, kind = encoded(4, value), _STRING
    return encoded(1, name) + told + encoded(20, kind)


def _tensor_bytes(name: str, values: NDArray[Any]) -> bytes:
    shape = b"".join(encoded(1, extent) for extent in values.shape)
    raw = np.ascontiguousarray(values).tobytes()
    return shape + encoded(2, _CODES[values.dtype]) + encoded(8, name) + encoded(9, raw)
