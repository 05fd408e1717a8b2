"""Which directions are installed: one list, as data, from entry points.

A direction is a package named under the entry-point group `lingnan.directions`: the entry's name
is the short command, its value the package. Nothing is imported until a room is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

GROUP = "lingnan.directions"


@dataclass(frozen=True, slots=True)
class Direction:
    """An installed direction: `name` is the short command, `package` the folder."""

    name: str
    package: str

    def has(self, room: str) -> bool:
        """Whether the direction has the module `room`, e.g. "service" or "ros_node"."""
        return importlib.util.find_spec(f"{self.package}.{room}") is not None

    def nodes(self) -> tuple[str, ...]:
        """Modules that run as ROS 2 nodes, its own and those of its sub-packages; none imported."""
        found = importlib.util.find_spec(self.package)
        places = [Path(place) for place in (found and found.submodule_search_locations) or ()]
        files = [
            (place, file)
            for place in places
            for depth in ("", "*/")
            for file in sorted(place.glob(f"{depth}ros_node.py"))
        ]
        return tuple(
            ".".join((self.package, *file.relative_to(place).with_suffix("").parts))
            for place, file in files
        )

    def load(self, room: str) -> ModuleType:
        """Import `package.room`; whatever that import raises reaches the caller."""
        return importlib.import_module(f"{self.package}.{room}")


def installed() -> tuple[Direction, ...]:
    """Every direction, by name; a third party's is told by its entry point alone."""
    found = {Direction(entry.name, entry.value) for entry in entry_points(group=GROUP)}
    return tuple(sorted(found, key=lambda direction: direction.name))


def find(word: str) -> Direction | None:
    """The direction whose short command or folder is `word`."""
    return next((d for d in installed() if word in (d.name, d.package)), None)
