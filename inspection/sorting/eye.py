"""The camera and the network of a line, on a thread of their own: parts in, verdicts out."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from common.drivers.base import DriverError, DriverTimeoutError, EndOfStreamError
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.sorting.sorter import Verdict

WAIT_S = 0.1
MOST_PENDING = 64


class TriggeredCamera(Protocol):
    """A camera that takes a picture when it is told to; `SimCamera` is one."""

    def trigger(self, *lights: str) -> int:
        """Take a picture under each light; the trigger's number, which the images carry."""
        ...

    def read(self, timeout_s: float | None = None) -> Stamped[Image]:
        """See `Driver.read`."""
        ...


class Eye:
    """Judges the part of every `look`. `classify` gets the image and returns its class or None.

    A picture is known by its trigger number: one that is lost costs its own part the verdict, and
    never shifts another's. judged: (part, monotonic seconds) of the verdicts.
    """

    def __init__(
        self, camera: TriggeredCamera, classify: Callable[[Stamped[Image]], str | None], light: str
    ) -> None:
        self.judged: list[tuple[int, float]] = []
        self._camera, self._classify, self._light = camera, classify, light
        self._asked: dict[int | None, tuple[int, int]] = {}
        self._lock = threading.Lock()  # over _asked
        self._done: queue.SimpleQueue[Verdict] = queue.SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="eye", daemon=True)

    def look(self, part: int, epoch: int) -> None:
        """Take a picture of the part that is at the camera now."""
        with self._lock:  # the picture may be there before its number is
            trigger = self._camera.trigger(self._light)
            self._asked[trigger] = (part, epoch)
            self._asked.pop(trigger - MOST_PENDING, None)

    def verdicts(self) -> list[Verdict]:
        """Those that came since the last call."""
        return [self._done.get() for _ in range(self._done.qsize())]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                sample = self._camera.read(WAIT_S)
            except DriverTimeoutError:
                continue
            except EndOfStreamError:
                return
            except DriverError:
                self._over.wait(WAIT_S)
                continue
            self._judge(sample)

    def _judge(self, sample: Stamped[Image]) -> None:
        try:
            kind = self._classify(sample)
        except ValueError:  # an image that the method was not taught for has no class
            kind = None
        with self._lock:
            asked = self._asked.pop(sample.value.trigger, None)
        if asked is not None:
            part, epoch = asked
            self.judged.append((part, monotonic()))
            self._done.put(Verdict(part, kind, epoch))
