"""Inspection over HTTP: the jobs on the shelf, and one image judged by one of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from math import isfinite
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, File, HTTPException, Path, UploadFile
from pydantic import BaseModel

from common.errors import LingnanError
from common.paths import state_dir
from common.service.demo import DemoFrame
from common.service.images import decode
from common.service.queue import Work
from common.service.records import Records
from inspection.methods.base import Finding
from inspection.shelf import NAME, Loaded, NoSuchJobError, Shelf

__all__ = ["demo", "router"]

JobName = Annotated[str, Path(pattern=f"^{NAME.pattern}$", description="a job on the shelf")]


class JobCard(BaseModel):
    """A job as the API shows it."""

    name: str
    method: str
    needs_reference: bool
    threshold: dict[str, Any]
    statistics: dict[str, Any]


class Found(BaseModel):
    """One region, in pixels of the image: x0, y0, x1, y1; the last two are exclusive edges."""

    label: str
    score: float
    box_px: tuple[float, float, float, float]


class Verdict(BaseModel):
    """What the job says of one image. `score`: None where nothing was found that has one.
    `record`: its id among the accepted records."""

    job: str
    defective: bool
    score: float | None
    threshold: float
    findings: list[Found]
    width_px: int
    height_px: int
    inspect_ms: float
    record: int = -1


def demo(stop: threading.Event) -> Iterator[DemoFrame]:
    """The running demonstration; its simulator is loaded when somebody looks."""
    from inspection.demo import demo as frames

    yield from frames(stop)


def router() -> APIRouter:
    """The routes; jobs lie in the folder `jobs` of the state directory."""
    routes = APIRouter(tags=["inspection"])
    shelf = Shelf(state_dir() / "jobs")

    @routes.get("/jobs")
    def list_jobs() -> list[str]:
        """Names of the jobs on the shelf."""
        return shelf.names()

    @routes.get("/jobs/{name}", responses={404: {"description": "no such job"}})
    def show_job(name: JobName) -> JobCard:
        """What a job was taught, and what is known of its threshold."""
        job = _get(shelf, name).job
        return JobCard(
            name=name,
            method=job.kind,
            needs_reference=bool(job.recipe.get("needs_reference")),
            threshold=dict(job.threshold),
            statistics=dict(job.statistics),
        )

    @routes.post("/jobs/{name}/inspect", responses={404: {"description": "no such job"}})
    async def inspect(
        name: JobName,
        work: Work,
        records: Records,
        image: Annotated[UploadFile, File(description="PNG, JPEG, BMP, TIFF or WebP")],
        reference: Annotated[
            UploadFile | None, File(description="the golden image, for jobs that compare")
        ] = None,
    ) -> Verdict:
        """Judge one image. The answer comes once its record is durable."""
        loaded = await work.run("inspection.load", _get, shelf, name)
        shown = await image.read()
        golden = await reference.read() if reference is not None else None
        call = partial(_judge, name, loaded, shown, golden)
        verdict = await work.run("inspection.inspect", call)
        verdict.record = await records.accept("inspection.verdict", verdict.model_dump())
        return verdict

    return routes


def _get(shelf: Shelf, name: str) -> Loaded:
    try:
        return shelf.get(name)
    except NoSuchJobError as error:
        raise HTTPException(404, str(error)) from None
    except LingnanError as error:  # damaged, or by a version that is not this one
        raise HTTPException(409, str(error)) from None


def _judge(name: str, loaded: Loaded, shown: bytes, golden: bytes | None) -> Verdict:
    if golden is None and loaded.job.recipe.get("needs_reference"):
        raise HTTPException(400, "this job compares: send the golden image as `reference` too")
    pixels = decode(shown)
    reference = None if golden is None else decode(golden)
    started = perf_counter()
    try:
        finding = loaded.method.inspect(pixels, reference)
    except ValueError as error:  # not an image of the part that was taught
        raise HTTPException(400, str(error)) from None
    elapsed_ms = (perf_counter() - started) * 1e3
    height, width = pixels.shape[:2]
    return Verdict(
        job=name,
        defective=finding.is_defective,
        score=finding.score if isfinite(finding.score) else None,
        threshold=float(loaded.job.threshold["value"]),
        findings=_found(finding),
        width_px=width,
        height_px=height,
        inspect_ms=elapsed_ms,
    )


def _found(finding: Finding) -> list[Found]:
    found = finding.found
    return [
        Found(label=found.names[label], score=float(score), box_px=(x0, y0, x1, y1))
        for label, score, box in zip(found.labels, found.scores, found.boxes_px, strict=True)
        for x0, y0, x1, y1 in [box.tolist()]
    ]
