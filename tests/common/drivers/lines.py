"""A serial line in software: a pseudo-terminal whose other end plays a device."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self


class Line:
    """`port` is the name to open. `play` sends pieces at a rate; `answer` gets what was written."""

    def __init__(self, answer: Callable[[bytes], bytes] = lambda data: b"") -> None:
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.port = os.ttyname(self._theirs)
        self.received = b""
        self._answer = answer
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._start(self._listen)

    def play(self, pieces: Iterable[bytes], period_s: float) -> None:
        """Send one piece every period, in the background."""

        def run() -> None:
            for piece in pieces:
                if self._closing.wait(period_s):
                    return
                self.send(piece)

        self._start(run)

    def send(self, data: bytes) -> None:
        """All of it, as fast as it is taken."""
        os.set_blocking(self._ours, False)
        while data and not self._closing.is_set():
            try:
                data = data[os.write(self._ours, data) :]
            except BlockingIOError:
                time.sleep(0.002)

    def _listen(self) -> None:
        os.set_blocking(self._ours, False)
        while not self._closing.is_set():
            try:
                told = os.read(self._ours, 4096)
            except (BlockingIOError, OSError):
                time.sleep(0.002)
                continue
            self.received += told
            self.send(self._answer(told))

    def _start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(2.0)
        os.close(self._ours)
        os.close(self._theirs)
