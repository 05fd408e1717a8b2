"""Hashes of the data behind a number.

Files are hashed as a listing in the format of `sha256sum`, and the hash of the listing stands in
the report: whoever holds the listing checks the files with `sha256sum -c`, and a changed listing
no longer has its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def listing(files: Iterable[Path], root: Path) -> str:
    """Lines "<sha256>  <path relative to root>", sorted by path, each file once."""
    names = sorted({path.resolve().relative_to(root.resolve()).as_posix() for path in files})
    if not names:
        raise LingnanError(f"{root}: no file to hash")
    if broken := [name for name in names if "\n" in name or "\\" in name]:
        raise LingnanError(f"{root / broken[0]}: the name holds a line break or a backslash")
    return "".join(f"{file_hash(root / name)}  {name}\n" for name in names)


def listing_hash(text: str) -> str:
    """SHA-256 of a listing, the `data_sha256` of a row."""
    return hashlib.sha256(text.encode()).hexdigest()


def changed(text: str, root: Path) -> list[str]:
    """Names in a listing whose file is missing, outside root, or no longer has its hash."""
    wrong = []
    for line in filter(None, text.split("\n")):  # splitlines would split at other characters too
        wanted, _, name = line.partition("  ")
        path = root / name
        inside = path.resolve().is_relative_to(root.resolve())
        if not inside or not path.is_file() or file_hash(path) != wanted:
            wrong.append(name)
    return wrong


def content_hash(*parts: str | bytes | int | float | NDArray[Any]) -> str:
    """SHA-256 over values in order, for data that a simulation made and no file holds.

    Each part goes in with its type and length (an array with dtype and shape), so that no two
    sequences of parts share a hash by how they are cut.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            raw = np.ascontiguousarray(part).tobytes()
            head = f"array {part.dtype.str} {part.shape}"
        else:
            raw = part if isinstance(part, bytes) else repr(part).encode()
            head = type(part).__name__
        digest.update(f"{head} {len(raw)}\n".encode())
        digest.update(raw)
    return digest.hexdigest()
