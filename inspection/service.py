"""Inspection over HTTP: the jobs on the shelf, one image judged by one of them, and defects made
to order."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache, partial
from math import isfinite
from pathlib import Path as FilePath
from time import perf_counter
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, File, Form, HTTPException, Path, UploadFile
from pydantic import BaseModel

from common.errors import LingnanError
from common.paths import state_dir
from common.service.demo import DemoFrame
from common.service.images import decode
from common.service.pages import add_page
from common.service.queue import Work
from common.service.records import Records
from inspection.generate.canvas import Maker
from inspection.generate.make import stream
from inspection.generate.request import DefectRequest
from inspection.generate.store import png
from inspection.methods.base import Finding
from inspection.pipeline import um_regions
from inspection.regions.mark import Mark
from inspection.regions.service import VERDICT, add_correcting
from inspection.relief.service import add_relief
from inspection.shelf import NAME, Loaded, NoSuchJobError, Shelf

__all__ = ["PAGES", "demo", "router"]

PAGES = {  # title -> path below the direction's, for the dashboard
    "Correct results": "correct",
    "Generate defects": "generate",
}
MOST_PIXELS = 8_000_000  # of a picture that a defect is put onto: it goes back whole
_PAGE = FilePath(__file__).parent / "generate" / "page"

Making = Literal["procedural", "learned", "circuit"]
JobName = Annotated[str, Path(pattern=f"^{NAME.pattern}$", description="a job on the shelf")]


class JobCard(BaseModel):
    """A job as the API shows it."""

    name: str
    method: str
    needs_reference: bool
    threshold: dict[str, Any]
    statistics: dict[str, Any]


class Found(BaseModel):
    """One region, in pixels of the image: x0, y0, x1, y1; the last two are exclusive edges.

    size_px: diameter, of a scratch its length, with its standard uncertainty; size_um the same
    where the request tells the scale; chance: of the label; features: what both rest on. None or
    empty where the job does not describe regions."""

    label: str
    score: float
    box_px: tuple[float, float, float, float]
    size_px: float | None = None
    u_size_px: float | None = None
    width_px: float | None = None
    u_width_px: float | None = None
    size_um: float | None = None
    u_size_um: float | None = None
    width_um: float | None = None
    u_width_um: float | None = None
    chance: float | None = None
    features: tuple[float, ...] = ()


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


class MadeSample(BaseModel):
    """A sample made to order. image_png, mask_png: base64; the mask is 255 on the defect."""

    place: dict[str, Any]
    image_png: str
    mask_png: str


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
        um_per_px: Annotated[
            float | None,
            Form(gt=0, lt=1e6, allow_inf_nan=False, description="edge of a pixel on the part"),
        ] = None,
    ) -> Verdict:
        """Judge one image. The answer comes once its record is durable."""
        loaded = await work.run("inspection.load", _get, shelf, name)
        shown = await image.read()
        golden = await reference.read() if reference is not None else None
        call = partial(_judge, name, loaded, shown, golden, um_per_px)
        verdict = await work.run("inspection.inspect", call)
        verdict.record = await records.accept(VERDICT, verdict.model_dump())
        return verdict

    add_correcting(routes)
    add_relief(routes)
    _add_generating(routes)
    return routes


def _add_generating(routes: APIRouter) -> None:
    """The page of the order form, and what it asks."""

    add_page(routes, "/generate", _PAGE)

    @routes.get("/generate/kinds")
    def list_kinds() -> dict[Making, tuple[str, ...]]:
        """The kinds of defects that each method makes."""
        return {method: _maker(method).kinds for method in get_args(Making)}

    @routes.post("/generate")
    async def generate(
        work: Work,
        image: Annotated[UploadFile, File(description="a good part: PNG, JPEG, BMP, TIFF, WebP")],
        kind: Annotated[str, Form(max_length=32)],
        size_px: Annotated[float, Form(description="diameter of the smallest circle around it")],
        x_px: Annotated[float | None, Form(description="its middle; drawn if absent")] = None,
        y_px: Annotated[float | None, Form()] = None,
        severity: Annotated[float, Form(description="over 0, at most 1")] = 0.5,
        angle_deg: Annotated[float | None, Form(description="drawn if absent")] = None,
        seed: Annotated[int, Form(ge=0, lt=2**53)] = 1,
        method: Annotated[Making, Form()] = "procedural",
    ) -> MadeSample:
        """One defect of the asked kind, place, size and severity put onto the picture."""
        request = DefectRequest.of(
            kind=kind,
            x_px=x_px,
            y_px=y_px,
            size_px=size_px,
            severity=severity,
            angle_deg=angle_deg,
            seed=seed,
        )
        shown = await image.read()
        return await work.run("inspection.generate", _make, shown, request, method)


@cache
def _maker(method: Making) -> Maker:
    """Loaded when it is first asked for."""
    if method == "procedural":
        from inspection.generate.procedural import Procedural

        return Procedural()
    if method == "circuit":
        from inspection.generate.circuit import Circuit

        return Circuit()
    from inspection.generate.learned import shipped

    return shipped()


def _make(shown: bytes, request: DefectRequest, method: Making) -> MadeSample:
    sample = _maker(method).make(decode(shown, MOST_PIXELS), request, stream(request.seed, 0))
    mask = sample.mask.astype("uint8") * 255
    return MadeSample(
        place=sample.place.to_json(),
        image_png=b64encode(png(sample.image)).decode(),
        mask_png=b64encode(png(mask)).decode(),
    )


def _get(shelf: Shelf, name: str) -> Loaded:
    try:
        return shelf.get(name)
    except NoSuchJobError as error:
        raise HTTPException(404, str(error)) from None
    except LingnanError as error:  # damaged, or by a version that is not this one
        raise HTTPException(409, str(error)) from None


def _judge(
    name: str, loaded: Loaded, shown: bytes, golden: bytes | None, um_per_px: float | None
) -> Verdict:
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
        findings=_found(finding, um_per_px),
        width_px=width,
        height_px=height,
        inspect_ms=elapsed_ms,
    )


def _found(finding: Finding, um_per_px: float | None) -> list[Found]:
    marks = finding.found_marks
    return [
        Found(
            label=region.kind,
            score=region.score,
            box_px=region.box_px,
            size_um=region.size_um,
            u_size_um=region.u_size_um,
            width_um=region.width_um,
            u_width_um=region.u_width_um,
            **({} if mark is None else _described(mark)),
        )
        for region, mark in zip(um_regions(finding, um_per_px), marks, strict=True)
    ]


def _described(mark: Mark) -> dict[str, Any]:
    return {name: value for name, value in asdict(mark).items() if name != "kind"}
