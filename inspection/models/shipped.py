"""Which networks come with the package: one a material, and the geometries each has learned.

The weights' manifest is the only place that says so: a card that holds a geometry's threshold has
learned that geometry.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from common.errors import LingnanError
from common.runtime.manifest import NAME, parse_manifest
from common.runtime.weights import VerifiedModel, load
from inspection.models.fcn import WEIGHTS

Variant = Literal["int8", "fp32"]


class UnlearnedError(LingnanError):
    """No shipped network has learned such parts."""

    def __init__(self, material: str, geometry: str) -> None:
        known = "; ".join(f"{m}: {', '.join(forms)}" for m, forms in learned().items())
        super().__init__(
            f"no shipped network has learned {geometry} parts of {material} (known: "
            f"{known or 'none'}); train one: python -m inspection.train.fcn --material {material}"
        )


def name_of(material: str, variant: Variant = "int8") -> str:
    """A network's name in the manifest."""
    return f"fcn_{material}_{variant}"


def thresholds(score: Mapping[str, float]) -> dict[str, float]:
    """Geometry -> threshold in logits, from a model card's figures."""
    key = "threshold_"
    return {n.removeprefix(key): value for n, value in score.items() if n.startswith(key)}


@cache
def learned(folder: Path = WEIGHTS) -> dict[str, tuple[str, ...]]:
    """Material -> the geometries that its int8 network has learned."""
    manifest = parse_manifest((folder / NAME).read_bytes(), folder / NAME)
    known = {}
    for name, card in manifest.models.items():
        kind, _, rest = name.partition("_")
        material, _, variant = rest.rpartition("_")
        if kind == "fcn" and variant == "int8":
            known[material] = tuple(thresholds(card.score))
    return known


def flat() -> tuple[str, ...]:
    """The materials whose flat parts are learned."""
    return tuple(material for material, forms in learned().items() if "flat" in forms)


def network(material: str, geometry: str = "flat") -> tuple[VerifiedModel, float]:
    """A material's int8 network and its threshold for a geometry. UnlearnedError without one."""
    if geometry not in learned().get(material, ()):
        raise UnlearnedError(material, geometry)
    model = load(WEIGHTS, name_of(material))
    return model, thresholds(model.card.score)[geometry]
