"""The jobs a service offers: files `<name>.job` in one folder, loaded when first asked for."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from common.errors import LingnanError
from inspection.job import Job
from inspection.methods.base import Method

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
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
    """Jobs by name. A file that changed is loaded anew; the last few stay in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, int, int, int], Loaded] = {}

    def names(self) -> list[str]:
        """Names of the jobs there are, sorted."""
        if not self._folder.is_dir():
            return []
        return sorted(p.stem for p in self._folder.glob("*.job") if NAME.fullmatch(p.stem))

    def get(self, name: str) -> Loaded:
        """NoSuchJobError, or JobError when the file is not a whole job."""
        path = self._folder / f"{name}.job"
        if not NAME.fullmatch(name) or not path.is_file():
            known = ", ".join(self.names()) or EMPTY
            raise NoSuchJobError(f"no job is called {name!r}; there are: {known}")
        status = path.stat()
        key = (name, status.st_ino, status.st_mtime_ns, status.st_size)  # saving makes a new inode
        with self._lock:
            if key not in self._loaded:
                job = Job.load(path)
                self._loaded[key] = Loaded(job, job.method())
                while len(self._loaded) > MOST_LOADED:
                    del self._loaded[next(iter(self._loaded))]
            return self._loaded[key]
