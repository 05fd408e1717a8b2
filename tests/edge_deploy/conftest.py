"""What the files here share."""

from __future__ import annotations

import pytest

from common import directions


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The direction is known by name, also where the package was not installed anew."""
    here = directions.Direction("edge", "edge_deploy")
    known = {*directions.installed(), here}
    monkeypatch.setattr(directions, "installed", lambda: tuple(sorted(known, key=str)))
