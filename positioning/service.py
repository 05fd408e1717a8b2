"""Positioning over HTTP: a rover's observations solved, a solution judged against a truth, and what
a radar and a camera recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, HTTPException, UploadFile
from pydantic import BaseModel, Field, ValidationError

from common.errors import LingnanError
from common.service.demo import DemoFrame
from common.service.queue import Work
from common.service.records import Records
from positioning.config import Estimator, Mode, SolveConfig
from positioning.fusion.service import add_fusion
from positioning.radar.service import add_radar

__all__ = ["demo", "router"]

MOST_BYTES = 32 << 20  # of one file
MOST_NAVIGATION = 8  # files

Upload = Annotated[UploadFile, File(description="RINEX, UBX or RTCM 3")]
Given = dict[str, tuple[bytes, ...]]


class Solved(BaseModel):
    """One line an epoch that was solved.

    pos: RTKLIB's .pos file as text. epochs: of the rover. by_quality: how many were solved how.
    notes: what was assumed, and what in the files was left out. record: its id among the accepted.
    """

    pos: str
    epochs: int
    by_quality: dict[str, int]
    notes: list[str]
    record: int = -1


class Judged(BaseModel):
    """The figures of `lingnan positioning score`; None where an error is infinite."""

    figures: dict[str, Any]
    record: int = -1


def demo(stop: threading.Event) -> Iterator[DemoFrame]:
    """The running demonstration; its simulator is loaded when somebody looks."""
    from positioning.demo import demo as frames

    yield from frames(stop)


def router() -> APIRouter:
    """The routes; nothing that is sent stays on the disk."""
    routes = APIRouter(tags=["positioning"])

    @routes.post("/solve")
    async def solve(
        work: Work,
        records: Records,
        rover: Upload,
        nav: Annotated[list[UploadFile], File(max_length=MOST_NAVIGATION)],
        base: Annotated[UploadFile | None, File(description="the base's observations")] = None,
        mode: Annotated[Mode, Form()] = "kinematic",
        estimator: Annotated[Estimator, Form()] = "batch",
        x_m: Annotated[float | None, Form(description="where the base is, ECEF")] = None,
        y_m: Annotated[float | None, Form()] = None,
        z_m: Annotated[float | None, Form()] = None,
    ) -> Solved:
        """Solve a rover's epochs. The answer comes once its record is durable."""
        config = _config(mode, estimator, (x_m, y_m, z_m))
        given: Given = {
            "rover": (await _bytes(rover),),
            "base": (await _bytes(base),) if base is not None else (),
            "nav": tuple([await _bytes(one) for one in nav]),
        }
        done = await work.run("positioning.solve", partial(_solve, given, config))
        told = {"epochs": done.epochs, "by_quality": done.by_quality}
        done.record = await records.accept("positioning.solution", told)
        return done

    @routes.post("/score")
    async def score(
        work: Work,
        records: Records,
        solution: Annotated[UploadFile, File(description=".pos, NMEA or UBX")],
        truth: Annotated[UploadFile, File(description=".pos, CSV, or one place X Y Z")],
        interval_s: Annotated[float | None, Form(gt=0.001, le=3600)] = None,
    ) -> Judged:
        """Judge a solution over the epochs that were expected."""
        given: Given = {"solution": (await _bytes(solution),), "truth": (await _bytes(truth),)}
        judged = await work.run("positioning.score", partial(_score, given, interval_s))
        judged.record = await records.accept("positioning.score", judged.figures)
        return judged

    add_radar(routes)
    add_fusion(routes)
    return routes


class _Place(BaseModel):
    x_m: Annotated[float, Field(ge=-1e7, le=1e7, allow_inf_nan=False)]
    y_m: Annotated[float, Field(ge=-1e7, le=1e7, allow_inf_nan=False)]
    z_m: Annotated[float, Field(ge=-1e7, le=1e7, allow_inf_nan=False)]


def _config(
    mode: Mode, estimator: Estimator, told: tuple[float | None, float | None, float | None]
) -> SolveConfig:
    place: tuple[float, float, float] | None = None
    if told != (None, None, None):
        try:
            one = _Place.model_validate(dict(zip(("x_m", "y_m", "z_m"), told, strict=True)))
        except ValidationError:
            why = "x_m, y_m and z_m are the base's place in m, all three"
            raise HTTPException(400, why) from None
        place = one.x_m, one.y_m, one.z_m
    return SolveConfig(mode=mode, estimator=estimator, base_position_m=place)


async def _bytes(upload: UploadFile) -> bytes:
    """The whole upload, or 413 where it is over MOST_BYTES."""
    data = await upload.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise HTTPException(413, f"a file of over {MOST_BYTES >> 20} MiB is not taken")
    return data


def _written(folder: Path, given: Given) -> dict[str, list[Path]]:
    """The uploads under names of our own: the client's are never used as paths."""
    paths: dict[str, list[Path]] = {}
    for name, parts in given.items():
        paths[name] = [folder / f"{name}{k}" for k in range(len(parts))]
        for path, data in zip(paths[name], parts, strict=True):
            path.write_bytes(data)
    return paths


def _solve(given: Given, config: SolveConfig) -> Solved:
    from positioning.gnss.run import solve

    with TemporaryDirectory(prefix="lingnan-") as name:
        paths, out = _written(Path(name), given), Path(name) / "solution.pos"
        base = paths["base"][0] if paths["base"] else None
        try:
            done = solve(paths["rover"][0], base, paths["nav"], out, config, _untold)
        except LingnanError as error:
            raise HTTPException(400, _without(name, str(error))) from None
        notes = [_without(name, str(told)) for told in (*done.notes, *done.refusals[:100])]
        pos = _without(name, out.read_text(encoding="utf-8"))
    return Solved(pos=pos, epochs=done.epochs, by_quality=done.by_quality, notes=notes)


def _score(given: Given, interval_s: float | None) -> Judged:
    from positioning.gnss.formats import detect, truth
    from positioning.gnss.score import score

    with TemporaryDirectory(prefix="lingnan-") as name:
        paths = _written(Path(name), given)
        try:
            solved, span_s, _ = detect.read_solution(paths["solution"][0])
            told = truth.read(paths["truth"][0])
            found = score(solved, told, interval_s, span_s=span_s)
        except LingnanError as error:
            raise HTTPException(400, _without(name, str(error))) from None
    return Judged(figures=found.to_json())


def _without(folder: str, text: str) -> str:
    """No path of the server in an answer."""
    return text.replace(f"{folder}/", "")


def _untold(done: int, total: int, what: str) -> None:
    """Nobody watches a request."""
