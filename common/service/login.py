"""How a browser shows the token: a page with one field, and the static files that pages need."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from common.service import tokens
from common.service.access import local_path, remember
from common.service.pages import assets, render
from common.service.state import Parts

_WRONG: dict[int | str, dict[str, Any]] = {401: {"description": "Wrong token"}}
_NONE: dict[int | str, dict[str, Any]] = {404: {"description": "No such file"}}
_MAX_FORM_BYTES = 4096
Next = Annotated[str, Query(alias="next", max_length=1024)]


def login_page(then: Next = "/") -> Response:
    """Asks for the token."""
    return render("login.html", then=local_path(then), wrong=False)


def sign_in(
    request: Request,
    parts: Parts,
    token: Annotated[str, Form(max_length=256)],
    then: Annotated[str, Form(alias="next", max_length=1024)] = "/",
) -> Response:
    """Takes the token; right: a cookie and on to `next`; wrong: the page again."""
    wanted = parts.settings.token.get_secret_value()
    if not tokens.same(token, wanted):
        return render("login.html", 401, then=local_path(then), wrong=True)
    return remember(RedirectResponse(local_path(then), 303), request, wanted)


def asset(name: Annotated[str, Path(max_length=64)]) -> Response:
    """A static file of the package."""
    if name not in assets():
        raise HTTPException(404, "no such file")
    content, kind = assets()[name]
    return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})


def add_open_routes(app: FastAPI) -> None:
    """Those that answer without a token; see `access.OPEN_ROUTES`."""
    app.get("/login", response_class=HTMLResponse, tags=["sign in"])(login_page)
    app.post(
        "/login",
        response_class=HTMLResponse,
        tags=["sign in"],
        responses=_WRONG,
        max_body_size=_MAX_FORM_BYTES,
    )(sign_in)
    app.get("/static/{name}", response_class=Response, tags=["sign in"], responses=_NONE)(asset)
