"""Corrections over HTTP: an operator says what a region of an accepted verdict truly is.

Nothing is taught here: `lingnan inspection retrain` and `teach --corrections` read what
`/jobs/{name}/corrections.jsonl` gives.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from common.service.pages import add_page
from common.service.queue import Work
from common.service.records import Recorder, Records
from inspection.regions.corrections import KIND, Correction, of_line
from inspection.shelf import NAME

VERDICT, CORRECTION = "inspection.verdict", "inspection.correction"
PAGE_RECORDS = 1000  # read from the store at a time
_PAGE = FilePath(__file__).parent / "page"


class Said(BaseModel):
    """What an operator says. record: the verdict's id. region: its place in the verdict's
    findings, from 0; null for a defect that was missed. kind: "good" for what is no defect."""

    model_config = ConfigDict(extra="forbid")

    record: Annotated[int, Field(ge=0, lt=2**63)]
    region: Annotated[int, Field(ge=0, lt=2**31)] | None
    kind: Annotated[str, Field(pattern=f"^{KIND.pattern}$")]


class Stored(BaseModel):
    """A correction as it is kept; of several of one region the last one holds."""

    id: int
    time_ns: int
    job: str
    record: int
    region: int | None
    kind: str
    was: str


def add_correcting(routes: APIRouter) -> None:
    """The operator's page, and what it asks."""
    add_page(routes, "/correct", _PAGE)

    @routes.post("/corrections", responses={404: {"description": "no such verdict"}})
    async def correct(said: Said, work: Work, records: Records) -> Stored:
        """Correct a verdict. The answer comes once the correction is durable."""
        kept = await work.run("inspection.correct", _made, records, said)
        number = await records.accept(CORRECTION, kept)
        (stored,) = await work.run("inspection.corrections", records.after, number - 1, 1)
        return _shown(stored)

    @routes.get("/corrections")
    def list_corrections(
        records: Records,
        after: Annotated[int, Query(ge=0, lt=2**63, description="continue behind this id")] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_RECORDS)] = 100,
    ) -> list[Stored]:
        """Corrections of all jobs in the order they were stored."""
        return [_shown(one) for one in records.after(after, limit, CORRECTION)]

    @routes.get("/jobs/{name}/corrections.jsonl", response_class=StreamingResponse)
    def corrections_file(
        name: Annotated[str, Path(pattern=f"^{NAME.pattern}$")], records: Records
    ) -> StreamingResponse:
        """The corrections of one job, as `retrain` and `teach` take them."""
        return StreamingResponse(_lines(records, name), media_type="application/x-ndjson")


def _made(records: Recorder, said: Said) -> dict[str, Any]:
    """What is stored: the correction with its job and its verdict's record."""
    found = records.after(said.record - 1, 1, VERDICT)
    if not found or found[0].id != said.record:
        raise HTTPException(404, f"no verdict has the record {said.record}")
    verdict = found[0].payload
    line = {
        "image": f"record-{said.record}",
        "score": verdict["score"],
        "regions": [{**one, "kind": one["label"]} for one in verdict["findings"]],
    }
    made = of_line(line, said.region, said.kind)
    return {"job": verdict["job"], "record": said.record, **asdict(made)}


def _shown(stored: Any) -> Stored:
    return Stored(id=stored.id, time_ns=stored.time_ns, **{
        name: stored.payload[name] for name in ("job", "record", "region", "kind", "was")
    })  # fmt: skip


def _lines(records: Recorder, job: str) -> Iterator[str]:
    names, last = Correction.__dataclass_fields__, 0
    while page := records.after(last, PAGE_RECORDS, CORRECTION):
        for one in page:
            if one.payload["job"] == job:
                yield json.dumps({name: one.payload[name] for name in names}) + "\n"
        last = page[-1].id
