"""Streams to a browser: server-sent events and pictures.

A stream closes after a while, or when the server stops; the browser's EventSource comes back by
itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from common.service.demo import DemoFrame, DemoHub
from common.service.fanout import Fanout
from common.service.queue import RETRY_S
from common.service.state import Parts, Service
from common.service.status import status_of

STATUS_S = 2.0
_TICK_S = 0.25
_DEPTH = 64  # records that may wait for a slow reader
_BOUNDARY = "lingnan-frame"

DirectionName = Annotated[str, Path(max_length=64)]
_RETURNS: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such demonstration"},
    429: {"description": "Too many watch already"},
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}
}
router = APIRouter(tags=["streams"], responses=_RETURNS)


@router.get("/events", response_class=StreamingResponse, responses=_EVENTS)
async def events(
    parts: Parts, demo: Annotated[str | None, Query(max_length=64)] = None
) -> StreamingResponse:
    """`status` every two seconds and each `record`; with `demo`, its `facts` too."""
    hub = None if demo is None else _hub(parts, demo)
    _refuse_if(parts, parts.events.full)
    return StreamingResponse(_events(parts, hub), media_type="text/event-stream")


@router.get("/demo/{direction}/facts", response_class=StreamingResponse, responses=_EVENTS)
async def facts(direction: DirectionName, parts: Parts) -> StreamingResponse:
    """What the demonstration finds, as `facts`."""
    hub = _hub(parts, direction)
    return StreamingResponse(_facts(parts, hub), media_type="text/event-stream")


@router.get(
    "/demo/{direction}/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"multipart/x-mixed-replace": {}}}},
)
async def stream(direction: DirectionName, parts: Parts) -> StreamingResponse:
    """The demonstration's pictures, JPEGs that replace each other (MJPEG)."""
    kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
    return StreamingResponse(_pictures(parts, _hub(parts, direction)), media_type=kind)


def _hub(parts: Service, direction: str) -> DemoHub:
    hub = parts.demos.get(direction)
    if hub is None:
        raise HTTPException(404, f"{direction!r:.80} has no demonstration")
    _refuse_if(parts, hub.full)
    return hub


def _refuse_if(parts: Service, full: bool) -> None:
    if full:
        parts.metrics.refused("viewers")
        raise HTTPException(429, "too many watch already", {"Retry-After": str(RETRY_S)})


async def _pictures(parts: Service, hub: DemoHub) -> AsyncIterator[bytes]:
    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n\r\n".encode()
    yield head
    with hub.watch() as watcher:
        async for frame in watcher.items(_TICK_S, parts.settings.stream_s):
            if frame is not None:
                # with the next picture's head: browsers show one once they have read it
                yield frame.jpeg + b"\r\n" + head


async def _facts(parts: Service, hub: DemoHub) -> AsyncIterator[bytes]:
    yield b"retry: 3000\n\n"
    with hub.watch() as watcher:
        async for frame in watcher.items(STATUS_S, parts.settings.stream_s):
            yield b": \n\n" if frame is None else _event("facts", frame.facts)


async def _events(parts: Service, hub: DemoHub | None) -> AsyncIterator[bytes]:
    yield b"retry: 3000\n\n"
    loop, due = asyncio.get_running_loop(), 0.0
    with ExitStack() as stack:
        news = stack.enter_context(parts.events.watch(_DEPTH))
        silent: Fanout[DemoFrame] = Fanout(1)
        frames = stack.enter_context(silent.watch() if hub is None else hub.watch())
        for found in list(hub.recent) if hub else ():  # what was found before this watcher came
            yield _event("facts", found)
        async for frame in frames.items(_TICK_S, parts.settings.stream_s):
            if frame is not None:
                yield _event("facts", frame.facts)
            for name, value in news.take():
                yield _event(name, value)
            if loop.time() >= due:
                due = loop.time() + STATUS_S
                yield _event("status", status_of(parts))
            if parts.drain.on:
                break
    yield _event("status", status_of(parts))


def _event(name: str, value: Any) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(value, default=str))
