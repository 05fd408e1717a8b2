"""Where real data and the program's own state lie."""

from __future__ import annotations

import os
from pathlib import Path


def data_root() -> Path | None:
    """The folder of real data: LINGNAN_DATA, else shared/data beside the checkout, else None."""
    told = os.environ.get("LINGNAN_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(told) if told else beside
    return root if root.is_dir() else None


def state_dir() -> Path:
    """The folder for records and tokens: LINGNAN_STATE, else the XDG state folder of the user."""
    told = os.environ.get("LINGNAN_STATE")
    if told:
        return Path(told)
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "lingnan"
