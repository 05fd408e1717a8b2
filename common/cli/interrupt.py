"""Ctrl-C that strikes while an object is being finalised.

Python cannot raise out of a finaliser: it prints the KeyboardInterrupt and goes on, and a command
that compiles, whose objects come and go by the thousand, would not stop. So it is raised again a
moment later, until it strikes elsewhere. What was cut off half way is finalised without a word.
"""

from __future__ import annotations

import _thread
import sys
import threading
from types import TracebackType
from typing import Any, Self

AGAIN_S = 0.05


class Interruption:
    """Stands in for sys.unraisablehook while a command runs."""

    def __init__(self) -> None:
        self._former = sys.unraisablehook
        self._is_over = False

    def __enter__(self) -> Self:
        sys.unraisablehook = self._unraisable
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._is_over = True
        sys.unraisablehook = self._former

    def struck(self) -> None:
        """The command has stopped for it."""
        self._is_over = True

    def _unraisable(self, told: Any) -> None:
        if issubclass(told.exc_type, KeyboardInterrupt):
            again = threading.Timer(AGAIN_S, self._again)
            again.daemon = True
            again.start()
        elif not self._is_over:
            self._former(told)

    def _again(self) -> None:
        if not self._is_over:
            _thread.interrupt_main()
