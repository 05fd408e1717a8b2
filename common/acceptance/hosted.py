"""The host of the experiments' processes, as the runner talks to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

from common.acceptance.worker import Job

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_CLOSING_S = 10.0

Heard = Callable[[int, int, str], None]


@dataclass(slots=True)
class _Running:
    """A job under way. ended: its exit code, negative for the signal that ended it."""

    heard: Heard
    ended: asyncio.Future[int]
    error: str = ""


class Hosted:
    """Performs jobs, each in a process forked for it; an asynchronous context manager.

    The host is started with the first job, and again should it have died with those it ran.
    """

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._running: dict[str, _Running] = {}
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Hosted:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the host and every process it has forked."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _CLOSING_S)
        except TimeoutError:
            self._process.kill()
        if self._listening is not None:
            await self._listening

    async def perform(self, job: Job, heard: Heard) -> tuple[str, int]:
        """The error that the job told, or "", and its process' exit code."""
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await _start()
                self._listening = asyncio.create_task(self._listen(self._process))
        running = _Running(heard, asyncio.get_running_loop().create_future())
        self._running[job.name] = running
        if self._process.stdin is not None:
            with contextlib.suppress(ConnectionError):  # a host that died is told by the codes
                self._process.stdin.write(job.line())
        code = await running.ended
        return running.error, code

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise RuntimeError("the host has no pipes")
        async for line in process.stdout:
            message = json.loads(line)
            running = self._running[message["job"]]
            running.error = message.get("error", running.error)
            if "done" in message:
                running.heard(message["done"], message["total"], message["what"])
            if "code" in message:
                self._end(message["job"], message["code"])
        await process.wait()
        for name in [*self._running]:
            self._end(name, -signal.SIGKILL)

    def _end(self, name: str, code: int) -> None:
        running = self._running.pop(name)
        if not running.ended.done():  # cancelled with the runner
            running.ended.set_result(code)


async def _start() -> asyncio.subprocess.Process:
    """One thread to a numerical library: side by side they would fight, and sums would differ."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.acceptance.host"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **{name: os.environ.get(name, "1") for name in _ONE_THREAD}},
        start_new_session=True,  # a Ctrl-C is the runner's to handle
    )
