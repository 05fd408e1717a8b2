"""The last acceptance report: its table for the dashboard, and its page as it was written.

Two files of one folder are served, by name; a link in their place is refused, so nothing outside
the folder is read. The page runs in a sandbox of its own: whatever it holds, it can neither ask
this server anything nor read the token's cookie.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Response
from fastapi import Path as InPath
from pydantic import BaseModel, TypeAdapter, ValidationError

from common.service.state import Parts

FILES = {"index.html": "text/html; charset=utf-8", "acceptance.json": "application/json"}
_MAX_BYTES = 64 * 2**20
_SCRIPT = re.compile(rb"<script[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_MISSING: dict[int | str, dict[str, Any]] = {404: {"description": "No such report"}}

router = APIRouter(tags=["report"], responses=_MISSING)


class Row(BaseModel):
    """What the dashboard shows of one row of acceptance.json."""

    id: str
    direction: str
    claim: str
    guide: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    unit: str = ""
    comparator: str = ""
    target: float | None = None
    evidence: str = ""
    verdict: str
    note: str = ""


class Report(BaseModel):
    """The table, and what the run says of itself; `error` is why there is no table."""

    rows: list[Row] = []
    verdicts: dict[str, int] = {}
    about: dict[str, Any] = {}
    page: bool = False
    error: str = ""


def read_report(folder: Path | None) -> Report:
    """The report in `folder`; an empty one with the reason where there is none."""
    if folder is None:
        return Report(error="No report was named when the service was started (--report).")
    try:
        document = json.loads(_read(folder / "acceptance.json"))
        rows = TypeAdapter(list[Row]).validate_python(document["rows"])
    except FileNotFoundError:
        return Report(error="No acceptance run has written its report yet: lingnan accept")
    except (OSError, ValueError, RecursionError, KeyError, TypeError, ValidationError) as error:
        return Report(error=f"acceptance.json cannot be read ({type(error).__name__}).")
    about = {key: document.get(key) for key in ("finished", "size", "seed", "commit")}
    page = (folder / "index.html").is_file()
    return Report(rows=rows, verdicts=_tally(rows), about=about, page=page)


def _tally(rows: list[Row]) -> dict[str, int]:
    order = ("met", "on track", "not met", "not measured")
    return {verdict: sum(row.verdict == verdict for row in rows) for verdict in order}


def _read(path: Path) -> bytes:
    """The file's bytes; OSError for a link, for what is no plain file, and over the limit."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_size > _MAX_BYTES:
            raise OSError(f"{path.name} is no plain file of at most {_MAX_BYTES} bytes")
        return file.read(_MAX_BYTES)


def policy(page: bytes) -> str:
    """A policy that permits this page alone: its own scripts by hash, no request, no cookie."""
    hashes = (base64.b64encode(hashlib.sha256(m).digest()).decode() for m in _SCRIPT.findall(page))
    scripts = " ".join(f"'sha256-{digest}'" for digest in sorted(set(hashes))) or "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
    )


@router.get("/report/{name}", response_class=Response)
def report_file(name: Annotated[str, InPath(max_length=64)], parts: Parts) -> Response:
    """index.html or acceptance.json of the last acceptance run."""
    folder = parts.settings.report
    if folder is None or name not in FILES:
        raise HTTPException(404, "no such report")
    try:
        content = _read(folder / name)
    except OSError:
        raise HTTPException(404, "no such report") from None
    headers = {"Content-Security-Policy": policy(content)} if name == "index.html" else {}
    return Response(content, media_type=FILES[name], headers=headers)
