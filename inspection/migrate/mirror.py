"""How much of the light comes back by mirroring: what the target's small mirrors tell of a lamp.

A camera that looks down sees a polished part in the lamp's mirror image alone, and a matt speck on
it by whatever light falls there. What tells one from the other is how bright the mirror image is
beside matt white, both in one picture. Where the lamp leans, the image moves off the camera's axis
and the share falls; the target's greys, falloff and blur stay as they are.

Light adds up. Let a speck be darker by c than the mirror-like part around it, and be matt: where
the image keeps the share k of itself beside white, the speck is darker by 1 - (1 - c) / k only.
At k = 0.9 a speck of c = 0.2 keeps half of its contrast, and at 0.8 nothing; lower, it is bright.
A pit in a glaze is seen by the mirror image that it lacks, and fades likewise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.migrate.artefact import TARGET, Artefact
from inspection.migrate.geometry import Geometry
from inspection.migrate.photometry import PATCH, Photometry, polynomial

LEAST_KEPT = 0.9  # of the mirror image beside white
AS_WHITE = 0.03  # a target without mirrors is white there, to within this share of white
LEAST_SEEN = 0.02  # a mirror that looks darker than this grey shows no lamp


def measure(
    frame: NDArray[np.uint8], where: Geometry, light: Photometry, artefact: Artefact = TARGET
) -> float | None:
    """The reflectance of a matt patch as bright as the mirrors, in the median over them.

    frame: (H, W) of the target. None where the target has no mirror, or none is in the picture.
    """
    half = int(PATCH * artefact.pitch_um / where.um_per_px / 2)
    height, width = frame.shape
    found = []
    for x, y in where.to_px(artefact.mirrors_um()).round().astype(int).tolist():
        if half <= x < width - half and half <= y < height - half:
            patch = frame[y - half : y + half + 1, x - half : x + half + 1]
            place = np.array([2 * x / (width - 1) - 1]), np.array([2 * y / (height - 1) - 1])
            above = max(float(patch.mean()) - light.black_dn, 0.0) / light.level_dn
            fall = float(polynomial(*place, light.profile)[0])
            found.append(above ** (1 / light.response) / fall)
    if not found:
        return None
    seen = float(np.median(found))
    return None if abs(seen / artefact.white - 1) < AS_WHITE else seen


def kept(here: float | None, home: float | None) -> float | None:
    """Of the mirror image at home, beside white; None where a target had no mirror, or where no
    lamp was mirrored at home."""
    if here is None or home is None or home < LEAST_SEEN:
        return None
    return here / home
