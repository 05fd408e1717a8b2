"""A real server in its own process: stopped in the middle, killed in the middle, port taken."""

from __future__ import annotations

import io
import os
import random
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

import httpx
import pytest

from common.service.run import AddressError, listen, serve
from common.store.records import Records

from .toy import TOKEN

pytestmark = [pytest.mark.common, pytest.mark.service, pytest.mark.slow]
Server = Callable[[], AbstractContextManager[tuple[httpx.Client, "Popen[bytes]"]]]


def test_sigterm_finishes_what_was_taken(start_server: Server) -> None:
    with start_server() as (client, child), ThreadPoolExecutor(2) as pool:
        working = pool.submit(client.post, "/toy/sleep?seconds=1.5")
        streaming = pool.submit(client.get, "/events?demo=toy")
        time.sleep(0.5)
        start = time.monotonic()
        child.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        late = client.get("/status")
        assert (late.status_code, late.headers["retry-after"]) == (503, "1")
        assert working.result(10).json() == "slept"
        assert streaming.result(10).status_code == 200, "the stream ended whole"
        assert child.wait(10) == 0
        assert time.monotonic() - start < 8
        with pytest.raises(httpx.ConnectError):
            client.get("/healthz")
        assert child.stderr is not None
        told = child.stderr.read()
        assert b"Cancel" not in told, "a request was cut off"
        assert TOKEN.encode() not in told


def test_kill_loses_no_accepted_record(start_server: Server, tmp_path: Path) -> None:
    rng = random.Random(5)
    accepted: dict[int, int] = {}
    for round_ in range(4):
        with start_server() as (client, child):
            threads = [
                threading.Thread(target=_post, args=(client, accepted, 10_000 * round_ + 1000 * k))
                for k in range(3)
            ]
            for thread in threads:
                thread.start()
            wanted, deadline = len(accepted) + rng.randint(12, 40), time.monotonic() + 30
            while len(accepted) < wanted and time.monotonic() < deadline:
                time.sleep(0.003)
            os.kill(child.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
    with Records(tmp_path / "records.sqlite") as records:
        stored = {record.id: record.payload["number"] for record in records.query(limit=10**6)}
    assert len(accepted) >= 4 * 12
    assert accepted.items() <= stored.items()


def _post(client: httpx.Client, accepted: dict[int, int], number: int) -> None:
    while True:
        number += 1
        try:
            answer = client.post(f"/toy/note?number={number}")
        except httpx.HTTPError:
            return
        accepted[answer.json()] = number


def test_a_port_in_use_is_said() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=f"port {port} .* in use"):
            listen("127.0.0.1", port)
    with pytest.raises(AddressError, match="cannot be listened on"):
        listen("192.0.2.1", 0)
    with pytest.raises(AddressError, match="cannot be listened on"):
        listen("127.0.0.1", 70_000)


def test_serve_prints_one_line_with_the_address(tmp_path: Path) -> None:
    out = io.StringIO()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = threading.Timer(2.5, signal.raise_signal, (signal.SIGINT,))
    stop.start()
    serve(port=port, state_dir=tmp_path, keep_token=True, token=TOKEN, stream=out)
    assert out.getvalue() == f"Lingnan serves at http://127.0.0.1:{port}/?token={TOKEN}\n"
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
