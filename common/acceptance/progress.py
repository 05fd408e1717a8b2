"""How a long run tells where it is: bars on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, TextIO

PLAIN_EVERY_S = 10.0


class Display(Protocol):
    """What the runner tells, by the name of the experiment; used as a context manager."""

    def begin(self, name: str) -> None:
        """An experiment starts."""

    def update(self, name: str, done: int, total: int, what: str) -> None:
        """It has done so many of so many."""

    def end(self, name: str, outcome: str) -> None:
        """It is over."""

    def tick(self) -> None:
        """Called about every second."""


class PlainDisplay(AbstractContextManager["PlainDisplay"]):
    """A line every ten seconds and one when an experiment ends."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total, self._stream = total, stream
        self._running: dict[str, str] = {}
        self._done = 0
        self._begun_s = self._last_s = time.monotonic()

    def __exit__(self, *_: object) -> None:
        return None

    def begin(self, name: str) -> None:
        """Note the experiment."""
        self._running[name] = ""

    def update(self, name: str, done: int, total: int, what: str) -> None:
        """Note how far it is."""
        self._running[name] = f" {done}/{total} {what}".rstrip()

    def end(self, name: str, outcome: str) -> None:
        """Say how it ended."""
        self._running.pop(name, None)
        self._done += 1
        self._line(f"{name}: {outcome}")

    def tick(self) -> None:
        """Say what is running, where ten seconds have passed in silence."""
        if time.monotonic() - self._last_s >= PLAIN_EVERY_S:
            self._line("; ".join(name + state for name, state in self._running.items()))

    def _line(self, text: str) -> None:
        self._last_s = time.monotonic()
        elapsed_s = self._last_s - self._begun_s
        print(f"[{self._done}/{self._total}, {elapsed_s:.0f} s] {text}", file=self._stream)
        self._stream.flush()


class TerminalDisplay(AbstractContextManager["TerminalDisplay"]):
    """Bars: one for the whole, one for each running experiment."""

    def __init__(self, total: int, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        name, what = (
            TextColumn(field, markup=False)
            for field in ("{task.description}", "{task.fields[what]}")
        )
        self._bars = Progress(
            *(name, BarColumn(), MofNCompleteColumn(), Elapsed(), what),
            console=Console(file=stream),
        )
        self._all = self._bars.add_task("experiments", total=total, what="")
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> TerminalDisplay:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begin(self, name: str) -> None:
        """Show a bar of unknown length."""
        self._tasks[name] = self._bars.add_task(name, total=None, what="")

    def update(self, name: str, done: int, total: int, what: str) -> None:
        """Move the bar."""
        self._bars.update(self._tasks[name], completed=done, total=total, what=what)

    def end(self, name: str, outcome: str) -> None:
        """Take the bar away, leave a line."""
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        self._bars.console.print(f"{name}: {outcome}", markup=False, highlight=False)
        self._bars.advance(self._all)

    def tick(self) -> None:
        """Nothing: the bars refresh themselves."""


def display(total: int, stream: TextIO | None = None) -> PlainDisplay | TerminalDisplay:
    """Bars where `stream` (standard error) is a terminal, plain lines elsewhere."""
    where = stream or sys.stderr
    return TerminalDisplay(total, where) if where.isatty() else PlainDisplay(total, where)
