"""Real height maps as backgrounds, brought to the pipeline's pitch.

The maps are public examples of profilometer files, read by `topographies`. A finer
map is averaged over areas onto 5 um; a coarser one, or one whose field is too small for a flaw and
its surroundings, is not used, and the reason is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.sim.relief import topographies

F32 = NDArray[np.float32]

FOLDER = topographies.DATA
PITCH_UM = 5.0
SMALLEST_UM = 500.0  # shorter side of a field that holds flaws and what lies around them
UNBELIEVABLE_UM = 1000.0


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
    height, *pitch = topographies.read(path)
    field = min(n * p for n, p in zip(height.shape[::-1], pitch, strict=True))
    if max(pitch) > UNBELIEVABLE_UM:
        return Unused(path, f"the pitch it states, {max(pitch):.0f} um, is not to be believed")
    if max(pitch) > PITCH_UM:
        return Unused(path, f"pitch {max(pitch):.1f} um: 30 um is hardly a pixel")
    if field < SMALLEST_UM:
        return Unused(path, f"field of {field:.0f} um holds no flaw with its surroundings")
    return Background(path, _to_pitch(height, pitch), max(pitch))


def _to_pitch(height_um: F32, pitch_um: list[float]) -> F32:
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
