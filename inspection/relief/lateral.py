"""What a height map's sensor does sideways, measured on a step and a block as a user has them.

The blur is that of the edge spread function of a low step (as ISO 12233 takes it from a slanted
edge), turned so that no wall lies along the pixels; the rim is how much narrower than it is a block
of known width looks, since points beside a wall are not seen. Both hold for the sensor, not for
any part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, log, radians, sin

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.types.heightmap import HeightMap

F64 = NDArray[np.float64]

NEAR_PX = 8.0  # of the edge that is fitted
FEWEST = 50  # points on it
PIXEL_PX2 = 1 / 12  # variance of a pixel's area
WEAKEST = 0.4  # share of a depth below which it is not told from a narrower, deeper flaw's
GAUSS = 8 * log(2)  # squared full width at half maximum over the variance


class EdgeError(LingnanError):
    """The map shows no edge that a blur could be measured on."""


@dataclass(frozen=True, slots=True)
class Lateral:
    """blur_px2: variance of the blur, pixel included; u_blur_px2: its standard uncertainty, over
    directions and heights. rim_px: how far within a wall the part ends for the sensor."""

    blur_px2: float
    u_blur_px2: float
    rim_px: float = 0.0

    def gain(self, width_px: float, length_px: float, u_px: float) -> tuple[float, float]:
        """Depth over what is left of it by the blur, and its standard uncertainty.

        For a flaw of this width and length at half its depth, each known to u_px. Its profile is
        not known: the answer is the middle between a flat floor's and a Gaussian's, with the
        arcsine distribution's uncertainty, since either end is likelier than what lies between. A
        hollow that ends in a point is deeper than told.
        """
        sides = (width_px, length_px)
        flat, bell = _flat(sides, self.blur_px2), _bell(sides, self.blur_px2)
        middle = (flat + bell) / 2
        wider = self.blur_px2 + self.u_blur_px2
        blur = (_flat(sides, wider) + _bell(sides, wider)) / 2 - middle
        narrow = tuple(max(side - u_px, 1.0) for side in sides)
        edge = (_flat(narrow, self.blur_px2) + _bell(narrow, self.blur_px2)) / 2 - middle
        return middle, float(np.sqrt((bell - flat) ** 2 / 8 + blur**2 + edge**2))


UNKNOWN = Lateral(1 / 3 + PIXEL_PX2, 0.3)
"""Where nobody has measured it: a blur of 0 to 1 px standard deviation."""


def _flat(sides: tuple[float, ...], variance: float) -> float:
    """Of a flat floor; exact for a disc, for a groove as near as erf^2 x = 1 - exp(-4 x^2 / pi)."""
    return float(np.prod([1 / np.sqrt(1 - np.exp(-(s**2) / (8 * variance))) for s in sides]))


def _bell(sides: tuple[float, ...], variance: float) -> float:
    """Of a Gaussian hollow, whose variances the blur adds to."""
    left = [max(1 - GAUSS * variance / s**2, WEAKEST) for s in sides]
    return float(np.prod([1 / np.sqrt(share) for share in left]))


def lateral(
    steps: Sequence[tuple[HeightMap, float]], blocks: Sequence[tuple[HeightMap, float, float]]
) -> Lateral:
    """From steps (map, turn of the edge's normal from +x in degrees) and blocks (map, width in um,
    height over the stage in um) whose walls lie along the map's sides.

    Directions in which the lamp leaves the wall in shadow are outliers: the blur is the median
    over the steps. EdgeError where a map shows no edge.
    """
    variances = np.array([_edge_spread(seen, turn) ** 2 for seen, turn in steps])
    rims = [_rim(*block) for block in blocks]
    blur = float(np.median(variances))
    off = float(np.median(np.abs(variances - blur))) * 1.4826
    return Lateral(blur, off, float(np.mean(rims)))


def _edge_spread(seen: HeightMap, turn_deg: float) -> float:
    """Standard deviation of the Gaussian whose integral the edge's profile is, px."""
    from scipy.optimize import least_squares
    from scipy.special import ndtr

    rows, columns = seen.height_um.shape
    y, x = np.mgrid[:rows, :columns] - np.array([(rows - 1) / 2, (columns - 1) / 2])[:, None, None]
    across = x * cos(radians(turn_deg)) + y * sin(radians(turn_deg))
    near = (np.abs(across) < NEAR_PX) & (np.hypot(x, y) < 0.45 * min(rows, columns)) & seen.valid
    if np.count_nonzero(near) < FEWEST:
        raise EdgeError("the step is hardly seen: put its edge through the middle of the map")
    at, height = across[near], seen.height_um[near].astype(np.float64)
    low, high = np.quantile(height, [0.1, 0.9])

    def misfit(p: F64) -> F64:
        return np.asarray(p[0] + p[1] * ndtr((at - p[2]) / p[3]) - height, np.float64)

    start = np.array([low, high - low, 0.0, 1.0])
    bounds = ([-np.inf, -np.inf, -NEAR_PX, 0.05], [np.inf, np.inf, NEAR_PX, NEAR_PX])
    fitted = least_squares(misfit, start, bounds=bounds, loss="soft_l1", f_scale=1.0)
    return float(fitted.x[3])


def _rim(seen: HeightMap, width_um: float, height_um: float) -> float:
    """Half of what is missing of a block's width and of its length, px."""
    low = float(np.nanquantile(seen.height_um, 0.02))
    part = seen.height_um > low + height_um / 2
    middle = [n // 2 for n in part.shape]
    sides = part[middle[0]].sum(), part[:, middle[1]].sum()
    if min(sides) < FEWEST / 10:
        raise EdgeError("no block stands out of the stage in the middle of the map")
    return float((width_um / seen.um_per_px - np.mean(sides)) / 2)
