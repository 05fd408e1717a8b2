"""Fixtures every test may use."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from common.paths import data_root

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it for `pytest &`
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else children could not be stopped


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; a test that needs it skips, saying so, where it is absent."""
    root = data_root()
    if root is None:
        pytest.skip("real data is absent: set LINGNAN_DATA to its folder")
    return root


def data_set(root: Path, name: str) -> Path:
    """The folder of one data set, or a skip that names it."""
    folder = root / name
    if not folder.is_dir():
        pytest.skip(f"the data set {name} is absent from {root.name}")
    return folder


settings.register_profile("unhurried", deadline=None)  # two busy cores are no property of the code
settings.load_profile("unhurried")
