"""Python values as C text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {
    np.dtype(np.int8): "int8_t",
    np.dtype(np.uint8): "uint8_t",
    np.dtype(np.int16): "int16_t",
    np.dtype(np.int32): "int32_t",
    np.dtype(np.int64): "int64_t",
    np.dtype(np.float32): "float",
}
_COLUMNS = 100


def identifier(name: str) -> str:
    """A C identifier for a model's or layer's name."""
    word = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_").lower() or "net"
    return word if not word[0].isdigit() else f"n{word}"


def array(name: str, values: NDArray[Any], attribute: str = "") -> str:
    """A static constant array. attribute: words between its name and its values."""
    kind = _TYPES[values.dtype]
    words = map(_literals(values.dtype), values.reshape(-1).tolist())
    head = f"static const {kind} {name}[{values.size}]{attribute and ' ' + attribute}"
    return f"{head} = {{\n{_wrapped(words)}\n}};\n"


def quads(name: str, values: NDArray[np.int8]) -> str:
    """A static constant array of weights, sixteen at a time as the machine takes them."""
    rows = values.reshape(-1, 16).tolist()
    lines = "".join(f"    LINGNAN_QUAD({', '.join(map(str, row))}),\n" for row in rows)
    return f"static const int8_t {name}[{values.size}] LINGNAN_ALIGNED = {{\n{lines}}};\n"


def _literals(kind: np.dtype[Any]) -> Callable[[Any], str]:
    """How values of a type are written; floats to the last bit."""
    if kind == np.float32:
        return lambda value: f"{float(value).hex()}f"
    literal = "INT64_C({})" if kind == np.int64 else "{}"
    return lambda value: "INT32_MIN" if value == -(2**31) else literal.format(value)


def _wrapped(words: Iterable[str]) -> str:
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) + 2 > _COLUMNS:
            lines.append(line)
            line = "   "
        line += f" {word},"
    return "\n".join([*lines, line])


def structure(kind: str, name: str, fields: dict[str, Any], more: str = "") -> str:
    """A static constant struct with designated initialisers; strings stand as they are.

    more: lines of further initialisers, ready as C.
    """
    body = "".join(f"    .{key} = {value},\n" for key, value in fields.items())
    return f"static const {kind} {name} = {{\n{body}{more}}};\n"
