"""Real time for a simulated PLC: a thread that scans when scans are due."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from common.drivers.plc.machine import Machine


class Runner:
    """Runs a machine whose clock is time.monotonic(), from `start` to `stop`."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Power on."""
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="simulated PLC", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Power off. Stopping twice does nothing."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        scan_s = self.machine.settings.scan_s
        while not self._over.wait(scan_s):
            self.machine.advance(time.monotonic())
