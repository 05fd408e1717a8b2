"""Small ONNX models, encoded field by field here, so that the base install can test with them.

The encoder shares nothing with the scanner under test; onnx/onnx.proto gives the field numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from common.runtime.publish import card_of, write_manifest

FLOAT, INT64, BOOL = 1, 7, 9


def number(value: int) -> bytes:
    """A varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def put(field: int, value: int | str | bytes) -> bytes:
    """One field: a varint for an int, length-delimited otherwise."""
    if isinstance(value, int):
        return number(field << 3) + number(value)
    raw = value.encode() if isinstance(value, str) else value
    return number(field << 3 | 2) + number(len(raw)) + raw


def tensor(name: str, array: np.ndarray, kind: int) -> bytes:
    """TensorProto with raw data."""
    dims = b"".join(put(1, n) for n in array.shape)
    return dims + put(2, kind) + put(8, name) + put(9, array.tobytes())


def value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    """ValueInfoProto of a tensor."""
    dims = b"".join(put(1, put(1 if isinstance(n, int) else 2, n)) for n in shape)
    return put(1, name) + put(2, put(1, put(1, kind) + put(2, dims)))


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], attributes: bytes = b"") -> bytes:
    """NodeProto."""
    names = b"".join(put(1, n) for n in inputs) + b"".join(put(2, n) for n in outputs)
    return names + put(4, op) + attributes


def graph(
    nodes: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    initializers: Sequence[bytes] = (),
) -> bytes:
    """GraphProto."""
    parts = ((1, nodes), (5, initializers), (11, inputs), (12, outputs))
    return put(2, "g") + b"".join(put(field, item) for field, items in parts for item in items)


def model(body: bytes) -> bytes:
    """ModelProto of opset 17."""
    return put(1, 8) + put(7, body) + put(8, put(2, 17))


def affine(weight: np.ndarray) -> bytes:
    """y = x @ weight, x (N, K) float32."""
    k, m = weight.shape
    return model(
        graph(
            [node("MatMul", ["x", "w"], ["y"])],
            [value("x", FLOAT, ["N", k])],
            [value("y", FLOAT, ["N", m])],
            [tensor("w", weight.astype(np.float32), FLOAT)],
        )
    )


def memory_bomb(elements: int) -> bytes:
    """A few dozen bytes that ask for `elements` floats when run."""
    shape = tensor("s", np.array([elements], np.int64), INT64)
    fill = node("ConstantOfShape", ["s"], ["y"])
    return model(graph([fill], [], [value("y", FLOAT, ["n"])], [shape]))


def endless() -> bytes:
    """A loop of 2**62 rounds that adds one to the number it carries."""
    body = graph(
        [node("Identity", ["c"], ["c2"]), node("Add", ["v", "one"], ["v2"])],
        [value("i", INT64, []), value("c", BOOL, []), value("v", FLOAT, [1])],
        [value("c2", BOOL, []), value("v2", FLOAT, [1])],
    )
    attribute = put(5, put(1, "body") + put(6, body) + put(20, 5))
    scalars = [
        tensor("rounds", np.array(1 << 62, np.int64), INT64),
        tensor("go", np.array(True), BOOL),
        tensor("one", np.ones(1, np.float32), FLOAT),
    ]
    return model(
        graph(
            [node("Loop", ["rounds", "go", "x"], ["y"], attribute)],
            [value("x", FLOAT, [1])],
            [value("y", FLOAT, [1])],
            scalars,
        )
    )


MODELS: dict[str, Callable[..., bytes]] = {
    "affine": affine,
    "memory_bomb": memory_bomb,
    "endless": endless,
}


@pytest.fixture(scope="session")
def make() -> dict[str, Callable[..., bytes]]:
    """The builders of this file by name."""
    return MODELS | {"put": put, "tensor": tensor, "node": node, "graph": graph, "model": model}


WEIGHT = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


def fill(folder: Path) -> Path:
    """Two models and their manifest in `folder`."""
    cards = {}
    for name, scale in (("one", 1.0), ("two", -2.0)):
        (folder / f"{name}.onnx").write_bytes(affine(WEIGHT * scale))
        cards[name] = card_of(
            folder / f"{name}.onnx",
            licence="Apache-2.0",
            data="made up here",
            command="pytest",
            score={"mse": 0.0},
            units={"y": "V"},
        )
    write_manifest(folder, cards)
    return folder


@pytest.fixture
def weights_folder(tmp_path: Path) -> Path:
    """A folder of two verified models, `one` (y = x @ WEIGHT) and `two` (y = -2 x @ WEIGHT)."""
    folder = tmp_path / "weights"
    folder.mkdir()
    return fill(folder)
