"""The jobs a service offers: files `<name>.job` in one folder, loaded when first asked for."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from common.errors import LingnanError
from inspection.job import Job
from inspection.methods.base import Method

NAME = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,99}")  # of any script
MOST_LOADED = 8
EMPTY = "none yet; put one into `jobs` of the state folder, which `lingnan doctor` names"


class NoSuchJobError(LingnanError):
    """No job of that name lies in the folder."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A job and its method, ready to inspect."""

    job: Job
    method: Method


class Shelf:
    """Jobs by name. A file that changed is loaded anew; the last few stay in memory.

    A name is looked up among the files that are there; no path is made of what was asked for.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, int, int, int], Loaded] = {}

    def names(self) -> list[str]:
        """Names of the jobs there are, sorted."""
        return sorted(filter(_is_name, self._stems()))

    def _stems(self) -> list[str]:
        """Of all job files; those that are being written, hidden till then, are none."""
        if not self._folder.is_dir():
            return []
        found = self._folder.glob("*.job")
        return [path.stem for path in found if not path.name.startswith(".")]

    def get(self, name: str) -> Loaded:
        """NoSuchJobError, or JobError when the file is not a whole job."""
        stems = self._stems()
        path = self._folder / f"{name}.job"
        if name not in stems or not _is_name(name) or not path.is_file():
            known = ", ".join(sorted(filter(_is_name, stems))) or EMPTY
            odd = [repr(stem) for stem in stems if not _is_name(stem)]
            left = (
                f"; not offered, for such a name fits no address: {', '.join(odd)}" if odd else ""
            )
            raise NoSuchJobError(f"no job is called {name!r}; there are: {known}{left}")
        status = path.stat()
        key = (name, status.st_ino, status.st_mtime_ns, status.st_size)  # saving makes a new inode
        with self._lock:
            if key not in self._loaded:
                job = Job.load(path)
                self._loaded[key] = Loaded(job, job.method())
                while len(self._loaded) > MOST_LOADED:
                    del self._loaded[next(iter(self._loaded))]
            return self._loaded[key]


def _is_name(stem: str) -> bool:
    """Whether an address can hold it: no control characters, and text at all."""
    return NAME.fullmatch(stem) is not None and stem.isprintable()
