"""Constants as text for $readmemh: one word a line, hexadecimal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed(fields: Sequence[tuple[NDArray[Any], int]]) -> str:
    """Rows of fields (values (N,), bits), the first in the lowest bits, two's complement."""
    width = sum(bits for _, bits in fields)
    lines = []
    for row in zip(*(values.tolist() for values, _ in fields), strict=True):
        word = at = 0
        for value, (_, bits) in zip(row, fields, strict=True):
            word |= (int(value) % (1 << bits)) << at
            at += bits
        lines.append(f"{word:0{-(-width // 4)}x}\n")
    return "".join(lines)


def bytes_of(words: NDArray[np.integer[Any]]) -> str:
    """(N, B) bytes, column 0 the lowest of each word."""
    rows = np.ascontiguousarray(words.astype(np.uint8)[:, ::-1])
    return "".join(f"{row.tobytes().hex()}\n" for row in rows)
