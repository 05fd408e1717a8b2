"""PLCs that several tests talk to: an OPC UA server takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from .plcs import Plcs, served


@pytest.fixture(scope="module")
def plcs() -> Iterator[Plcs]:
    """The config of a running PLC of a kind, started when a test first asks for it."""
    with ExitStack() as running:
        configs: dict[str, dict[str, Any]] = {}

        def config(kind: str) -> dict[str, Any]:
            if kind not in configs:
                configs[kind] = running.enter_context(served(kind))
            return configs[kind]

        yield config
