"""Looks into an ONNX model's bytes before any runtime does.

Refused: tensors kept in other files, wherever they hide (initializers, attributes, subgraphs,
functions, training graphs, sparse tensors), compiled contexts that name a file, ONNX Runtime's
own flatbuffer format, and anything that is not a model. onnxruntime resolves external data
relative to the working directory when a session is built from bytes, so this runs first.
Field numbers: onnx/onnx.proto of ONNX IR version 13.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

from common.runtime.errors import UnsafeModelError
from common.runtime.protobuf import BYTES, VARINT, fields

MAX_DEPTH = 64  # below the 100 at which protobuf itself stops
MAX_FIELDS = 4_000_000  # some seconds of walking


class _Kind(Enum):
    MODEL = auto()
    TRAINING = auto()
    GRAPH = auto()
    FUNCTION = auto()
    NODE = auto()
    ATTRIBUTE = auto()
    SPARSE = auto()
    TENSOR = auto()
    OPSET = auto()


# message kind -> field number -> kind of the message in that field
_CHILDREN: dict[_Kind, dict[int, _Kind]] = {
    _Kind.MODEL: {7: _Kind.GRAPH, 8: _Kind.OPSET, 20: _Kind.TRAINING, 25: _Kind.FUNCTION},
    _Kind.TRAINING: {1: _Kind.GRAPH, 2: _Kind.GRAPH},
    _Kind.GRAPH: {1: _Kind.NODE, 5: _Kind.TENSOR, 15: _Kind.SPARSE},
    _Kind.FUNCTION: {7: _Kind.NODE, 11: _Kind.ATTRIBUTE},
    _Kind.NODE: {5: _Kind.ATTRIBUTE},
    _Kind.ATTRIBUTE: {
        5: _Kind.TENSOR,
        6: _Kind.GRAPH,
        10: _Kind.TENSOR,
        11: _Kind.GRAPH,
        22: _Kind.SPARSE,
        23: _Kind.SPARSE,
    },
    _Kind.SPARSE: {1: _Kind.TENSOR, 2: _Kind.TENSOR},
    _Kind.TENSOR: {},
    _Kind.OPSET: {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of TensorProto
_OP_TYPE = 4  # of NodeProto


@dataclass(slots=True)
class Anatomy:
    """What the scan saw. ops: op type -> how often. opsets: domain ("" is ONNX's) -> version."""

    ops: Counter[str] = field(default_factory=Counter)
    opsets: dict[str, int] = field(default_factory=dict)
    has_graph: bool = False


def scan(payload: bytes) -> Anatomy:
    """Walk the whole model. UnsafeModelError says what is refused and why."""
    if payload[4:8] == b"ORTM":
        raise UnsafeModelError("ONNX Runtime's own format; only ONNX models are accepted")
    found = Anatomy()
    seen = 0
    stack = [(_Kind.MODEL, memoryview(payload), 0)]
    while stack:
        kind, message, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise UnsafeModelError(f"graphs nested over {MAX_DEPTH} messages deep")
        if kind is _Kind.OPSET:
            _opset(message, found)
            continue
        for number, wire, value in fields(message):
            seen += 1
            if seen > MAX_FIELDS:
                raise UnsafeModelError(f"more than {MAX_FIELDS} fields")
            child = _CHILDREN[kind].get(number)
            if child is not None:
                stack.append((child, _message(kind, number, wire, value), depth + 1))
                found.has_graph |= child is _Kind.GRAPH
            elif kind is _Kind.TENSOR:
                _tensor(number, value)
            elif kind is _Kind.NODE and number == _OP_TYPE:
                _op(_message(kind, number, wire, value), found)
    if not found.has_graph:
        raise UnsafeModelError("not an ONNX model: it has no graph")
    return found


def _message(kind: _Kind, number: int, wire: int, value: int | memoryview) -> memoryview:
    if wire != BYTES or not isinstance(value, memoryview):
        raise UnsafeModelError(f"field {number} of a {kind.name.lower()} has wire type {wire}")
    return value


def _tensor(number: int, value: int | memoryview) -> None:
    if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0):
        raise UnsafeModelError(
            "keeps tensors in other files (external data); save it as one file: "
            "onnx.save(model, path, save_as_external_data=False)"
        )


def _op(name: memoryview, found: Anatomy) -> None:
    op = str(bytes(name[:80]), "utf-8", "replace")
    if op == "EPContext":
        raise UnsafeModelError("holds a compiled context (EPContext), which may name other files")
    found.ops[op] += 1


def _opset(message: memoryview, found: Anatomy) -> None:
    domain, version = "", 1
    for number, wire, value in fields(message):
        if number == 1 and isinstance(value, memoryview):
            domain = str(bytes(value[:200]), "utf-8", "replace")
        elif number == 2 and wire == VARINT and isinstance(value, int):
            version = value
    found.opsets[domain] = version
