"""Forks a process for every experiment: `python -m common.acceptance.host`.

To import what a direction measures with takes seconds. The host does it once; each experiment is
then a fork in a process group of its own, so that a crash, a leak or a full memory stays away from
the others. Jobs come as JSON lines on standard input, whose end means that the runner is gone. To
standard output go the jobs' own lines and, when one has ended, its code.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from common.acceptance.catalogue import experiments_of
from common.acceptance.worker import LOG, Channel, Job, direction_of, work

_STDIN = 0


class Host:
    """The forks that run. out: the file that the runner reads."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._jobs: dict[int, tuple[int, Job]] = {}  # process' file descriptor -> its id, its job
        self._watched, self._held = os.pipe()  # a fork reads the end of it when the host is gone
        self._selector = selectors.DefaultSelector()
        self._selector.register(_STDIN, selectors.EVENT_READ)

    def serve(self) -> None:
        """Begin what is asked for and tell what ends, until standard input does."""
        asked = b""
        while True:
            for key, _ in self._selector.select():
                if key.fd != _STDIN:
                    self._reap(key.fd)
                    continue
                if not (data := os.read(_STDIN, 1 << 16)):
                    return self._end_all()
                *lines, asked = (asked + data).split(b"\n")
                for line in lines:
                    self._begin(Job(**json.loads(line)))

    def _begin(self, job: Job) -> None:
        with contextlib.suppress(Exception):  # the fork fails at the same place, and tells it
            experiments_of(direction_of(job))
        process = os.fork()
        if process == 0:
            self._become(job)
        file = os.pidfd_open(process)
        self._jobs[file] = (process, job)
        self._selector.register(file, selectors.EVENT_READ)

    def _become(self, job: Job) -> NoReturn:
        """What the fork does."""
        code = 1
        try:
            os.setsid()
            os.close(self._held)
            self._selector.close()
            _redirect(Path(job.folder) / LOG)
            threading.Thread(target=_end_with_the_host, args=(self._watched,), daemon=True).start()
            code = work(job, Channel(self._out, job))
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _reap(self, file: int) -> None:
        process, job = self._jobs.pop(file)
        self._selector.unregister(file)
        os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        _end_group(process)  # whatever it started and left behind
        Channel(self._out, job).send(code=code)

    def _end_all(self) -> None:
        for process, _ in self._jobs.values():
            _end_group(process)
            os.kill(process, signal.SIGKILL)  # it may not have had its group yet
            os.waitpid(process, 0)


def _end_group(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _redirect(log: Path) -> None:
    """Standard output and error to the log, nothing to read."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(source, target)


def _end_with_the_host(watched: int) -> None:
    os.read(watched, 1)
    os._exit(1)


def main() -> None:
    """Serve until the runner is gone."""
    out = os.dup(1)
    os.dup2(2, 1)  # what an import prints is no line of ours
    Host(out).serve()


if __name__ == "__main__":
    main()
