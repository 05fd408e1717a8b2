"""Prometheus metrics of one application, in a registry of its own.

Requests are counted by the route's template, never by the path that was sent: a caller cannot
make new time series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.service.routes import template

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
DRIVER_STATES = ("READY", "DEGRADED", "UNAVAILABLE")


class Metrics:
    """What is counted; the names on the wire begin with `lingnan_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "lingnan_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.latency = Histogram(
            "lingnan_request_seconds",
            "From the first byte asked to the first byte answered",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "lingnan_requests_in_flight", "Requests now being answered", registry=self.registry
        )
        self.rejected = Counter(
            "lingnan_rejected", "Requests refused, by reason", ("reason",), registry=self.registry
        )
        self.work = Histogram(
            "lingnan_work_seconds",
            "Seconds in a worker thread, by kind of work",
            ("work",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.inference = Histogram(
            "lingnan_inference_seconds",
            "Seconds in a model's session",
            ("model",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.records = Counter(
            "lingnan_records", "Records made durable", ("kind",), registry=self.registry
        )

    def worked(self, name: str, seconds: float) -> None:
        """A worker thread was busy for so long (see `queue.Observer`)."""
        self.work.labels(name).observe(seconds)

    def refused(self, reason: str) -> None:
        """A request was turned away (see `queue.Observer`)."""
        self.rejected.labels(reason).inc()

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """A gauge read when the metrics are."""
        Gauge(f"lingnan_{name}", what, registry=self.registry).set_function(value)

    def watch_drivers(self, states: Callable[[], Iterable[tuple[str, str, str]]]) -> None:
        """Health of drivers, read when the metrics are: (direction, driver, state)."""
        self.registry.register(_Drivers(states))

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


class _Drivers(Collector):
    def __init__(self, states: Callable[[], Iterable[tuple[str, str, str]]]) -> None:
        self._states = states

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "lingnan_driver_state",
            "1 for the state the driver is in",
            labels=("direction", "driver", "state"),
        )
        for direction, driver, now in self._states():
            for state in DRIVER_STATES:
                family.add_metric((direction, driver, state), float(state == now))
        yield family


class MetricsMiddleware:
    """Counts and times every request, by route template and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status, metrics = perf_counter(), 500, self._metrics

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                metrics.latency.labels(template(scope)).observe(perf_counter() - start)
            await send(message)

        metrics.in_flight.inc()
        try:
            await self._app(scope, receive, watched)
        finally:
            metrics.in_flight.dec()
            method = scope["method"] if scope["method"] in _METHODS else "other"
            metrics.requests.labels(method, template(scope), str(status)).inc()


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
