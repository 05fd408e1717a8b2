"""A file that says something of each picture of a folder: CSV lines, or a JSON object by name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Refuse = Callable[[Path, str], Exception]
Rows = dict[str, Any] | list[list[str]]


def read(path: Path, most_bytes: int, refuse: Refuse) -> Rows:
    """What follows each name in JSON, or the cells of every CSV line that is not empty, stripped.

    Raises what `refuse` makes of the path and the reason: not there, too large, neither of both.
    """
    try:
        if path.stat().st_size > most_bytes:
            raise refuse(path, f"over {most_bytes} bytes is no list of pictures")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(path, f"cannot be read: {error}") from None
    return (_by_name if path.suffix.lower() == ".json" else _lines)(path, text, refuse)


def _by_name(path: Path, text: str, refuse: Refuse) -> Rows:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refuse(path, f"is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise refuse(path, 'must hold an object {"file.png": ..., ...}')
    return found


def _lines(path: Path, text: str, refuse: Refuse) -> Rows:
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    except csv.Error as error:
        raise refuse(path, f"is no CSV: {error}") from None
    return [row for row in rows if any(row)]
