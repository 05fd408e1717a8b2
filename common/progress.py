"""Progress of long work: a bar on a terminal, a plain line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Tell = Callable[[int, int, str], None]  # done, total (0 where it is not known), what

PLAIN_EVERY_S = 10.0


@contextmanager
def progress(stream: TextIO | None = None) -> Iterator[Tell]:
    """A function that takes (done, total, what) as often as the work likes, on standard error."""
    target = sys.stderr if stream is None else stream
    if not target.isatty():
        yield _plain(target, time.monotonic)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    bar = Progress("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                   console=Console(file=target), transient=True)  # fmt: skip
    with bar:
        tasks: dict[str, int] = {}

        def tell(done: int, total: int, what: str) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=None)
            bar.update(tasks[what], completed=done, total=total or None)  # type: ignore[arg-type]

        yield tell


def _plain(stream: TextIO, now: Callable[[], float]) -> Tell:
    last = now()

    def tell(done: int, total: int, what: str) -> None:
        nonlocal last
        if now() - last >= PLAIN_EVERY_S:
            last = now()
            print(f"{what}: {done}" + (f" of {total}" if total else ""), file=stream, flush=True)

    return tell
