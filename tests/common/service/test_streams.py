"""Demonstrations and event streams: the newest wins, nobody is waited for, everything ends."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from common.service.demo import DemoFrame, DemoHub
from common.service.fanout import Fanout

from .conftest import client_of
from .toy import BEARER
from .toy import demo as toy_demo

pytestmark = [pytest.mark.common, pytest.mark.service]


@pytest.fixture
def brief(tmp_path: Path) -> Iterator[TestClient]:
    """Streams end after 0.6 s."""
    with client_of(tmp_path, headers=BEARER, stream_s=0.6) as opened:
        yield opened


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("event: ")]
    return [(name[7:], json.loads(data[6:])) for name, data in blocks]


def until(true: Callable[[], bool], timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_events_tell_status_facts_and_records(brief: TestClient) -> None:
    told = events(brief.get("/events?demo=toy").text)
    names = [name for name, _ in told]
    assert names.count("status") == 2 and names.count("facts") > 5
    status = next(value for name, value in told if name == "status")
    assert [d["name"] for d in status["directions"]] == ["broken", "toy"]  # type: ignore[union-attr]
    found = [value for name, value in told if name == "facts" and value["findings"]]
    thumbnail = found[0]["findings"][0]["thumbnail"]  # type: ignore[index]
    pixels = cv2.imdecode(
        np.frombuffer(base64.b64decode(thumbnail.split(",")[1]), np.uint8), cv2.IMREAD_COLOR
    )
    assert pixels.shape == (72, 72, 3)
    blue, green, red = pixels[36, 36].astype(int)
    assert red > 150 and blue < 120 and green < 120, "the spot is in the middle of its picture"
    watcher = threading.Thread(target=lambda: told.extend(events(brief.get("/events").text)))
    watcher.start()
    until(lambda: len(brief.app.state.service.events) == 1)
    number = brief.post("/toy/note?number=5").json()
    watcher.join()
    assert [value["id"] for name, value in told if name == "record"] == [number]


def test_the_picture_stream_is_jpegs(brief: TestClient) -> None:
    answer = brief.get("/demo/toy/stream")
    boundary = answer.headers["content-type"].split("boundary=")[1].encode()
    head = b"--" + boundary + b"\r\nContent-Type: image/jpeg\r\n\r\n"
    before, *parts, after = answer.content.split(head)
    assert before == after == b"", "the head of the next picture follows each at once"
    assert len(parts) > 5
    for body in parts:
        assert body.endswith(b"\r\n")
        assert cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR).shape == (120, 160, 3)
    assert events(brief.get("/demo/toy/facts").text)[0][0] == "facts"
    until(lambda: "READY" in brief.app.state.service.demos["toy"].drivers.values())
    wanted = 'lingnan_driver_state{direction="toy",driver="camera",state="READY"} 1.0'
    assert wanted in brief.get("/metrics").text


def test_unknown_and_crowded(tmp_path: Path) -> None:
    with client_of(tmp_path, headers=BEARER, max_viewers=1, stream_s=1.0) as client:
        assert client.get("/demo/none/stream").status_code == 404
        assert client.get("/demo/broken/facts").status_code == 404
        watcher = threading.Thread(target=client.get, args=("/demo/toy/stream",))
        watcher.start()
        until(lambda: client.app.state.service.demos["toy"].full)
        assert client.get("/demo/toy/stream").status_code == 429
        watcher.join()


async def _watch(hub: DemoHub, count: int) -> list[DemoFrame]:
    with hub.watch() as watcher:
        frames: list[DemoFrame] = []
        async for frame in watcher.items(0.05, 5.0):
            frames += [frame] if frame is not None else []
            if len(frames) >= count:
                break
        return frames


def test_the_demonstration_runs_only_while_watched() -> None:
    hub = DemoHub("toy", toy_demo, linger_s=0.1)
    assert hub.state == "idle"
    assert len(asyncio.run(_watch(hub, 3))) == 3
    until(lambda: hub.state == "idle")
    first = asyncio.run(_watch(hub, 1))[0]
    assert first.facts["part"] == 0, "it begins anew"
    hub.close()
    hub.join(5)
    assert asyncio.run(_watch(hub, 1)) == []


def test_pictures_beside_are_not_kept_for_later_watchers() -> None:
    def source(stop: threading.Event) -> Iterator[DemoFrame]:
        for frame in toy_demo(stop):
            beside = {"pictures": [{"title": "beside"}], "bars": {"all": {"one": 1}}}
            yield DemoFrame(frame.jpeg, {**frame.facts, **beside})

    hub = DemoHub("toy", source, linger_s=0.1)
    shown = asyncio.run(_watch(hub, 3))
    hub.close()
    hub.join(5)
    assert all("pictures" in frame.facts for frame in shown) and hub.recent
    assert all("pictures" not in facts and "bars" in facts for facts in hub.recent)


def test_a_failing_demonstration_is_reported_and_tried_again() -> None:
    runs: list[int] = []

    def failing(stop: threading.Event) -> Iterator[DemoFrame]:
        runs.append(1)
        if len(runs) == 1:
            raise OSError("no camera")
        yield from toy_demo(stop)

    hub = DemoHub("toy", failing, linger_s=0.1)
    assert asyncio.run(_watch(hub, 1)) == []
    assert (hub.state, hub.error) == ("failed", "OSError: no camera")
    assert len(asyncio.run(_watch(hub, 1))) == 1 and hub.error == ""
    hub.close()
    hub.join(5)


def test_two_runs_never_overlap() -> None:
    inside, most = [0], [0]

    def exclusive(stop: threading.Event) -> Iterator[DemoFrame]:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        try:
            yield from toy_demo(stop)
        finally:
            time.sleep(0.05)  # a camera that is slow to close
            inside[0] -= 1

    hub = DemoHub("toy", exclusive, linger_s=0.0)
    for _ in range(6):
        asyncio.run(_watch(hub, 1))
        time.sleep(0.03)
    hub.close()
    hub.join(5)
    assert most[0] == 1


def test_a_slow_watcher_gets_the_newest() -> None:
    async def scenario() -> None:
        fanout: Fanout[int] = Fanout(2)
        with fanout.watch(depth=2) as watcher:
            thread = threading.Thread(target=lambda: [fanout.publish(n) for n in range(1000)])
            thread.start()
            thread.join()
            fanout.close()
            assert [item async for item in watcher.items(1.0, 1.0)] == [998, 999]

    asyncio.run(scenario())
