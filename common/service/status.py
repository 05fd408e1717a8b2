"""How the service is, in one JSON: what the dashboard shows and `/status` answers."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from common import __version__
from common.service.state import DirectionState, Parts, Service

router = APIRouter(tags=["health"])


def status_of(parts: Service) -> dict[str, Any]:
    """Plain JSON. Memory in MiB, times in seconds, load as `uptime` gives it."""
    return {
        "version": __version__,
        "state": "stopping" if parts.drain.on else "serving",
        "uptime_s": round(time.monotonic() - parts.started_s, 1),
        "queue": {
            "waiting": parts.queue.depth,
            "taken": parts.queue.taken,
            "capacity": parts.queue.capacity,
        },
        "records": len(parts.records),
        "models": [
            {"name": model.name, "direction": model.direction, "error": model.error}
            for model in parts.models.all()
        ],
        "models_error": parts.models.error,
        "directions": [_direction(parts, d) for d in parts.directions],
        "machine": _machine(parts.settings.state_dir),
    }


def _direction(parts: Service, found: DirectionState) -> dict[str, Any]:
    hub = parts.demos.get(found.name)
    demo = hub and {"state": hub.state, "error": hub.error, "drivers": hub.drivers}
    pages = [{"title": title, "path": path} for title, path in found.pages.items()]
    return {"name": found.name, "error": found.error, "demo": demo, "pages": pages}


def _machine(state_dir: Path) -> dict[str, Any]:
    scale = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, KiB elsewhere
    return {
        "load_1min": round(os.getloadavg()[0], 2),
        "cores": os.cpu_count(),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale),
        "disk_free_gib": round(shutil.disk_usage(state_dir).free / 2**30, 1),
    }


@router.get("/status")
def status(parts: Parts) -> dict[str, Any]:
    """The service's state, queue, models, directions and machine."""
    return status_of(parts)
