"""A known defect of one station as another would show it, from what was measured of both.

Its picture is brought to relative light by the one station's black level, level and falloff,
blurred by what the other's lens is softer, seen where the other's pixels look, and given the other
station's level, black level, response and noise. Only what lamps in other places would make of it
is not known: that, good parts tell.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.migrate.adapt import crossed
from inspection.migrate.known import Known
from inspection.migrate.survey import Survey

Frame = NDArray[np.uint8]
F64 = NDArray[np.float64]

LEAST_BLUR_PX = 0.05  # less is not worth a pass
RIM = 2.0  # pixels of the picture's border that are not shown: its blur and resampling end there


def planted(
    frame: Frame, known: Known, here: Survey, home: Survey, rng: np.random.Generator
) -> Frame:
    """A good part's frame (H, W) of the station `here`, with the picture of `known`, which the
    station `home` took, in its place."""
    rows, columns = _around(known, here, home)
    grid = np.stack(
        np.meshgrid(
            np.arange(columns.start, columns.stop, dtype=np.float64),
            np.arange(rows.start, rows.stop, dtype=np.float64),
        ),
        axis=-1,
    )
    at = crossed(here, home, grid) - (known.x, known.y)
    height, width = known.picture.shape
    x, y = at[..., 0], at[..., 1]
    seen = (x >= RIM) & (y >= RIM) & (x <= width - 1 - RIM) & (y <= height - 1 - RIM)
    light, variance = _light(known, home)
    blur_px = np.sqrt(max(here.photometry.blur_um**2 - home.photometry.blur_um**2, 0.0))
    blur_px /= home.geometry.um_per_px
    if blur_px > LEAST_BLUR_PX:
        light = cv2.GaussianBlur(light, (0, 0), blur_px)
        variance = variance * _passed(blur_px)
    maps = (x.astype(np.float32), y.astype(np.float32))
    light = np.maximum(cv2.remap(light, *maps, cv2.INTER_CUBIC), 0)
    variance = np.maximum(cv2.remap(variance, *maps, cv2.INTER_LINEAR), 0)
    level = here.level_dn * _falloff(here)[rows, columns]
    wanted = here.photometry.gain_dn_per_e * level * light + here.photometry.floor_dn2
    lacking = np.maximum(wanted - variance * level**2, 0)
    shown = level * light + np.sqrt(lacking) * rng.standard_normal(light.shape)
    out = frame.copy()
    told = np.clip(np.rint(_bent(shown, here)), 0, 255).astype(np.uint8)
    out[rows, columns][seen] = told[seen]
    return out


def _around(known: Known, here: Survey, home: Survey) -> tuple[slice, slice]:
    """Rows and columns of a frame of `here` that hold the picture's corners."""
    height, width = known.picture.shape
    left, top = known.x, known.y
    corners = np.array([(x, y) for x in (left, left + width) for y in (top, top + height)], float)
    at = crossed(home, here, corners)
    low, high = np.floor(at.min(axis=0)).astype(int), np.ceil(at.max(axis=0)).astype(int) + 1
    rows, columns = here.geometry.shape_px
    low, high = np.clip(low, 0, None), np.minimum(high, (columns, rows))
    return slice(low[1], high[1]), slice(low[0], high[0])


def _light(known: Known, home: Survey) -> tuple[F64, F64]:
    """Relative light of the picture, 1 where a good part's median is, and its noise's variance."""
    height, width = known.picture.shape
    falloff = _falloff(home)[known.y : known.y + height, known.x : known.x + width]
    above = known.picture.astype(np.float64) - home.photometry.black_dn
    level = home.level_dn * falloff.astype(np.float64)
    noise = home.photometry.gain_dn_per_e * np.maximum(above, 0) + home.photometry.floor_dn2
    return above / level, np.maximum(noise, 0) / level**2


@lru_cache(maxsize=4)
def _falloff(station: Survey) -> NDArray[np.float32]:
    """Of the whole frame: every defect of a job asks for the same two."""
    return station.falloff()


def _passed(sigma_px: float) -> float:
    """What a Gaussian filter passes of the variance of noise."""
    half = cv2.getGaussianKernel(2 * int(np.ceil(4 * sigma_px)) + 1, sigma_px).ravel()
    return float((half @ half) ** 2)


def _bent(above: F64, here: Survey) -> F64:
    """Digital numbers of light above black, as the station's response gives them (`linear`)."""
    black, response = here.photometry.black_dn, here.photometry.response
    white = max(255.0 - black, 1.0)
    share = np.maximum(above, 0) / white
    return np.asarray(black + white * share**response, np.float64)
