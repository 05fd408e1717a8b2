"""Class names of a YOLO data set, from classes.txt or data.yaml.

Of YAML only what data.yaml files write is read: "names: [a, b]", also over several lines, and a
block of "- a" or "0: a" lines under "names:".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from inspection.layouts.base import LayoutError
from inspection.layouts.boxes import read_lines

_FLOW = re.compile(r"^names\s*:\s*\[(.*?)\]", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^names\s*:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-|\d+\s*:)[^\n]*\n?)+)", re.MULTILINE)
_ENTRY = re.compile(r"\s*(?:-|(\d+)\s*:)\s*(.*)")


def read_names(root: Path) -> tuple[str, ...]:
    """The names by class number, () where the root has neither file; LayoutError if unreadable."""
    classes, data = root / "classes.txt", root / "data.yaml"
    if data.is_file():
        return _from_yaml(data)
    if classes.is_file():
        return tuple(line for _, line in read_lines(classes))
    return ()


def _from_yaml(path: Path) -> tuple[str, ...]:
    text = "\n".join(line for _, line in read_lines(path))
    flow, block = _FLOW.search(text), _BLOCK.search(text)
    if flow is not None:
        names = [_plain(word) for word in flow[1].split(",") if word.strip()]
    elif block is not None:
        names = _numbered(path, block[1].splitlines())
    else:
        raise LayoutError(path, "has no list of names")
    if not names or not all(names) or len(set(names)) != len(names):
        raise LayoutError(path, "its names are empty or not distinct")
    return tuple(names)


def _numbered(path: Path, lines: Sequence[str]) -> list[str]:
    names: list[str] = []
    for line in lines:
        found = _ENTRY.fullmatch(line)
        if found is None or (found[1] is not None and int(found[1]) != len(names)):
            raise LayoutError(path, f"its names do not count from 0: {line[:60]!r}")
        names.append(_plain(found[2]))
    return names


def _plain(word: str) -> str:
    word = word.strip()
    quoted = re.fullmatch(r"(['\"])(.*?)\1\s*(?:#.*)?", word, re.DOTALL)
    return quoted[2] if quoted else word.split(" #")[0].strip()
