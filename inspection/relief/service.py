"""Height maps over HTTP: a file goes up, the flaws in it come back with depths and a picture."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, HTTPException, UploadFile
from pydantic import BaseModel

from common.service.queue import Work
from common.service.records import Records
from inspection.overlay import jpeg
from inspection.relief.classify import shipped
from inspection.relief.heightfile import HeightFileError, read
from inspection.relief.lateral import UNKNOWN, Lateral
from inspection.relief.picture import draw
from inspection.relief.pipeline import inspect
from inspection.relief.recipes import RECIPES, recipe
from inspection.relief.run import Scale, record
from inspection.relief.sensorfile import MAX_BYTES, parse

VERDICT = "inspection.relief"
MOST_PIXELS = 4_000_000  # of a map: its picture goes back whole
SUFFIXES = (".npz", ".tif", ".tiff", ".png")

Length = Annotated[float | None, Form(gt=0, lt=1e6, allow_inf_nan=False)]


class ReliefVerdict(BaseModel):
    """What is said of a map. flaws: kind, refused, x_um, y_um, depth_um, width_um, length_um,
    volume_um3 and their standard uncertainties u_*; null where not known. picture_jpeg: base64.
    record: its id among the accepted records."""

    defective: bool
    reasons: list[str]
    flaws: list[dict[str, Any]]
    regions: list[dict[str, Any]]
    bumps_um: dict[str, float | None]
    picture_jpeg: str
    record: int = -1


def add_relief(routes: APIRouter) -> None:
    """The routes of D2."""

    @routes.get("/relief/recipes")
    def list_recipes() -> dict[str, str]:
        """The products that are known, and what each is."""
        return {name: one.what for name, one in RECIPES.items()}

    @routes.post("/relief")
    async def inspect_heights(
        work: Work,
        records: Records,
        heightmap: Annotated[UploadFile, File(description=".npz, or TIFF or PNG of 16 or 32 bits")],
        recipe: Annotated[str, Form(max_length=64)],
        um_per_px: Length = None,
        um_per_level: Length = None,
        sensor: Annotated[
            str | None,
            Form(max_length=MAX_BYTES, description="JSON that `relief-sensor` wrote"),
        ] = None,
    ) -> ReliefVerdict:
        """Judge one height map. The answer comes once its record is durable."""
        payload, name = await heightmap.read(), Path(heightmap.filename or "")
        scale, known = Scale(um_per_px, um_per_level), _sensor(sensor)
        verdict = await work.run(
            "inspection.relief", _judged, payload, name.suffix.lower(), recipe, scale, known
        )
        kept = verdict.model_dump(exclude={"picture_jpeg", "record"})
        verdict.record = await records.accept(VERDICT, kept)
        return verdict


def _sensor(text: str | None) -> Lateral:
    if not text:
        return UNKNOWN
    try:
        return parse(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"sensor: {error}") from None


def _judged(payload: bytes, suffix: str, name: str, scale: Scale, sensor: Lateral) -> ReliefVerdict:
    chosen = recipe(name)
    if suffix not in SUFFIXES:
        raise HTTPException(400, f"the file's name ends in none of {', '.join(SUFFIXES)}")
    try:
        with TemporaryDirectory() as folder:  # readers want a file: they look at its header first
            path = Path(folder) / f"upload{suffix}"
            path.write_bytes(payload)
            seen = read(path, scale.um_per_px, scale.um_per_level, MOST_PIXELS)
    except HeightFileError as error:
        raise HTTPException(400, f"heightmap: {error.reason}") from None
    result = inspect(seen, chosen, shipped(), sensor)
    picture = b64encode(jpeg(draw(seen, result))).decode()
    return ReliefVerdict(**record(result), picture_jpeg=picture)
