"""Defects made by a network: a conditional generator, run by ONNX Runtime.

It sees a patch of the good surface, the defect's outline, its kind and contrast, and noise, and
says what the defect adds to the patch. That is added to the picture within the outline's halo, so
that nothing else changes. `inspection.train.generator` trains one.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.runtime.errors import ModelError
from common.runtime.files import read_file
from common.runtime.foreign import check_bytes
from common.runtime.session import Session
from common.runtime.weights import load
from inspection.generate import patches
from inspection.generate.canvas import F32, U8, Rng, Sample, Window, applied, settle, window
from inspection.generate.outlines import OUTLINES
from inspection.generate.patches import PATCH_PX, Norm
from inspection.generate.request import DefectRequest, known_kind

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
SHIPPED = "defect_generator"
MAX_BYTES = 16 << 20
NOISE = 2  # planes of it
COARSE_PX = 8  # grain of the second, for what is the same all over a defect
ABOUT = "lingnan.kinds"  # the file's metadata that tells what it makes


class KindCard(BaseModel):
    """What a generator knows of a kind.

    outline: which of `outlines.OUTLINES` it has. contrasts: quantiles, evenly spaced from 0 to 1,
    of the contrast of the defects it learned from, so that severity 0.5 is their median.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    outline: str
    contrasts: Annotated[tuple[Annotated[float, Field(ge=0, le=1e3)], ...], Field(min_length=2)]

    def contrast(self, severity: float) -> float:
        """That of a defect of this severity."""
        return float(np.interp(severity, np.linspace(0, 1, len(self.contrasts)), self.contrasts))


class Kinds(BaseModel):
    """The kinds in the order of the network's input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: Annotated[tuple[KindCard, ...], Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class Ordered:
    """One patch for the network: normalised (PATCH_PX, PATCH_PX) surface and cover, the number of
    the kind, the contrast."""

    surface: F32
    cover: F32
    kind: int
    contrast: float


class Learned:
    """A generator network. ModelError where the bytes are no generator."""

    name = "learned"

    def __init__(self, payload: bytes, threads: int = 1) -> None:
        self._session = Session(payload, threads=threads, warmup=0)
        told = self._session.metadata.get(ABOUT, "")
        try:
            self._cards = Kinds.model_validate_json(told).kinds
        except ValidationError:
            raise ModelError(f"the model is no defect generator: it has no {ABOUT!r}") from None
        if unknown := {card.outline for card in self._cards} - (set(OUTLINES) - {"edge"}):
            raise ModelError(f"the generator wants unknown outlines: {', '.join(sorted(unknown))}")
        self.kinds = tuple(card.name for card in self._cards)
        self.identity = sha256(payload).hexdigest()

    def make(self, image: U8, request: DefectRequest, rng: Rng) -> Sample:
        """One sample; RequestError for an unknown kind or a place that does not fit."""
        known_kind(request.kind, self.kinds, "this generator")
        number = self.kinds.index(request.kind)
        card = self._cards[number]
        place = settle(request, image.shape, rng, at_edge=False)
        around = window(image, place, card.outline, rng)
        at = (round(place.x_px) - around.left, round(place.y_px) - around.top)
        wanted = (number, card.contrast(request.severity))
        change = self._change(around, at, place.size_px, wanted, rng)
        return applied(image, around, change, place)

    def residual(self, ordered: Ordered, rng: Rng) -> F32:
        """(PATCH_PX, PATCH_PX): what the defect adds, normalised, not yet confined to a halo."""
        kind = np.zeros((1, len(self.kinds)), np.float32)
        kind[0, ordered.kind] = 1
        out = self._session.run(
            {
                "patch": ordered.surface[None, None],
                "cover": ordered.cover[None, None],
                "kind": kind,
                "contrast": np.array([[ordered.contrast]], np.float32),
                "noise": noise(rng)[None],
            }
        )["residual"]
        return np.asarray(out[0, 0], np.float32)

    def card(self, kind: str) -> KindCard:
        """What is known of a kind."""
        return self._cards[self.kinds.index(kind)]

    def _change(
        self,
        around: Window,
        at: tuple[int, int],
        size_px: float,
        ordered: tuple[int, float],
        rng: Rng,
    ) -> F32:
        """(h, w) in DN on the window."""
        side = patches.side_px(size_px)
        surface = patches.square(around.image, at, side)
        norm = Norm.of(surface)
        small = patches.shrunk(norm.of_dn(surface))
        cover = patches.shrunk(_padded(around.cover, at, side))
        made = patches.enlarged(self.residual(Ordered(small, cover, *ordered), rng), side)
        return _placed(made * np.float32(norm.unit), around.cover.shape, at)


def noise(rng: Rng) -> F32:
    """(NOISE, PATCH_PX, PATCH_PX) of unit variance: one plane fine, one coarse."""
    fine = rng.standard_normal((PATCH_PX, PATCH_PX), dtype=np.float32)
    cells = PATCH_PX // COARSE_PX
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    return np.stack([fine, np.kron(coarse, np.ones((COARSE_PX, COARSE_PX), np.float32))])


def _padded(cover: F32, at: tuple[int, int], side: int) -> F32:
    """(side, side) of the cover around (x, y), nothing beyond the window."""
    wide = np.pad(cover, side)
    y, x = at[1] - side // 2 + side, at[0] - side // 2 + side
    return np.ascontiguousarray(wide[y : y + side, x : x + side])


def _placed(patch: F32, shape: tuple[int, ...], at: tuple[int, int]) -> F32:
    """The patch around (x, y) of an empty (h, w); what lies beyond is cut off."""
    side = patch.shape[0]
    wide = np.zeros((shape[0] + 2 * side, shape[1] + 2 * side), np.float32)
    y, x = at[1] - side // 2 + side, at[0] - side // 2 + side
    wide[y : y + side, x : x + side] = patch
    return wide[side:-side, side:-side]


def shipped() -> Learned:
    """The generator that comes with the package, verified."""
    return Learned(load(WEIGHTS, SHIPPED).payload)


def from_file(path: Path) -> Learned:
    """A generator of one's own, first tried in a child process with limits.

    ForeignModelError, WeightsError or ModelError name the file that is none.
    """
    payload = read_file(path, MAX_BYTES)
    check_bytes(payload, str(path))
    try:
        return Learned(payload)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
