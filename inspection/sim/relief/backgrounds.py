"""Real height maps as backgrounds, brought to the pipeline's pitch.

The maps are public examples of profilometer files, read by SurfaceTopography (the extra `3d`). A
finer map is averaged over areas onto 5 um; a coarser one, or one whose field is too small for a
flaw and its surroundings, is not used, and the reason is kept.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError, MissingExtraError

F32 = NDArray[np.float32]

FOLDER = "surface_height"
PITCH_UM = 5.0
SMALLEST_UM = 500.0  # shorter side of a field that holds flaws and what lies around them
UNBELIEVABLE_UM = 1000.0
UNIT_UM = {"m": 1e6, "mm": 1e3, "um": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3, "pm": 1e-6}


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """height_um: (H, W) at PITCH_UM, about 0, without holes; native_um: the file's own pitch."""

    path: Path
    height_um: F32
    native_um: float


@dataclass(frozen=True, slots=True)
class Unused:
    """A file that serves as no background, and why."""

    path: Path
    reason: str


def backgrounds(root: Path) -> tuple[list[Background], list[Unused]]:
    """All of the folder `surface_height` below `root`."""
    used: list[Background] = []
    unused: list[Unused] = []
    for path in sorted((root / FOLDER / "files").iterdir()):
        read = _read(path)
        (used if isinstance(read, Background) else unused).append(read)  # type: ignore[arg-type]
    return used, unused


def _read(path: Path) -> Background | Unused:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where MPI is absent
            from SurfaceTopography import open_topography
    except ImportError as error:
        raise MissingExtraError("SurfaceTopography", "surfaces") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a foreign reader about foreign files
            topography: Any = open_topography(str(path)).topography()
            scale = UNIT_UM[topography.unit]
            pitch = [float(p) * scale for p in topography.pixel_size]
            raw = np.ma.asarray(topography.heights(), np.float64) * scale
    except Exception as error:  # whatever a parser of a foreign format raises
        raise LingnanError(f"{path}: cannot be read as a height map: {error}") from error
    height = np.ma.masked_invalid(raw).filled(np.nan).T
    field = min(n * p for n, p in zip(height.shape[::-1], pitch, strict=True))
    if max(pitch) > UNBELIEVABLE_UM:
        return Unused(path, f"the pitch it states, {max(pitch):.0f} um, is not to be believed")
    if max(pitch) > PITCH_UM:
        return Unused(path, f"pitch {max(pitch):.1f} um: 30 um is hardly a pixel")
    if field < SMALLEST_UM:
        return Unused(path, f"field of {field:.0f} um holds no flaw with its surroundings")
    return Background(path, _to_pitch(height, pitch), max(pitch))


def _to_pitch(height_um: NDArray[np.float64], pitch_um: list[float]) -> F32:
    """Averaged over areas onto PITCH_UM; holes are left out of the averages, else 0."""
    known = np.isfinite(height_um)
    middle = float(np.median(height_um[known]))
    size = [
        max(int(n * p / PITCH_UM), 1) for n, p in zip(height_um.shape[::-1], pitch_um, strict=True)
    ]
    values = np.where(known, height_um - middle, 0)
    total = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(known.astype(np.float64), size, interpolation=cv2.INTER_AREA)
    return np.asarray(total / np.maximum(share, 1e-3), np.float32)
