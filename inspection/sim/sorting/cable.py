"""A network cable that can be cut: a TCP relay on this machine that forwards, or keeps silent."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Self

PIECE = 65536
POLL_S = 0.02


class Cable:
    """Relays connections to `port` from a port of its own, `self.port`, both on 127.0.0.1.

    While it is cut nothing passes, new connections find nobody, and what was sent is lost with its
    connection, as it is when TCP gives up.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._cut_until = 0.0
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(POLL_S)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def cut(self, lasts_s: float) -> None:
        """Pull the plug for so long."""
        self._cut_until = monotonic() + lasts_s

    @property
    def is_cut(self) -> bool:
        """Whether nothing passes now."""
        return monotonic() < self._cut_until

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in list(self._threads):
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self.is_cut:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._to), timeout=1.0)
            except OSError:
                client.close()
                continue
            for ends in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pump, args=ends, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        source.settimeout(POLL_S)
        lost = False
        with source, suppress(OSError):
            while not self._over.is_set():
                with suppress(TimeoutError):
                    piece = source.recv(PIECE)
                    if not piece:
                        break
                    lost = lost or self.is_cut
                    if not lost:
                        target.sendall(piece)
                if lost and not self.is_cut:
                    break
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)
