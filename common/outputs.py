"""Files that are written, asked about before any work is done for them."""

from __future__ import annotations

import os
from pathlib import Path

from common.errors import LingnanError


class OutputError(LingnanError):
    """A file cannot be written there, or would take the place of one that is read."""


def check_output(out: Path, *inputs: Path | None) -> None:
    """OutputError where `out` could not be written or is one of `inputs`, under whatever name.

    A former output is no obstacle: it is replaced.
    """
    if out.is_dir():
        raise OutputError(f"{out} is a folder: name a file in it")
    if not out.parent.is_dir():
        raise OutputError(f"{out.parent} is no folder; make it first")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise OutputError(f"{out} cannot be written: no permission")
    for path in inputs:
        if path is not None and out.exists() and path.exists() and out.samefile(path):
            raise OutputError(f"{out} is read and would be written over: name another file")
