"""A bounded queue in front of a few threads: work is taken, refused or late, never piled up.

A route asks for it as a parameter and awaits a blocking function:

    @router.post("/inspect")
    async def inspect(file: UploadFile, work: Work) -> Verdict:
        data = await file.read()
        return await work.run("inspection.inspect", step, data)

Refusals are HTTP errors already: 429 when the queue is full, 503 when the deadline passed, both
with Retry-After.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Annotated, ParamSpec, Protocol, TypeVar

from fastapi import Depends, HTTPException, Request

P = ParamSpec("P")
R = TypeVar("R")

RETRY_S = 1


class Observer(Protocol):
    """Whoever counts: `worked` gets the name and the seconds in the thread, `refused` the why."""

    def worked(self, name: str, seconds: float) -> None: ...

    def refused(self, reason: str) -> None: ...


class WorkQueue:
    """`workers` threads and `max_waiting` calls that may wait for one."""

    def __init__(
        self, workers: int, max_waiting: int, deadline_s: float, observer: Observer
    ) -> None:
        self.capacity = workers + max_waiting
        self._workers = workers
        self._deadline_s = deadline_s
        self._observer = observer
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="lingnan-work")
        self._lock = threading.Lock()
        self._taken = 0

    @property
    def depth(self) -> int:
        """Calls that wait for a thread."""
        return max(0, self._taken - self._workers)

    @property
    def taken(self) -> int:
        """Calls that wait or run."""
        return self._taken

    async def run(self, name: str, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of `call`, run in a thread; `name` is for the metrics.

        HTTPException 429 when the queue is full, 503 at the deadline: a call that still waits is
        then withdrawn; one that runs holds its thread until it ends, and its result is dropped.
        """
        self._take()

        def timed() -> R:
            start = perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self._observer.worked(name, perf_counter() - start)

        try:
            future = self._pool.submit(timed)
        except RuntimeError:
            self._give_back()
            raise self._refuse(503, "stopping", "the server is stopping") from None
        future.add_done_callback(lambda _: self._give_back())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._deadline_s)
        except TimeoutError:
            if future.done() and not future.cancelled() and future.exception() is not None:
                raise  # the work's own
            raise self._refuse(503, "deadline", f"no result in {self._deadline_s:g} s") from None

    def close(self) -> None:
        """Finish what runs, withdraw what waits, take nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _take(self) -> None:
        with self._lock:
            if self._taken >= self.capacity:
                raise self._refuse(429, "queue", f"{self.capacity} requests are being worked on")
            self._taken += 1

    def _give_back(self) -> None:
        with self._lock:
            self._taken -= 1

    def _refuse(self, status: int, reason: str, detail: str) -> HTTPException:
        self._observer.refused(reason)
        return HTTPException(status, f"{detail}; try again", {"Retry-After": str(RETRY_S)})


def work_queue(request: Request) -> WorkQueue:
    """The application's queue, as a dependency."""
    queue: WorkQueue = request.app.state.service.queue
    return queue


Work = Annotated[WorkQueue, Depends(work_queue)]
