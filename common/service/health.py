"""Health for whoever restarts the process, readiness for whoever sends it requests, metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Response

from common.service.metrics import CONTENT_TYPE
from common.service.state import Parts

router = APIRouter(tags=["health"])


async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


def readyz(parts: Parts, response: Response) -> dict[str, str]:
    """Models are loaded and the server is not stopping; details need the token (/status)."""
    ready = not parts.drain.on and not parts.models.faults()
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "not ready"}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(parts: Parts) -> Any:
    """Prometheus exposition."""
    return Response(parts.metrics.text(), media_type=CONTENT_TYPE)


def add_open_routes(app: FastAPI) -> None:
    """The two that answer without a token; see `access.OPEN_ROUTES`."""
    app.get("/healthz", tags=["health"])(healthz)
    app.get("/readyz", tags=["health"], responses={503: {"description": "Not ready"}})(readyz)
