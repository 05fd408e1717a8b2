"""Work that is done beforehand, on a thread of its own, while something else is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_TURN = threading.Lock()  # one at a time: what nobody waits for any more is not begun
_LOOK_S = 0.1


class Ahead(Generic[T]):
    """Begins `work` at once, or when what was begun before has ended; not at all after `stop`."""

    def __init__(self, work: Callable[[], T], stop: threading.Event) -> None:
        self._work, self._stop = work, stop
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="lingnan-ahead", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether `wait` would return at once."""
        return not self._thread.is_alive()

    def wait(self) -> T | None:
        """The result, None where `stop` came first; what the work raised is raised here."""
        while self._thread.is_alive() and not self._stop.is_set():
            self._thread.join(_LOOK_S)
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        with _TURN:
            if self._stop.is_set():
                return
            try:
                self._result = self._work()
            except BaseException as error:  # whoever waits is told
                self._error = error
