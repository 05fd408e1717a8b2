"""Which layouts are read: one list, as data. Nothing is imported until a layout is asked for."""

from __future__ import annotations

import importlib
from typing import cast

from common.errors import LingnanError
from inspection.layouts.base import Read

LAYOUTS: dict[str, str] = {
    "deeppcb": "inspection.layouts.deeppcb:read",
    "folder": "inspection.layouts.folder:read",
    "kolektor": "inspection.layouts.kolektor:read",
    "magnetic-tile": "inspection.layouts.magnetic:read",
    "mvtec": "inspection.layouts.mvtec:read",
    "yolo": "inspection.layouts.yolo:read",
}


class UnknownLayoutError(LingnanError):
    """A command names a layout that is not in the table."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no layout is called {name!r}; there are: {', '.join(LAYOUTS)}")


def reader(name: str) -> Read:
    """The function that reads layout `name`; UnknownLayoutError names those there are."""
    if name not in LAYOUTS:
        raise UnknownLayoutError(name)
    module, function = LAYOUTS[name].split(":")
    return cast(Read, getattr(importlib.import_module(module), function))
