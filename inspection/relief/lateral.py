"""What a height map's sensor does sideways, measured on a step and a block as a user has them.

The blur is that of the edge spread function of a low step (as ISO 12233 takes it from a slanted
edge), turned so that no wall lies along the pixels, at several heights, since a lens is sharp at
one. A low step, beside which no point is lost, tells what happens to gentle relief; of a tall one
the points that are blurred most are not seen, and what is left is sharp. Tall steps that face away
from the lamp tell how far its shadow reaches; the rim is how much narrower than it is a block of
known width looks. All hold for the sensor, not for any part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import cos, exp, hypot, isfinite, log, pi, prod, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.types.heightmap import HeightMap

F64 = NDArray[np.float64]

NEAR_PX = 8.0  # of the edge that is fitted
FEWEST = 50  # points on it
PIXEL_PX2 = 1 / 12  # variance of a pixel's area
LEAST_UM = 1e-3  # of a step
OUTLYING = 4.0  # uncertainties off the parabola from which a step lies in the lamp's shadow
TALL = 2.0  # times the lowest step's rise, from which on a step is a wall
WEAKEST = 0.4  # share of a depth below which it is not told from a narrower, deeper flaw's
GAUSS = 8 * log(2)  # squared full width at half maximum over the variance


class EdgeError(LingnanError):
    """The map shows no edge that a blur could be measured on."""


@dataclass(frozen=True, slots=True)
class Lateral:
    """blur_px2: variance of the blur where it is sharpest, at height focus_um, pixel included;
    u_blur_px2: its standard uncertainty, over directions and heights. defocus_px2_per_um2: by how
    much it grows with the squared distance from there. shade: variance that a wall facing away from
    the lamp adds, over its squared height. rim_px: how far within a wall the part ends for the
    sensor. uneven: share by which the variance is more than told along x, and less along y; what
    projects fringes or a line blurs across them, in focus and out of it. wall_px2: variance beside
    a wall that rises wall_px, that of gentle relief holding up to gentle_px; 0 where no tall step
    was measured."""

    blur_px2: float
    u_blur_px2: float
    rim_px: float = 0.0
    shade: float = 0.0
    focus_um: float = 0.0
    defocus_px2_per_um2: float = 0.0
    uneven: float = 0.0
    wall_px2: float = 0.0
    wall_px: float = 0.0
    gentle_px: float = 0.0

    def at(self, height_um: float) -> Lateral:
        """The same where the surface lies at this height of the sensor's range; where that is not
        known (NaN), as it is in focus."""
        away = height_um - self.focus_um if isfinite(height_um) else 0.0
        here = self.blur_px2 + self.defocus_px2_per_um2 * away**2
        return replace(self, blur_px2=here, focus_um=self.focus_um + away)

    def across(self, angle_rad: float) -> float:
        """Variance of gentle relief's blur, px^2, across what lies at this angle from +x."""
        return self.blur_px2 * (1 - self.uneven * cos(2 * angle_rad))

    def gain(
        self,
        width_px: float,
        length_px: float,
        u_px: float,
        depth_px: float = 0.0,
        angle_rad: float = 0.0,
        is_hollow: bool = False,
    ) -> tuple[float, float]:
        """Depth over what is left of it by the blur, and its standard uncertainty.

        For a flaw of this width, known to u_px, and length at half its depth, and of this depth as
        it was seen; angle_rad: of its length from +x. Its profile is not known: the answer is the
        middle between a flat floor's and a Gaussian's, with the arcsine distribution's uncertainty,
        since either end is likelier than what lies between. Nor is it known how a blur passes from
        that of gentle relief to that beside a wall (the less, the nearer the flaw is to neither),
        nor how much of the lamp's light reaches the floor of a hollow: anything between all of it
        and what a wall in shadow leaves. The wider of these doubts is taken, as a triangular
        distribution. A hollow that ends in a point is deeper than told.
        """
        sides = width_px, length_px
        gentle = self.across(angle_rad), self.across(angle_rad + pi / 2)
        # of a bowl of this depth and width, as far from its floor as the blur reaches
        steep = 4 * depth_px * sqrt(gentle[0]) / max(width_px, 1.0) ** 2
        blur = [self._beside(variance, steep) for variance in gentle]
        more = 1 + self.u_blur_px2 / self.blur_px2
        flat, bell = _flat(sides, blur), _bell(sides, blur)
        middle = (flat + bell) / 2
        dark = self._in_shadow(middle * depth_px, angle_rad) if is_hollow else (0.0, 0.0)
        shaded = _middle(sides, [v + more for v, more in zip(blur, dark, strict=True)]) - middle
        terms = (
            (bell - flat) / sqrt(8),
            _middle(sides, [variance * more for variance in blur]) - middle,
            _middle((max(width_px - u_px, 1.0), length_px), blur) - middle,
            max(self._passing(sides, gentle, steep), shaded) / sqrt(24),
        )
        return middle, hypot(*terms)

    def _in_shadow(self, depth_px: float, angle_rad: float) -> tuple[float, float]:
        """Variance that a hollow's walls may add across its width and along its length: across the
        fringes, or the line, where the blur is uneven and so tells where the lamp stands."""
        added = self.shade * depth_px**2
        if self.uneven == 0:
            return added, 0.0
        along = cos(angle_rad) ** 2 if self.uneven > 0 else sin(angle_rad) ** 2
        return added * (1 - along), added * along

    def _passing(self, sides: Sequence[float], gentle: Sequence[float], steep: float) -> float:
        """How far apart the gains are of gentle relief and of a wall, where neither is at hand."""
        share = self._walled(steep)
        if share in (0.0, 1.0):
            return 0.0
        apart = abs(_middle(sides, gentle) - _middle(sides, (self.wall_px2, self.wall_px2)))
        return 2 * min(share, 1 - share) * apart

    def _beside(self, variance: float, steep: float) -> float:
        """Of a blur where the surface rises `steep` px a pixel: its width lies between those of the
        two steps that were measured."""
        share = self._walled(steep)
        return ((1 - share) * sqrt(variance) + share * sqrt(self.wall_px2)) ** 2

    def _walled(self, steep: float) -> float:
        """How far from the low steps' slope to the tall ones' this one is, 0 to 1, by logarithms;
        slopes as they are seen: a step's rise over the width that the blur gives it."""
        if self.wall_px2 == 0:
            return 0.0
        gentle = self.gentle_px / sqrt(GAUSS * self.blur_px2)
        wall = self.wall_px / sqrt(GAUSS * self.wall_px2)
        if not 0 < gentle < wall:
            return 0.0
        share = log(max(steep, 1e-9) / gentle) / log(wall / gentle)
        return float(min(max(share, 0.0), 1.0))


