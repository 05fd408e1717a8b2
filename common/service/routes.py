"""Which route a request reaches: the route object, never a guess from the path."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

UNROUTED = "(none)"


def every(app: FastAPI) -> Iterator[tuple[str, str]]:
    """(method, path template) of every route, those of the directions included."""
    for context in iter_route_contexts(app.routes):
        for method in sorted(context.methods or ("*",)):
            yield method, context.path or UNROUTED


def matched(scope: Scope) -> BaseRoute | None:
    """The first route of the application that takes this path and method."""
    routes: list[BaseRoute] = scope["app"].routes
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)


def template(scope: Scope) -> str:
    """The template of the route that answered, with its prefix; `UNROUTED` when none did."""
    endpoint = scope.get("endpoint")
    if endpoint is None or "app" not in scope:
        return UNROUTED
    app: FastAPI = scope["app"]
    known: dict[object, str] | None = getattr(app.state, "templates", None)
    if known is None:
        contexts = list(iter_route_contexts(app.routes))
        known = {context.endpoint: context.path or UNROUTED for context in contexts}
        app.state.templates = known
    return known.get(endpoint, UNROUTED)


def is_open(scope: Scope, open_routes: frozenset[tuple[str, str]]) -> bool:
    """Whether the request reaches one of the application's own routes named in `open_routes`.

    A direction's routes lie in a router of their own and are never the application's own, so no
    plug-in opens itself by a path that looks like an open one.
    """
    route = matched(scope)
    return isinstance(route, APIRoute) and (scope["method"], route.path) in open_routes
