"""Where the real data lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.paths import data_root


def real(*names: str) -> Path:
    """A file or folder of real data; skips, saying so, where it is absent."""
    root = data_root()
    path = root.joinpath(*names) if root else None
    if path is None or not path.exists():
        pytest.skip(f"no {'/'.join(names)}: set LINGNAN_DATA to the folder of real data")
    return path
