"""Who may reach what: every route needs the token except those in `OPEN_ROUTES`.

The token is shown as `Authorization: Bearer TOKEN`, or once as `?token=TOKEN` in a browser, which
is answered by a cookie (HttpOnly, SameSite=Strict) and a redirect to the address without it.
A request that changes something and comes with the cookie must come from our own pages: its
Origin is compared with its Host, which is one of those that are answered at all.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from common.service import routes, tokens

# The one list of what answers without a token. The static files are the package's own.
OPEN_ROUTES: frozenset[tuple[str, str]] = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/static/{name}"),
    }
)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Lets a request through when its route is open or it shows the token; else 401 or 403."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token
        self._session = tokens.session(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self._refusal(Request(scope))
            await (refusal or self._app)(scope, receive, send)
        else:  # no route speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, request: Request) -> Response | None:
        if routes.is_open(request.scope, OPEN_ROUTES):
            return None if same_origin(request, required=False) else _refuse(403, _FOREIGN)
        if (shown := _bearer(request)) is not None:
            return None if tokens.same(shown, self._token) else _refuse(401, "wrong token")
        if "token" in request.query_params and request.method in ("GET", "HEAD"):
            return self._sign_in(request)
        if not tokens.same(request.cookies.get(cookie_name(request), ""), self._session):
            return _ask(request)
        if request.method not in _SAFE and not same_origin(request, required=True):
            return _refuse(403, _FOREIGN)
        return None

    def _sign_in(self, request: Request) -> Response:
        if not tokens.same(request.query_params["token"], self._token):
            return _refuse(401, "wrong token")
        rest = [
            (k, v) for k, v in parse_qsl(request.url.query, keep_blank_values=True) if k != "token"
        ]
        path = local_path(quote(request.url.path) + ("?" + urlencode(rest) if rest else ""))
        return remember(RedirectResponse(path, 303), request, self._token)


_FOREIGN = "this request comes from another site's page"


def remember(response: Response, request: Request, token: str) -> Response:
    """Set the browser's cookie on an answer."""
    response.set_cookie(
        cookie_name(request),
        tokens.session(token),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def cookie_name(request: Request) -> str:
    """One a port, since cookies are shared by all ports of a host."""
    return f"lingnan-{request.url.port or request.url.scheme}"


def local_path(path: str) -> str:
    """A place on this server to go on to; never another host ("//host", "/\\host")."""
    plain = "".join(c for c in path if c.isprintable() and c != "\\")
    return "/" + plain.lstrip("/")


def same_origin(request: Request, *, required: bool) -> bool:
    """Whether Origin (or Sec-Fetch-Site, in its absence) names this server's own pages."""
    origin = request.headers.get("origin")
    if origin is not None:
        return _netloc(origin) == request.headers.get("host", "").lower()
    if not required:
        return True
    return request.headers.get("sec-fetch-site") in ("same-origin", "none")


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _bearer(request: Request) -> str | None:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else None


def _refuse(status: int, why: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"detail": why}, status, headers)


def _ask(request: Request) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/login?next=" + quote(local_path(request.url.path), safe=""), 303)
    return _refuse(401, "a token is needed: Authorization: Bearer TOKEN")
