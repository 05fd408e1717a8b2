"""What one application holds, made once and found by every route."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from common.service.admission import Drain
from common.service.demo import DemoHub
from common.service.fanout import Fanout
from common.service.metrics import Metrics
from common.service.models import ModelShelf
from common.service.queue import WorkQueue
from common.service.records import Recorder
from common.service.settings import Settings


@dataclass(frozen=True, slots=True)
class DirectionState:
    """A direction as the service found it; `error` is "" where its routes are served.

    pages: title -> path below the direction's, of what a person can open.
    """

    name: str
    package: str
    error: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Service:
    """The parts of the running application. started_s: monotonic clock."""

    settings: Settings
    metrics: Metrics
    queue: WorkQueue
    records: Recorder
    events: Fanout[tuple[str, Any]]
    models: ModelShelf
    drain: Drain = field(default_factory=Drain)
    directions: list[DirectionState] = field(default_factory=list)
    demos: dict[str, DemoHub] = field(default_factory=dict)
    started_s: float = field(default_factory=time.monotonic)


def service_of(request: Request) -> Service:
    """The application's parts, as a dependency."""
    service: Service = request.app.state.service
    return service


Parts = Annotated[Service, Depends(service_of)]
