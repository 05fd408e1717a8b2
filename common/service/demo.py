"""A direction's demonstration, shown live to whoever watches.

A direction gives `demo(stop)`: a generator of `DemoFrame` that paces itself as its camera does and
ends when `stop` is set. It runs in one thread, from the first watcher on until a little after the
last has left. Facts are any JSON; these keys have a meaning for the dashboard:

    part       number or name of the part shown
    verdict    "good" or "defect"
    findings   [{"label": str, "score": float, "box_px": [x0, y0, x1, y1]}, ...], pixels of the JPEG
    counters   {name: number}
    drivers    {name: "READY" | "DEGRADED" | "UNAVAILABLE"}
    bars       {title: {name: number}}, shown as bars of one scale a title
    steps      {title: [{"name": str, "text": str, "state": str}, ...]}, how far each of some things
               is; state is "waiting", "active", "done" or "failed"
    pictures   [{"title": str, "image": str, "verdict": str, "notes": [str, ...]}, ...], shown
               beside; image is the data: address of a JPEG; all but the title may be left out
    simulated  whether what is shown is a simulation
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from common.service.fanout import Fanout, Watcher
from common.service.thumbnails import with_thumbnails

_log = logging.getLogger(__name__)

Source = Callable[[threading.Event], Iterator["DemoFrame"]]


@dataclass(frozen=True, slots=True)
class DemoFrame:
    """One picture, as a JPEG, and what was found in it (JSON; see the module)."""

    jpeg: bytes
    facts: dict[str, Any] = field(default_factory=dict)


class DemoHub:
    """One demonstration and its watchers.

    linger_s: how long it goes on after the last watcher left, so that a reload does not restart it.
    `state` is "idle", "running" or "failed" (then `error` says why); the next watcher tries again.
    """

    def __init__(
        self, name: str, source: Source, *, max_viewers: int = 16, linger_s: float = 5.0
    ) -> None:
        self.name = name
        self.state = "idle"
        self.error = ""
        self.drivers: dict[str, str] = {}
        self.recent: deque[dict[str, Any]] = deque(maxlen=12)  # facts of the last defects
        self._source = source
        self._linger_s = linger_s
        self._watchers: Fanout[DemoFrame] = Fanout(max_viewers)
        self._lock = threading.Lock()
        self._closed = False
        self._stop = threading.Event()
        self._running = False
        self._thread: threading.Thread | None = None

    @property
    def full(self) -> bool:
        """Whether one more watcher would be too many."""
        return self._watchers.full

    @contextmanager
    def watch(self) -> Iterator[Watcher[DemoFrame]]:
        """A mailbox that holds the newest frame; starts the demonstration when it does not run."""
        with self._watchers.watch() as watcher:
            self._start()
            yield watcher

    def close(self) -> None:
        """Tell the demonstration to end, and let no other begin; does not wait for it."""
        with self._lock:
            self._closed = True
        self._stop.set()
        self._watchers.close()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end after `close`."""
        if (thread := self._thread) is not None:
            thread.join(timeout_s)

    def _start(self) -> None:
        with self._lock:
            if self._running or self._closed:
                return
            before, self._stop, self._running = self._thread, threading.Event(), True
            self.state, self.error = "running", ""
            self.recent.clear()
            self._thread = threading.Thread(
                target=self._run,
                args=(self._stop, before),
                name=f"lingnan-demo-{self.name}",
                daemon=True,
            )
            self._thread.start()

    def _run(self, stop: threading.Event, before: threading.Thread | None) -> None:
        if before is not None:  # one at a time: it may hold the camera still
            before.join()
        try:
            self._play(stop)
            self._ended(stop, "idle", "")
        except Exception as error:  # a direction's fault is shown and kills nothing
            told = f"{type(error).__name__}: {error}"
            _log.error("the demonstration of %s failed: %s", self.name, told)
            _log.debug("the fault in full", exc_info=True)
            self._ended(stop, "failed", told)

    def _play(self, stop: threading.Event) -> None:
        watched = time.monotonic()
        frames = self._source(stop)
        try:
            for frame in frames:
                frame = with_thumbnails(frame)
                self._note(frame.facts)
                self._watchers.publish(frame)
                watched = time.monotonic() if len(self._watchers) else watched
                if time.monotonic() - watched > self._linger_s:
                    self._retire(stop)
                if stop.is_set():
                    return
        finally:
            if isinstance(frames, Generator):
                frames.close()

    def _note(self, facts: dict[str, Any]) -> None:
        drivers = facts.get("drivers")
        self.drivers = {str(k): str(v) for k, v in drivers.items()} if drivers else {}
        if facts.get("findings"):
            self.recent.append({k: v for k, v in facts.items() if k != "pictures"})

    def _retire(self, stop: threading.Event) -> None:
        with self._lock:  # a watcher who comes now starts the next run
            if not len(self._watchers):
                self._running = False
                self.state = "idle"
                stop.set()

    def _ended(self, stop: threading.Event, state: str, error: str) -> None:
        with self._lock:
            if stop is not self._stop or not self._running:
                return  # retired; what runs now is another
            self._running = False
            self.state, self.error, self.drivers = state, error, {}
        self._watchers.end()
