"""The application: every part made once, every route in its place, every request through the gate.

From the outside in: security headers, metrics, Host check, token, admission, body limit, route.
Whatever is added later lies behind the token, since the gate opens for `access.OPEN_ROUTES` alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from common import __version__
from common.directions import Direction, installed
from common.errors import LingnanError
from common.runtime.errors import ModelError
from common.service import dashboard, health, inference, login, records, report, status, streams
from common.service.access import Guard
from common.service.admission import Admission
from common.service.directions import mount
from common.service.fanout import Fanout
from common.service.headers import SecurityHeaders
from common.service.metrics import Metrics, MetricsMiddleware
from common.service.models import ModelShelf, shipped_shelf
from common.service.queue import WorkQueue
from common.service.records import Recorder
from common.service.settings import Settings
from common.service.state import Service
from common.store.errors import StoreError
from common.store.records import Records

RECORDS_FILE = "records.sqlite"
_JOIN_S = 5.0


def create_app(
    settings: Settings,
    *,
    models: ModelShelf | None = None,
    directions: Iterable[Direction] | None = None,
) -> FastAPI:
    """The service as an ASGI application.

    models, directions: what is served, all that is installed by default. The record store under
    `settings.state_dir` is opened here (StoreError if it cannot be) and closed when the
    application's lifespan ends.
    """
    service = _parts(settings, shipped_shelf() if models is None else models)
    app = FastAPI(
        title="Lingnan",
        version=__version__,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        middleware=_gate(settings, service),
        lifespan=_lifespan,
    )
    app.state.service = service
    _errors(app)
    health.add_open_routes(app)
    login.add_open_routes(app)
    for room in (health, status, inference, records, streams, report, dashboard):
        app.include_router(room.router)
    mount(app, service, installed() if directions is None else directions)
    for hub in service.demos.values():
        service.drain.then(hub.close)
    return app


def _parts(settings: Settings, models: ModelShelf) -> Service:
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    metrics = Metrics()
    events: Fanout[tuple[str, object]] = Fanout(settings.max_viewers)
    store = Records(settings.state_dir / RECORDS_FILE)
    queue = WorkQueue(settings.workers, settings.max_waiting, settings.deadline_s, metrics)
    service = Service(settings, metrics, queue, Recorder(store, events, metrics), events, models)
    service.drain.then(events.close)
    metrics.watch("queue_depth", "Calls that wait for a worker", lambda: queue.depth)
    metrics.watch("queue_taken", "Calls that wait or run", lambda: queue.taken)
    metrics.watch_drivers(lambda: _driver_states(service))
    return service


def _driver_states(service: Service) -> list[tuple[str, str, str]]:
    return [
        (name, driver, state)
        for name, hub in service.demos.items()
        for driver, state in hub.drivers.items()
    ]


def _gate(settings: Settings, service: Service) -> list[Middleware]:
    return [
        Middleware(SecurityHeaders),
        Middleware(MetricsMiddleware, metrics=service.metrics),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False),
        Middleware(Guard, token=settings.token.get_secret_value()),
        Middleware(
            Admission,
            drain=service.drain,
            max_uploads=settings.max_uploads,
            body_s=settings.body_s,
            observer=service.metrics,
        ),
        Middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body_bytes),
    ]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    yield
    service.drain.begin()
    await run_in_threadpool(_close, service)


def _close(service: Service) -> None:
    for hub in service.demos.values():
        hub.join(_JOIN_S)
    service.queue.close()
    service.records.close()


def _errors(app: FastAPI) -> None:
    """What a caller can mend is told with its message; the rest stays a bare 500."""

    async def mendable(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 400)

    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 503, {"Retry-After": "5"})

    async def malformed(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        told = [{key: one[key] for key in ("type", "loc", "msg")} for one in error.errors()]
        return JSONResponse({"detail": told}, 422)  # its input may be NaN, which is no JSON

    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(LingnanError, mendable)
    app.add_exception_handler(ModelError, unavailable)
    app.add_exception_handler(StoreError, unavailable)
