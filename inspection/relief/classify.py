"""What kind of flaw a find is: a few features that a person can read, and one logistic a kind.

The logistics are taught on simulated flaws of the teaching draw (`inspection.train.relief_kinds`)
and lie beside this file as JSON, so that every coefficient can be read. What a sensor does not see
of a find is no feature, nor is the find's volume, which depends on it: they tell sensors apart, not
kinds, and the classifier serves other sensors than the one it is taught on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil, log
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from common.errors import LingnanError
from inspection.methods.logistic import Logistic, fit
from inspection.relief.find import Candidate
from inspection.relief.measure import Size

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

Kind = Literal["pit", "bump", "scratch", "dent", "chip", "particle"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FEATURES = (
    "sign",
    "log_width_um",
    "log_aspect",
    "log_depth_um",
    "log_steepness",
    "log_edge_px",
    "solidity",
    "rim",
)
SHIPPED = Path(__file__).with_name("kinds.json")
EDGE_PX = 12.0  # further from the border of its face, a find knows nothing of it
PRIOR = 0.3


class KindsError(LingnanError):
    """The classifier's file is not what it should be."""


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """One logistic a kind over the features, their squares and their products."""

    of_kind: Mapping[str, Logistic]

    def chances(self, features: F64) -> dict[str, float]:
        """(D,) features -> probability by kind, adding up to 1."""
        wide = expand(features[None])
        odds = {kind: float(expit(net.logit(wide)[0])) for kind, net in self.of_kind.items()}
        total = sum(odds.values())
        return {kind: value / total for kind, value in odds.items()}

    def to_json(self) -> str:
        """The file's text: the same classifier gives the same text."""
        tables = {kind: net.packed().tolist() for kind, net in self.of_kind.items()}
        return json.dumps({"features": FEATURES, "kinds": tables}, indent=0) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Kinds:
        """From the file's text; KindsError where it is not one."""
        try:
            told = json.loads(text)
            if tuple(told["features"]) != FEATURES:
                raise ValueError("it was taught on other features")
            nets = {str(k): Logistic.unpacked(np.array(v)) for k, v in told["kinds"].items()}
            wide = expand(np.zeros((1, len(FEATURES))))
            if set(nets) != set(KINDS) or any(n.mean.shape != wide[0].shape for n in nets.values()):
                raise ValueError("kinds or coefficients are missing")
        except (ValueError, KeyError, TypeError) as error:
            raise KindsError(f"the classifier of flaws is broken: {error}") from None
        return cls(nets)


@cache
def shipped() -> Kinds:
    """The classifier that comes with the program."""
    return Kinds.from_json(SHIPPED.read_text(encoding="utf-8"))


def teach(features: F64, kinds: list[str]) -> Kinds:
    """One kind against the rest for each. features: (N, D)."""
    wide, names = expand(features), np.array(kinds)
    return Kinds({kind: fit(wide, names == kind, PRIOR) for kind in KINDS})


def expand(features: F64) -> F64:
    """(N, D) -> (N, D + D (D + 1) / 2): the features and their products."""
    left, right = np.triu_indices(features.shape[1])
    return np.concatenate([features, features[:, left] * features[:, right]], 1)


def from_edge(face: Mask, candidate: Candidate) -> float:
    """How far from the border of (H, W) `face` a find comes, px; 0 outside, at most EDGE_PX.

    The border may be any way off: only what lies within EDGE_PX of the find is looked at.
    """
    x0, y0, x1, y1 = candidate.box_px
    reach = ceil(EDGE_PX) + 2
    rows = slice(max(y0 - reach, 0), min(y1 + reach, face.shape[0]))
    columns = slice(max(x0 - reach, 0), min(x1 + reach, face.shape[1]))
    ends = [
        (int(s.start == 0), int(s.stop == n))
        for s, n in zip((rows, columns), face.shape, strict=True)
    ]
    near = np.pad(face[rows, columns], ends).astype(np.uint8)  # beyond the map is outside
    away = cv2.distanceTransform(near, cv2.DIST_L2, 3)
    top, left = y0 - rows.start + ends[0][0], x0 - columns.start + ends[1][0]
    here = away[top : top + y1 - y0, left : left + x1 - x0][candidate.mask]
    return min(float(here.min()), EDGE_PX)


def describe(size: Size, edge_px: float, um_per_px: float) -> F64:
    """(D,) features as FEATURES names them. edge_px: as `from_edge` says."""
    _, half = size.half
    box = size.width_um * size.length_um / um_per_px**2
    return np.array(
        [
            size.sign,
            log(max(size.width_um, 1)),
            log(max(size.length_um / max(size.width_um, 1), 1)),
            log(max(size.depth_um, 0.1)),
            log(max(size.depth_um, 0.1) / max(size.width_um, 1)),
            log(1 + edge_px),
            min(float(half.sum()) / max(box, 1.0), 1.5),
            float(np.clip(size.rim_um / max(size.depth_um, 0.1), -1, 1)),
        ]
    )
