"""Templates and static files of the package; nothing else is ever read for a page."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from common.acceptance.palette import css

_HERE = Path(__file__).parent
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(name: str, code: int = 200, **values: Any) -> HTMLResponse:
    """A page from its template; every value is escaped."""
    return HTMLResponse(_environment.get_template(name).render(values), code)


@cache
def assets() -> dict[str, tuple[bytes, str]]:
    """name -> (content, media type) of every static file; the colours are the report's."""
    files = {
        path.name: (path.read_bytes(), _KINDS[path.suffix])
        for path in sorted((_HERE / "static").iterdir())
        if path.suffix in _KINDS
    }
    return {"palette.css": (css().encode(), "text/css"), **files}


def add_page(routes: APIRouter, path: str, folder: Path) -> None:
    """A direction's own page: `path` gives the folder's index.html, which names page.js and
    page.css below that path. The three files are read now, and nothing else ever is."""
    script, style = ((folder / name).read_bytes() for name in ("page.js", "page.css"))
    body = (folder / "index.html").read_bytes()

    @routes.get(path, response_class=HTMLResponse)
    def page() -> Response:
        """The page."""
        return HTMLResponse(body)

    @routes.get(f"{path}/page.js", response_class=Response)
    def page_script() -> Response:
        """Its script."""
        return Response(script, media_type="text/javascript")

    @routes.get(f"{path}/page.css", response_class=Response)
    def page_style() -> Response:
        """Its style."""
        return Response(style, media_type="text/css")
