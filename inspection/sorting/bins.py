"""Which class of part goes where. What is not known for certain goes nowhere: it stays on the belt.

The belt's end is the bin for a second look. Only an ejector's stroke takes a part into any other
bin, the good one included, so that whatever fails (decision, network, PLC, ejector) ends there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from inspection.pipeline import Inspection

Kind = Literal["good", "point", "coarse"]
KINDS: tuple[Kind, ...] = ("good", "point", "coarse")
RECHECK = "recheck"
COARSE = frozenset({"scratch", "stain"})
POINT_UM = 300.0  # scratches and stains on the station are longer than this, points much smaller


@dataclass(frozen=True, slots=True)
class Bins:
    """lanes: class -> ejector, from 1. names: what lies at the end of each lane."""

    lanes: Mapping[str, int] = field(default_factory=lambda: {"good": 1, "point": 2, "coarse": 3})
    names: tuple[str, ...] = ("good", "rework", "scrap")

    def lane(self, kind: str | None) -> int | None:
        """The ejector for a class; None, the belt's end, for no class or an unknown one."""
        return None if kind is None else self.lanes.get(kind)

    def name(self, lane: int) -> str:
        """The bin of a lane; lane 0 is the belt's end."""
        return self.names[lane - 1] if 1 <= lane <= len(self.names) else RECHECK


def kind_of(result: Inspection) -> Kind | None:
    """The class of an inspected part; None when it is defective and nothing was outlined.

    By the kinds of what was found, where the method names kinds it is sure of; else by size.
    """
    if not result.is_defective:
        return "good"
    kinds = {region.kind for region in result.regions}
    if kinds & COARSE:
        return "coarse"
    if kinds == {"point"}:
        return "point"
    sizes = [region.size_um for region in result.regions if region.size_um is not None]
    if not sizes:
        return None
    return "point" if max(sizes) <= POINT_UM else "coarse"