UNKNOWN = Lateral(1 / 3 + PIXEL_PX2, 0.3)
"""Where nobody has measured it: a blur of 0 to 1 px standard deviation."""


def _middle(sides: Sequence[float], variances: Sequence[float]) -> float:
    return (_flat(sides, variances) + _bell(sides, variances)) / 2


def _flat(sides: Sequence[float], variances: Sequence[float]) -> float:
    """Of a flat floor; exact for a disc, for a groove as near as erf^2 x = 1 - exp(-4 x^2 / pi)."""
    told = zip(sides, variances, strict=True)
    return prod(1 / sqrt(1 - exp(-(side**2) / (8 * _most(side, v)))) for side, v in told)


def _bell(sides: Sequence[float], variances: Sequence[float]) -> float:
    """Of a Gaussian hollow, whose variances the blur adds to."""
    told = zip(sides, variances, strict=True)
    return prod(1 / sqrt(1 - GAUSS * _most(side, v) / side**2) for side, v in told)


def _most(side: float, variance: float) -> float:
    """What was seen so narrow was not blurred by more."""
    return min(variance, (1 - WEAKEST) / GAUSS * side**2)


def lateral(
    steps: Sequence[tuple[HeightMap, float]],
    blocks: Sequence[tuple[HeightMap, float, float]],
    names: Sequence[str] = (),
) -> Lateral:
    """From steps (map, turn of the edge's normal from +x in degrees) and blocks (map, width in um,
    height over the stage in um) whose walls lie along the map's sides.

    The lowest steps tell the blur, those over TALL times as high the walls; directions in which
    the lamp leaves a wall in shadow are outliers, and tell the shade. Low steps at fewer than three
    heights tell no defocus. names: of the steps' maps, then of the blocks', as EdgeError tells the
    one that shows no edge.
    """
    names = names or [f"map {k}" for k in range(1, len(steps) + len(blocks) + 1)]
    spreads, rims = [], []
    for name, step in zip(names[: len(steps)], steps, strict=True):
        with _named(name):
            spreads.append(_edge_spread(*step))
    along = np.array([cos(2 * radians(turn)) for _, turn in steps])
    heights = np.array([one.height_um for one in spreads])
    variances = np.array([one.px**2 for one in spreads])
    rises = np.array([one.rise_px for one in spreads])
    tall = rises > TALL * rises.min()
    low = ~tall
    uneven = _uneven(variances[low], along[low])
    even = variances / (1 + uneven * along)
    blur, focus, defocus = _focus(heights[low], even[low])
    off = even - blur - defocus * (heights - focus) ** 2
    u_blur = float(np.median(np.abs(off[low]))) * 1.4826
    wall = wall_px = gentle = 0.0
    if tall.any():
        wall, wall_px = (float(np.median(of[tall])) for of in (variances, rises))
        off, gentle = variances - wall, float(np.median(rises[low]))
    told = tall if tall.any() else low
    shaded = (off / rises**2)[told & (off > OUTLYING * max(u_blur, PIXEL_PX2))]
    shade = float(np.median(shaded)) if shaded.size else 0.0
    for name, block in zip(names[len(steps) :], blocks, strict=True):
        with _named(name):
            rims.append(_rim(*block))
    rim = float(np.mean(rims))
    return Lateral(blur, u_blur, rim, shade, focus, defocus, uneven, wall, wall_px, gentle)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Puts a map's name before what is wrong with it."""
    try:
        yield
    except EdgeError as error:
        raise EdgeError(f"{name}: {error}") from None


