"""`lingnan serve`: one process, one address, a clean stop.

On SIGTERM or SIGINT the server first drains: what it took is finished, what is new gets 503, and
streams are closed; then it stops listening and exits with 0. A second signal stops it at once.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from pydantic import SecretStr

from common.directions import Direction
from common.errors import LingnanError, MissingExtraError
from common.paths import state_dir as default_state_dir
from common.service import tokens
from common.service.settings import LOOPBACK, Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765
_MOST_CONNECTIONS = 512
_STREAMS_END_S = 3  # after the drain


class AddressError(LingnanError):
    """The address cannot be listened on."""


def serve(
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    token: str | None = None,
    keep_token: bool = False,
    state_dir: Path | None = None,
    report: Path | None = None,
    allow_hosts: tuple[str, ...] = (),
    directions: Iterable[Direction] | None = None,
    stream: TextIO | None = None,
) -> None:
    """Serve until a signal; prints one line with the address to open.

    port: 0 takes a free one. token: a fixed one, else a new one at every start. keep_token: the
    token lies in `state_dir/token` (mode 0600) and is the same at the next start.
    allow_hosts: further names by which the server is reached, besides loopback and `host`.
    report: folder of the acceptance report to show. directions: what is served, all by default.

    AddressError when the address is taken or not this machine's; MissingExtraError without the
    extra `service`.
    """
    place = state_dir or default_state_dir()
    secret = _secret(token, keep_token, place)
    settings = Settings(
        token=SecretStr(secret),
        state_dir=place,
        report=report,
        hosts=tuple(dict.fromkeys((*LOOPBACK, *_names(host), *allow_hosts))),
    )
    with listen(host, port) as listener:
        create_app = _create_app()
        app = create_app(settings, directions=directions)
        print(_greeting(host, listener, secret), file=stream or sys.stdout, flush=True)
        run(app, listener)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; AddressError says what to do when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)  # who reads the printed address may come at once
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise AddressError(f"port {port} of {host} is in use; choose another: --port") from None
        raise AddressError(f"{host} port {port} cannot be listened on: {error}") from None
    return listener


def run(app: FastAPI, listener: socket.socket) -> None:
    """Serve an application on a bound socket until a signal."""
    import uvicorn

    from common.service.state import Service

    service: Service = app.state.service

    class Server(uvicorn.Server):
        """uvicorn that drains before it stops listening."""

        drained_by: float | None = None

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if self.should_exit:
                self.force_exit = True
            self.should_exit = True

        async def on_tick(self, counter: int) -> bool:
            if not await super().on_tick(counter):
                return False
            if self.drained_by is None:
                self.drained_by = time.monotonic() + service.settings.drain_s
                service.drain.begin()
            busy = bool(self.server_state.tasks) and time.monotonic() < self.drained_by
            return self.force_exit or not busy

    config = uvicorn.Config(
        app,
        access_log=False,  # an address may hold the token
        log_config=None,
        log_level=logging.WARNING,
        ws="none",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=_STREAMS_END_S,
        h11_max_incomplete_event_size=32 * 1024,
    )
    Server(config).run([listener])


def _secret(token: str | None, keep: bool, place: Path) -> str:
    if keep:
        return tokens.kept_token(place, token)
    return tokens.check(token) if token is not None else tokens.new_token()


def _names(host: str) -> tuple[str, ...]:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - every address; its names are the owner's to tell
        return (socket.gethostname().lower(),)
    return (f"[{host}]" if ":" in host else host.lower(),)


def _greeting(host: str, listener: socket.socket, token: str) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"Lingnan serves at http://{shown}:{listener.getsockname()[1]}/?token={token}"


def _create_app() -> Callable[..., FastAPI]:
    try:
        from common.service.app import create_app
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "fastapi", "service") from None
    return create_app
