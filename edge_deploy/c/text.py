"""Python values as C text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {
    np.dtype(np.int8): "int8_t",
    np.dtype(np.uint8): "uint8_t",
    np.dtype(np.int16): "int16_t",
    np.dtype(np.int32): "int32_t",
    np.dtype(np.int64): "int64_t",
}
_COLUMNS = 100


def identifier(name: str) -> str:
    """A C identifier for a model's or layer's name."""
    word = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_").lower() or "net"
    return word if not word[0].isdigit() else f"n{word}"


def array(name: str, values: NDArray[Any], attribute: str = "") -> str:
    """A static constant array. attribute: words between its name and its values."""
    kind = _TYPES[values.dtype]
    literal = "INT64_C({})" if values.dtype == np.int64 else "{}"
    words = (_literal(literal, int(value)) for value in values.reshape(-1))
    head = f"static const {kind} {name}[{values.size}]{attribute and ' ' + attribute}"
    return f"{head} = {{\n{_wrapped(words)}\n}};\n"


def _literal(form: str, value: int) -> str:
    if value == -(2**31):
        return "INT32_MIN"
    return form.format(value)


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
