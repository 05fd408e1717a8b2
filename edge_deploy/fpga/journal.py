"""Which steps of a long job have ended in a folder, and the processor time they took.

A step's files are written under another name and moved when they are whole, so that a job that was
stopped anywhere is taken up at the step it was in.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge_deploy.errors import EdgeError

NAME = "steps.json"
MOST_BYTES = 1 << 16  # of a journal


class Journal:
    """Of one folder. settings: what a job begun there must have been begun with.

    EdgeError where they differ, or where the file is no journal.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str | int]) -> None:
        self.path, self.settings = folder / NAME, dict(settings)
        self.spent_s: dict[str, float] = {}
        if self.path.exists():
            self.spent_s = self._read()

    def _read(self) -> dict[str, float]:
        try:
            if self.path.stat().st_size > MOST_BYTES:
                raise ValueError("too long")
            held = json.loads(self.path.read_text("utf-8"))
            begun, spent = dict(held["settings"]), dict(held["cpu_s"])
            times = {str(step): float(value) for step, value in spent.items()}
        except (ValueError, KeyError, TypeError) as error:
            told = f"{self.path}: not a list of steps ({error}): name a new folder"
            raise EdgeError(told) from None
        if begun != self.settings:
            told = f"{self.path} was begun with {begun}, not {self.settings}: name a new folder"
            raise EdgeError(told)
        return times

    @property
    def cpu_s(self) -> float:
        """Of every step that has ended, whichever call did it."""
        return sum(self.spent_s.values())

    @contextmanager
    def step(self, name: str) -> Iterator[bool]:
        """True where the step has to be done; it is noted once the block ends without an error."""
        if name in self.spent_s:
            yield False
            return
        start = cpu_s()
        yield True
        self.spent_s[name] = cpu_s() - start
        whole = {"settings": self.settings, "cpu_s": self.spent_s}
        with replacing(self.path) as part:
            part.write_text(json.dumps(whole, indent=1), encoding="utf-8")


@contextmanager
def replacing(*paths: Path) -> Iterator[Path]:
    """Names beside `paths` to write to, the first one given; moved there when all is written."""
    parts = [partial(path) for path in paths]
    yield parts[0]
    for part, path in zip(parts, paths, strict=True):
        part.replace(path)


def partial(path: Path) -> Path:
    """The name under which a file is written."""
    return path.with_name(f"{path.name}.part")


def cpu_s() -> float:
    """Of this process and of the programs that it waited for."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)
