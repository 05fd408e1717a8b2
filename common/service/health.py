"""Health for whoever restarts the process, readiness for whoever sends it requests, metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from common.service.metrics import CONTENT_TYPE
from common.service.state import Parts

open_router = APIRouter(tags=["health"])
router = APIRouter(tags=["health"])


@open_router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@open_router.get("/readyz", responses={503: {"description": "Not ready"}})
def readyz(parts: Parts, response: Response) -> dict[str, str]:
    """Models are loaded and the server is not stopping; details need the token (/status)."""
    ready = not parts.drain.on and not parts.models.faults()
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "not ready"}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(parts: Parts) -> Any:
    """Prometheus exposition."""
    return Response(parts.metrics.text(), media_type=CONTENT_TYPE)
