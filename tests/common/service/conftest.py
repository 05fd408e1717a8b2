"""Clients of the toy application: in process, and of a real server."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

MISSING = [name for name in ("fastapi", "uvicorn", "httpx", "onnx") if find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []

if not MISSING:
    import httpx

    with warnings.catch_warnings():  # it would rather have httpx2, which nothing else here needs
        warnings.simplefilter("ignore")
        from fastapi.testclient import TestClient

    from .toy import BEARER, HOST, make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that the service was not tested where it cannot be."""
    if MISSING:
        terminalreporter.write_line(f"service tests left out: no {', '.join(MISSING)}")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """With the token; nothing is followed and the server's exceptions become 500."""
    with client_of(tmp_path, headers=BEARER) as opened:
        yield opened


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[TestClient]:
    """Without the token."""
    with client_of(tmp_path) as opened:
        yield opened


@contextmanager
def client_of(
    state_dir: Path, headers: dict[str, str] | None = None, **settings: object
) -> Iterator[TestClient]:
    with TestClient(
        make(state_dir, **settings),
        base_url=HOST,
        headers=headers,
        follow_redirects=False,
        raise_server_exceptions=False,
    ) as opened:
        yield opened


@pytest.fixture
def start_server(
    tmp_path: Path,
) -> Callable[[], AbstractContextManager[tuple[httpx.Client, subprocess.Popen[bytes]]]]:
    """Start a server on a free loopback port; killed at the end of the block if it still runs."""

    @contextmanager
    def start() -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
        command = [sys.executable, str(Path(__file__).with_name("served.py")), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            try:
                assert child.stdout is not None
                port = int(child.stdout.readline())
                with httpx.Client(
                    base_url=f"{HOST}:{port}", headers=BEARER, timeout=20, trust_env=False
                ) as opened:
                    yield opened, child
            finally:
                child.kill()

    return start
