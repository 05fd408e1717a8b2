"""The directions' routes and demonstrations; one that cannot be loaded is reported and left out."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from fastapi import APIRouter, FastAPI

from common.directions import Direction
from common.service.demo import DemoHub
from common.service.state import DirectionState, Service

_log = logging.getLogger(__name__)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
RESERVED = frozenset({"v2", "static", "demo", "report", "login", "records", "events", "status"})


def mount(app: FastAPI, service: Service, directions: Iterable[Direction]) -> None:
    """Serve each direction's `service.router()` under its name, note its `demo` and `PAGES`."""
    for direction in directions:
        error, pages = "", dict[str, str]()
        try:
            if direction.has("service"):
                pages = _mount_one(app, service, direction)
        except Exception as caught:  # another's code: whatever it raises must kill nothing
            error = f"{type(caught).__name__}: {caught}"
            _log.error("the routes of %s are not served: %s", direction.package, error)
            _log.debug("the fault in full", exc_info=True)
        service.directions.append(DirectionState(direction.name, direction.package, error, pages))


def _mount_one(app: FastAPI, service: Service, direction: Direction) -> dict[str, str]:
    if not _NAME.fullmatch(direction.name) or direction.name in RESERVED:
        raise ValueError(f"{direction.name!r} is no name that a direction's routes can have")
    room = direction.load("service")
    router = room.router()
    if not isinstance(router, APIRouter):
        raise TypeError(f"{direction.package}.service.router() gave a {type(router).__name__}")
    app.include_router(router, prefix=f"/{direction.name}")
    demo = getattr(room, "demo", None)
    if demo is not None:
        limit = service.settings.max_viewers
        service.demos[direction.name] = DemoHub(direction.name, demo, max_viewers=limit)
    pages: dict[str, str] = dict(getattr(room, "PAGES", {}))
    return pages
