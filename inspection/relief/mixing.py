"""What a lens does to heights, as an uncertainty: a point's light is partly its neighbours'.

A blur of variance v, weighted by the light B of each point, takes h to
h + v (lap h / 2 + grad h . grad ln B) to first order. A sensor that reads the place of a line
besides moves the line by v d ln B / dy along the scan, which it takes for height (`lean`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.jit import njit

F32 = NDArray[np.float32]

# without nnan: a point that is not seen is written as NaN
FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
RIM = 0.4  # of the strongest neighbour's light: below it a point's light is its neighbours'
THREE_VARIANCES = 3 * 41 / 16  # of lap h / 2, in units of a point's variance

_NAN = np.float32(np.nan)
_ZERO, _TWO, _THREE, _HALF, _QUARTER = (np.float32(v) for v in (0, 2, 3, 0.5, 0.25))


def mixed(
    raw_um: F32,
    variance_um2: F32,
    light: F32,
    blur_px2: float,
    lean: float = 0.0,
    floor_um2: float | None = None,
    place_px2: float = 0.0,
) -> tuple[F32, F32]:
    """(height, sigma) in um from raw heights (H, W), their variance and the light they had.

    blur_px2: variance of the blur. lean: um of height a px that the line moves. floor_um2: of the
    effect, where there is none but noise; None takes three variances of white noise of the heights.
    place_px2: variance along each axis of where in the blur a point's light came from, which a
    slope turns into height. Heights are left out that get most of their light from a neighbour, or
    lie beside a point that is not seen. Writes sigma over variance_um2.
    """
    height = np.empty_like(raw_um)
    white = THREE_VARIANCES * blur_px2**2 if floor_um2 is None else 0.0
    constants = np.array([blur_px2, lean * blur_px2, white, floor_um2 or 0.0, place_px2, RIM])
    _mix(raw_um, light, constants.astype(np.float32), height, variance_um2)
    return height, variance_um2


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _mix(raw, light, constants, height, sigma):  # type: ignore[no-untyped-def]
    rows, columns = raw.shape
    variance, lean, white, floor, place, rim = constants
    for y in range(rows):
        up, down = max(y - 1, 0), min(y + 1, rows - 1)
        for x in range(columns):
            left, right = max(x - 1, 0), min(x + 1, columns - 1)
            h, total, own = raw[y, x], sigma[y, x], light[y, x]
            n, s, w, e = raw[up, x], raw[down, x], raw[y, left], raw[y, right]
            corners = raw[up, left] + raw[up, right] + raw[down, left] + raw[down, right]
            bent = ((n + s + w + e) * _TWO + corners) * _QUARTER - h * _THREE
            bn, bs = light[up, x], light[down, x]
            bw, be = light[y, left], light[y, right]
            towards = ((e - w) * (be - bw) + (s - n) * (bs - bn)) * _QUARTER
            moved = variance * (bent * _HALF + towards / own) + lean * (bs - bn) * _HALF / own
            extra = moved * moved - white * total - floor
            strongest = max(max(bn, bs), max(bw, be))
            kept = (bent == bent) & (own > rim * strongest)
            height[y, x] = h if kept else _NAN
            total += extra if extra > _ZERO else _ZERO
            total += ((e - w) * (e - w) + (s - n) * (s - n)) * _QUARTER * place
            sigma[y, x] = np.sqrt(total) if kept else _NAN