def _uneven(variances: F64, along: F64) -> float:
    """How unlike the variances along x and along y are, -1 to 1, by the lesser half of each: of two
    steps that face each other the lamp leaves at most one in shadow. 0 where an axis is missing."""
    ways = [variances[sign * along > 0.5] for sign in (1, -1)]
    if not all(way.size for way in ways):
        return 0.0
    x, y = (float(np.quantile(way, 0.25)) for way in ways)
    return (x - y) / (x + y)


def _focus(heights_um: F64, variances: F64) -> tuple[float, float, float]:
    """Least variance, the height it lies at, and how it grows: a robust parabola."""
    from scipy.optimize import least_squares

    middle = float(np.median(variances))
    apart = float(np.ptp(heights_um))
    if len(np.unique(np.round(heights_um / max(apart, 1.0), 1))) < 3:
        return middle, float(np.median(heights_um)), 0.0
    at = heights_um / apart

    def misfit(p: F64) -> F64:
        return np.asarray(p[0] + p[2] * (at - p[1]) ** 2 - variances, np.float64)

    bounds = ([PIXEL_PX2, at.min(), 0.0], [np.inf, at.max(), np.inf])
    start = np.array([max(float(np.min(variances)), 2 * PIXEL_PX2), float(np.mean(at)), 1.0])
    found = least_squares(misfit, start, bounds=bounds, loss="cauchy", f_scale=PIXEL_PX2 / 2).x
    return float(found[0]), float(found[1] * apart), float(found[2] / apart**2)


@dataclass(frozen=True, slots=True)
class _Edge:
    """px: standard deviation of the Gaussian whose integral the edge's profile is. rise_px: the
    step's height in pixels. height_um: of its middle."""

    px: float
    rise_px: float
    height_um: float


def _edge_spread(seen: HeightMap, turn_deg: float) -> _Edge:
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
    base, rise, _, width = (float(v) for v in fitted.x)
    off = np.asarray(fitted.fun, np.float64)
    if abs(rise) <= OUTLYING * float(np.median(np.abs(off))) or abs(rise) < LEAST_UM:
        raise EdgeError("the step is none: the map shows no rise at its middle")
    return _Edge(width, abs(rise) / seen.um_per_px, base + rise / 2)


def _rim(seen: HeightMap, width_um: float, height_um: float) -> float:
    """Half of what is missing of a block's width and of its length, px."""
    low = float(np.nanquantile(seen.height_um, 0.02))
    part = seen.height_um > low + height_um / 2
    middle = [n // 2 for n in part.shape]
    sides = part[middle[0]].sum(), part[:, middle[1]].sum()
    if min(sides) < FEWEST / 10:
        raise EdgeError("no block stands out of the stage in the middle of the map")
    return float((width_um / seen.um_per_px - np.mean(sides)) / 2)
