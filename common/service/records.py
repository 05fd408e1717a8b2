"""Accepted records: a result is acknowledged only once it lies on the disk.

A direction's route awaits `accept` before it answers, and puts the id into the answer:

    @router.post("/inspect")
    async def inspect(file: UploadFile, work: Work, records: Records) -> Answer:
        verdict = await work.run("inspection.inspect", step, await file.read())
        return Answer(record=await records.accept("inspection.result", verdict.model_dump()))

Whoever has the id has the record, though the process be killed the moment after.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel

from common.service.fanout import Fanout
from common.service.metrics import Metrics
from common.service.queue import RETRY_S
from common.store.errors import StoreBusyError, StoreClosedError
from common.store.records import Records as Store

KIND = r"^[a-z][a-z0-9_.-]{0,63}$"


class StoredRecord(BaseModel):
    """A record as the API shows it; time_ns is Unix time."""

    id: int
    kind: str
    time_ns: int
    payload: Any


class Recorder:
    """Puts records into the store and tells those who watch."""

    def __init__(self, store: Store, events: Fanout[tuple[str, Any]], metrics: Metrics) -> None:
        self._store = store
        self._events = events
        self._metrics = metrics

    async def accept(self, kind: str, payload: Any) -> int:
        """The record's id, once it is durable. 503 when the disk is behind; RecordError if the
        payload is not JSON or over 1 MiB."""
        time_ns = time.time_ns()
        try:
            stored = self._store.put(kind, payload, time_ns, wait_s=0)
            number = await asyncio.wrap_future(stored)
        except (StoreBusyError, StoreClosedError) as error:
            self._metrics.refused("store")
            raise HTTPException(503, str(error), {"Retry-After": str(RETRY_S)}) from None
        self._metrics.records.labels(kind).inc()
        self._events.publish(("record", {"id": number, "kind": kind, "time_ns": time_ns}))
        return number

    def tail(self, count: int, kind: str | None = None) -> list[StoredRecord]:
        """The newest `count`, newest first."""
        return [_show(record) for record in reversed(self._store.tail(count, kind=kind))]

    def after(self, number: int, count: int, kind: str | None = None) -> list[StoredRecord]:
        """Up to `count` records that were stored after the one with this id, oldest first."""
        found = self._store.query(after_id=number, kind=kind, limit=count)
        return [_show(record) for record in found]

    def __len__(self) -> int:
        return len(self._store)

    def close(self) -> None:
        """Wait until everything put is durable."""
        self._store.close()


def _show(record: Any) -> StoredRecord:
    return StoredRecord.model_validate(record, from_attributes=True)


def recorder(request: Request) -> Recorder:
    """The application's recorder, as a dependency."""
    found: Recorder = request.app.state.service.records
    return found


Records = Annotated[Recorder, Depends(recorder)]

router = APIRouter(tags=["records"])


@router.get("/records")
def list_records(
    records: Records,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    kind: Annotated[str | None, Query(pattern=KIND)] = None,
    after: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
) -> list[StoredRecord]:
    """Accepted records: the newest first, or those stored `after` an id in their order."""
    if after is None:
        return records.tail(limit, kind)
    return records.after(after, limit, kind)
