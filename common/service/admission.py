"""How much is let in at once, and nothing more once the server stops.

A request with a body holds memory from its first byte, so their number is bounded before the body
is read: 429 with Retry-After. A body that trickles in gives its place up after a while: 408. While
the server drains, new requests get 503; what was taken is finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.service.queue import RETRY_S, Observer


class Drain:
    """Off until the server begins to stop; then everybody registered is told, once."""

    def __init__(self) -> None:
        self.on = False
        self._tell: list[Callable[[], None]] = []

    def then(self, call: Callable[[], None]) -> None:
        """Have `call` made when draining begins; it must not block."""
        self._tell.append(call)

    def begin(self) -> None:
        """Refuse what is new from here on."""
        if not self.on:
            self.on = True
            for call in self._tell:
                call()


class Admission:
    """Refuses while draining, bounds the requests that carry a body, and times the body."""

    def __init__(
        self, app: ASGIApp, *, drain: Drain, max_uploads: int, body_s: float, observer: Observer
    ) -> None:
        self._app = app
        self._drain = drain
        self._max_uploads = max_uploads
        self._body_s = body_s
        self._observer = observer
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._drain.on:
            await self._refuse(503, "stopping", "the server is stopping")(scope, receive, send)
        elif not _has_body(scope):
            await self._app(scope, receive, send)
        elif self._uploads >= self._max_uploads:
            detail = f"{self._max_uploads} uploads are being worked on; try again"
            await self._refuse(429, "uploads", detail)(scope, receive, send)
        else:
            self._uploads += 1
            try:
                await self._app(scope, self._timed(receive), send)
            finally:
                self._uploads -= 1

    def _timed(self, receive: Receive) -> Receive:
        loop = asyncio.get_running_loop()
        end, more = loop.time() + self._body_s, True

        async def timed() -> Message:
            nonlocal more
            if not more:  # what comes after the body is the caller's going away
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), end - loop.time())
            except TimeoutError:
                self._observer.refused("body")
                raise HTTPException(408, f"the body took over {self._body_s:g} s") from None
            more = message.get("more_body", False)
            return message

        return timed

    def _refuse(self, status: int, reason: str, detail: str) -> Response:
        self._observer.refused(reason)
        return JSONResponse({"detail": detail}, status, {"Retry-After": str(RETRY_S)})


def _has_body(scope: Scope) -> bool:
    """By the framing that the server itself goes by (RFC 9112, 6.3), whatever the method."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
