"""All that is said of regions in one object: kinds, sizes, and whether a region is a defect at all.

It lies beside this file as JSON, taught on the simulated station, and within a job once somebody
corrected it. A few regions it was taught on stay with it, so that it can learn anew from
corrections without forgetting (rehearsal, Robins 1995).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from inspection.methods.logistic import Logistic
from inspection.regions.candidates import Candidate
from inspection.regions.classify import Kinds
from inspection.regions.describe import FEATURES, describe
from inspection.regions.mark import Mark, described
from inspection.regions.measure import Extent, measure, outline
from inspection.regions.sizes import Correction
from inspection.regions.verify import Verifier

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

SHIPPED = Path(__file__).with_name("kinds.json")
UNKNOWN_SIZE = 0.25  # relative standard uncertainty where no size was taught
MOST_NUMBERS = 1_000_000


class HeadError(LingnanError):
    """What is to be said of regions cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the classifier of regions is broken: {reason}; teach it again")


@dataclass(frozen=True, slots=True, eq=False)
class Exemplars:
    """Regions to learn anew from. features: (N, D); kinds: N names."""

    features: F64
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """sizes: kind -> "size" and, for long kinds, "width" -> correction. verifier: None where no
    candidate is to be refused."""

    kinds: Kinds
    sizes: Mapping[str, Mapping[str, Correction]]
    exemplars: Exemplars
    verifier: Verifier | None = None
    source: Mapping[str, str] = field(default_factory=dict)

    def marks(self, frame: U8, found: Sequence[Candidate]) -> tuple[Mark, ...]:
        """What is said of each candidate in a grey frame (H, W)."""
        if not found:
            return ()
        extents, rows = [], []
        for one in found:
            seen = outline(frame, one)
            extent = measure(seen)
            extents.append(extent)
            rows.append(describe(one, seen, extent))
        features = np.array(rows)
        chances = self.kinds.chances(features)
        return tuple(map(self._mark, extents, features, chances))

    def _mark(self, extent: Extent, features: F64, chances: F64) -> Mark:
        kind = self.kinds.name(chances)
        told = self.sizes.get(kind, {})
        length = extent.length if "width" in told else extent.diameter
        size, u_size = _corrected(told.get("size"), length.px, length.u_px, features)
        width, u_width = None, None
        if "width" in told:
            width, u_width = told["width"].apply(extent.width.px, extent.width.u_px, features)
        return Mark(kind, described(features), float(chances.max()), size, u_size, width, u_width)

    def accepts(self, mark: Mark) -> bool:
        """Whether a region may be a defect."""
        return self.verifier is None or bool(self.verifier.accepts(np.array([mark.features]))[0])

    def with_verifier(self, verifier: Verifier | None) -> Head:
        """The same with another verifier."""
        return replace(self, verifier=verifier)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        told: dict[str, Any] = {
            "features": list(FEATURES),
            "source": dict(self.source),
            "kinds": _plain(self.kinds),
            "sizes": {k: {a: _plain(c) for a, c in v.items()} for k, v in self.sizes.items()},
            "exemplars": _plain(self.exemplars),
        }
        if self.verifier is not None:
            net = self.verifier.net.packed().tolist()
            told["verifier"] = {"net": net, "threshold": self.verifier.threshold}
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Head:
        """From `to_json`; HeadError where it is not one."""
        try:
            if tuple(told["features"]) != FEATURES:
                raise ValueError("it was taught on other features")
            head = cls(
                _kinds(told["kinds"]),
                {
                    str(k): {str(a): _correction(c) for a, c in v.items()}
                    for k, v in told["sizes"].items()
                },
                _exemplars(told["exemplars"]),
                _verifier(told.get("verifier")),
                {str(k): str(v) for k, v in told.get("source", {}).items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HeadError(str(error)) from None
        return head


@cache
def shipped() -> Head | None:
    """The head that comes with the program; None where it was not taught yet."""
    if not SHIPPED.exists():
        return None
    return parse(SHIPPED.read_text(encoding="utf-8"))


def parse(text: str) -> Head:
    """A head from JSON text. HeadError where it is none."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise HeadError(str(error)) from None
    if not isinstance(told, dict):
        raise HeadError("it is no object")
    return Head.from_json(told)


def _corrected(
    correction: Correction | None, px: float, u_px: float, features: F64
) -> tuple[float, float]:
    if correction is None:
        return px, max(u_px, UNKNOWN_SIZE * px)
    return correction.apply(px, u_px, features)


def _plain(value: Any) -> dict[str, Any]:
    """Arrays as lists of six digits: files stay small, and the same on every machine."""
    return {
        name: [float(f"{v:.6g}") for v in np.ravel(part)]
        if isinstance(part, np.ndarray)
        else list(part)
        for name, part in asdict(value).items()
    }


def _array(values: Any, *shape: int) -> F64:
    if not isinstance(values, list) or len(values) > MOST_NUMBERS:
        raise ValueError("a table is missing or too long")
    found = np.array(values, np.float64).reshape(shape)
    if not np.isfinite(found).all():
        raise ValueError("a number is not finite")
    return found


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
        raise ValueError("names are missing")
    return tuple(values)


def _kinds(told: Mapping[str, Any]) -> Kinds:
    names, wide = _names(told["names"]), 2 * len(FEATURES)
    return Kinds(
        names,
        _array(told["mean"], wide),
        _array(told["scale"], wide),
        _array(told["weights"], len(names), wide),
        _array(told["bias"], len(names)),
    )


def _correction(told: Mapping[str, Any]) -> Correction:
    n = len(FEATURES)
    return Correction(
        _array(told["mean"], n),
        _array(told["scale"], n),
        _array(told["weights"], 2, n),
        _array(told["bias"], 2),
    )


def _exemplars(told: Mapping[str, Any]) -> Exemplars:
    kinds = _names(told["kinds"])
    return Exemplars(_array(told["features"], len(kinds), len(FEATURES)), kinds)


def _verifier(told: Mapping[str, Any] | None) -> Verifier | None:
    if told is None:
        return None
    flat = [v for row in told["net"] for v in row]
    net = Logistic.unpacked(_array(flat, 4, len(FEATURES)))
    return Verifier(net, float(told["threshold"]))
