"""The page at `/`: what runs, what it finds, how the last acceptance went."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from common.service.pages import render
from common.service.report import read_report
from common.service.state import Parts
from common.service.status import status_of

router = APIRouter(tags=["dashboard"])


@router.get("/", response_class=HTMLResponse)
def dashboard(parts: Parts) -> Response:
    """The dashboard; its script keeps it up to date from `/events`."""
    return render(
        "dashboard.html",
        status=status_of(parts),
        demos=sorted(parts.demos),
        report=read_report(parts.settings.report),
        newest=parts.records.tail(8),
    )
