"""Too large, too many, too slow: each is refused with its status and what to do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient

from common.service.metrics import Metrics
from common.service.queue import WorkQueue

from .conftest import client_of
from .toy import BEARER

pytestmark = [pytest.mark.common, pytest.mark.service]
LIMIT = 10_000
INFER = "/v2/models/toy.double/infer"


def pieces(total: int) -> Iterator[bytes]:
    for _ in range(total // 1000):
        yield bytes(1000)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[TestClient]:
    with client_of(tmp_path, headers=BEARER, max_body_bytes=LIMIT) as opened:
        yield opened


def test_a_large_body_is_413_however_it_comes(small: TestClient) -> None:
    infer = INFER
    too_large = {
        "content-length": small.post(infer, content=bytes(LIMIT + 1)),
        "chunked": small.post(infer, content=pieces(LIMIT + 1000)),
        "multipart": small.post("/toy/inspect", files={"image": bytes(LIMIT)}),
        "lying length": small.post(
            infer, content=pieces(LIMIT + 1000), headers={"Content-Length": "10"}
        ),
    }
    assert {how: answer.status_code for how, answer in too_large.items()} == dict.fromkeys(
        too_large, 413
    )
    assert all("content-security-policy" in answer.headers for answer in too_large.values())
    assert small.post(infer, content=bytes(LIMIT)).status_code == 400  # read, and no request


def test_overload_is_429_with_retry_after(tmp_path: Path) -> None:
    with (
        client_of(tmp_path, headers=BEARER, workers=1, max_waiting=1, max_uploads=50) as client,
        ThreadPoolExecutor(12) as pool,
    ):
        answers = list(pool.map(lambda _: client.post("/toy/sleep?seconds=0.4"), range(12)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes[0] == 200 and codes.count(200) + codes.count(429) == 12
        assert 2 <= codes.count(200) < 6
        refused = [answer for answer in answers if answer.status_code == 429]
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert (
            f'lingnan_rejected_total{{reason="queue"}} {len(refused)}.0'
            in client.get("/metrics").text
        )


def test_bodies_are_bounded_before_they_are_read(tmp_path: Path) -> None:
    with client_of(tmp_path, headers=BEARER, max_uploads=1) as client:
        held = _Held(client)
        refused = client.post("/toy/sleep", content=b"x")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert client.post("/toy/sleep").status_code == 200  # no body, no place needed
        held.end()
        assert client.post("/toy/sleep", content=b"x").status_code == 200


def test_a_body_that_trickles_gives_its_place_up(tmp_path: Path) -> None:
    with client_of(tmp_path, headers=BEARER, max_uploads=1, body_s=0.1) as client:
        held = _Held(client)
        held.wait()
        assert held.sent[0]["status"] == 408
        assert client.post("/toy/sleep", content=b"x").status_code == 200


def test_a_late_result_is_503(tmp_path: Path) -> None:
    with client_of(tmp_path, headers=BEARER, deadline_s=0.1, workers=1) as client:
        late = client.post("/toy/sleep?seconds=0.5")
        assert (late.status_code, late.headers["retry-after"]) == (503, "1")


def test_while_draining_all_is_503(client: TestClient) -> None:
    client.app.state.service.drain.begin()
    for path in ("/readyz", "/status"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_the_queue_withdraws_what_waits_and_counts_right() -> None:
    async def scenario() -> None:
        queue = WorkQueue(1, 2, 0.15, Metrics())
        ran: list[str] = []
        slow = asyncio.create_task(queue.run("slow", time.sleep, 0.5))
        await asyncio.sleep(0.02)
        waiting = asyncio.create_task(queue.run("waiting", ran.append, "waiting"))
        await asyncio.sleep(0.02)
        assert (queue.taken, queue.depth) == (2, 1)
        results = await asyncio.gather(slow, waiting, return_exceptions=True)
        assert [r.status_code for r in results if isinstance(r, HTTPException)] == [503, 503]
        queue.close()
        assert ran == [] and queue.taken == 0
        with pytest.raises(HTTPException) as stopped:
            await queue.run("late", ran.append, "late")
        assert stopped.value.status_code == 503 and queue.taken == 0

    asyncio.run(scenario())


def test_an_error_of_the_work_is_its_own() -> None:
    def late() -> None:
        raise TimeoutError("the camera did not answer")

    async def scenario() -> None:
        queue = WorkQueue(1, 1, 5.0, Metrics())
        with pytest.raises(TimeoutError, match="camera"):
            await queue.run("late", late)
        queue.close()

    asyncio.run(scenario())


class _Held:
    """A request whose body never ends, straight to the ASGI application."""

    def __init__(self, client: TestClient) -> None:
        assert client.portal is not None
        self._started, self._end = threading.Event(), threading.Event()
        scope = {
            "type": "http",
            "method": "POST",
            "path": INFER,
            "raw_path": INFER.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "http_version": "1.1",
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"authorization", BEARER["Authorization"].encode()),
                (b"content-length", b"5"),
                (b"content-type", b"application/json"),
            ],
        }
        self.sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            self._started.set()
            while not self._end.is_set():
                await asyncio.sleep(0.01)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            self.sent.append(message)

        self._done = client.portal.start_task_soon(client.app, scope, receive, send)
        assert self._started.wait(5)

    def end(self) -> None:
        self._end.set()
        self._done.exception(timeout=5)

    def wait(self) -> None:
        self._done.result(timeout=5)
