"""Defects of etched boards, drawn by rules onto a picture of two levels, copper dark.

A kind is what the defect touches of its own phase (`inspection.methods.topology`): an outline is
drawn, and what of it lies on the other phase changes level. So a bite, a spur or a bridge may be
smaller than the outline that was asked for. Outlines that make another kind are drawn anew.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.generate.canvas import U8, Rng, Sample, Window, applied, settle, window
from inspection.generate.request import DefectRequest, RequestError, known_kind
from inspection.methods.difference import Region
from inspection.methods.golden import LEVEL
from inspection.methods.topology import KINDS, RING_PX, contacts, kind
from inspection.models.features import grey_of

TRIES = 60  # outlines, and places where none was asked for
SMALLEST_AREA_PX, SMALLEST_SHARE = 12, 0.35  # of the outline: less is a jagged edge
EXTRA = frozenset({"copper", "spur", "short"})
_TOUCHES = {"copper": 0, "pin-hole": 0, "spur": 1, "mousebite": 1, "short": 2, "open": 2}

Mask = NDArray[np.bool_]


class Circuit:
    """Makes opens, shorts, mouse-bites, spurs, spurious copper and pin-holes.

    severity: how far a pixel goes from its phase's level to the other's, from half way at 0.
    """

    name = "circuit"
    identity = ""
    kinds: tuple[str, ...] = KINDS

    def make(self, image: U8, request: DefectRequest, rng: Rng) -> Sample:
        """One sample; RequestError for an unknown kind, or where the pattern has no room for it."""
        known_kind(request.kind, self.kinds, "the circuit method")
        grey = grey_of(image)
        where = None if request.x_px is not None else spots(grey, request)
        for _ in range(TRIES):
            place = settle(_placed(request, where, rng), image.shape, rng, at_edge=False)
            around = window(image, place, "patch", rng)
            body = _body(around, request.kind)
            if body is not None:
                share = 0.5 + 0.5 * request.severity
                change = share * (_other_level(grey, request.kind) - around.image) * body
                cut = replace(around, cover=body.astype(np.float32))
                return applied(image, cut, np.asarray(change, np.float32), place)
        raise RequestError(f"the pattern has no room for {_told(request)}")


def _told(request: DefectRequest) -> str:
    at = "" if request.x_px is None else f" at {request.x_px:g}, {request.y_px:g}"
    return f"{request.kind} of {request.size_px:g} px{at}"


def spots(grey: U8, request: DefectRequest) -> NDArray[np.int64]:
    """(N, 2) x, y of the pixels where such a defect may lie, by how deep they are in the phase
    that it takes away."""
    taken = (grey >= LEVEL) if request.kind in EXTRA else (grey < LEVEL)
    depth = cv2.distanceTransform(taken.astype(np.uint8), cv2.DIST_L2, 5)
    radius = request.size_px / 2
    low, high = (
        (radius + RING_PX + 1, np.inf),
        (0.5, 0.5 * radius),
        (1.0, 0.7 * radius),
    )[_TOUCHES[request.kind]]
    room = np.zeros(grey.shape, bool)
    edge = int(np.ceil(radius)) + 1
    room[edge : grey.shape[0] - edge, edge : grey.shape[1] - edge] = True
    found = np.argwhere(room & (depth >= low) & (depth <= high))[:, ::-1]
    if not len(found):
        raise RequestError(f"the pattern has no room for {_told(request)}")
    return found


def _placed(request: DefectRequest, spots: NDArray[np.int64] | None, rng: Rng) -> DefectRequest:
    if spots is None:
        return request
    x, y = spots[rng.integers(len(spots))].tolist()
    return request.model_copy(update={"x_px": float(x), "y_px": float(y)})


def _body(around: Window, wanted: str) -> Mask | None:
    """(h, w) of the window: what changes level; None where that is another kind of defect."""
    extra = wanted in EXTRA
    copper = (around.image < LEVEL).astype(np.uint8)
    body = (around.cover >= 0.5) & (copper == (0 if extra else 1))
    pieces, _ = cv2.connectedComponents(body.astype(np.uint8), connectivity=8)
    least = SMALLEST_SHARE * (around.cover >= 0.5).sum()
    if pieces != 2 or body.sum() < max(SMALLEST_AREA_PX, least):
        return None
    rows, columns = np.flatnonzero(body.any(1)), np.flatnonzero(body.any(0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    region = Region(extra, (x0, y0, x1, y1), body[y0:y1, x0:x1], np.zeros(0, np.float32))
    named = kind(extra, contacts(region, copper, copper)) == wanted
    return body if named and _does(copper == extra, body, _TOUCHES[wanted]) else None


def _does(own: Mask, body: Mask, touches: int) -> bool:
    """Whether the body is a piece of its own, grows one or joins two, and cuts nothing else up."""
    own_more = _pieces(own | body, 8) - _pieces(own, 8)
    other_more = _pieces(~own & ~body, 4) - _pieces(~own, 4)
    return own_more == 1 - touches and 0 <= other_more <= (touches == 2)


def _pieces(phase: Mask, connectivity: int) -> int:
    return int(cv2.connectedComponents(phase.astype(np.uint8), connectivity=connectivity)[0])


def _other_level(grey: U8, wanted: str) -> float:
    """The level, in DN, of the phase that comes there: the picture's own, as far as it has any."""
    comes = grey[grey < LEVEL] if wanted in EXTRA else grey[grey >= LEVEL]
    fallback = 0.0 if wanted in EXTRA else 255.0
    return float(np.median(comes)) if comes.size else fallback
