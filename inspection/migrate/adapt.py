"""A frame of one station as another would have taken it.

Everything but these passes over the pixels is worked out beforehand: a table where the camera's
response is bent, a small separable filter where sharpness differs and noise allows it, one
resampling through fixed-point maps, one gain and one offset a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.migrate.errors import CalibrationError
from inspection.migrate.photometry import PLAIN_RESPONSE, linear
from inspection.migrate.survey import Survey

Frame = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

TAPS = 3  # to either side of the filter's middle
NOISIER = 1.05  # what a measured noise may be off
PLAIN_FILTER = 0.05  # a middle tap so near to one is not worth its pass
LEAST_SEEN = 1.0  # share of the job's field that the station must see


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """Makes frames of `here` into frames of `there`; both surveys of one job.

    kernel: the sharpness filter. noise_dn: of a pixel of an adapted good part, at most.
    """

    here: Survey
    there: Survey
    kernel: F64
    noise_dn: float
    _maps: tuple[NDArray[np.int16], NDArray[np.uint16]]
    _gain: F32
    _offset: F32
    _table: NDArray[np.uint8] | None
    _back: F32

    def __call__(self, frame: Frame) -> Frame:
        """(H', W') uint8 of `there` from a frame (H, W) of `here`; of three channels likewise.

        ValueError when the frame is not of this camera.
        """
        if frame.shape[:2] != self.here.geometry.shape_px or frame.dtype != np.uint8:
            shape = self.here.geometry.shape_px
            raise ValueError(f"this job's station takes frames of {shape}, got {frame.shape}")
        if frame.ndim == 3:
            return np.dstack([self(np.ascontiguousarray(plane)) for plane in cv2.split(frame)])
        if self._table is not None:
            frame = np.asarray(cv2.LUT(frame, self._table), np.uint8)
        if abs(self.kernel[TAPS] - 1) > PLAIN_FILTER:
            frame = np.asarray(cv2.sepFilter2D(frame, -1, self.kernel, self.kernel), np.uint8)
        moved = cv2.remap(frame, *self._maps, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
        scaled = cv2.multiply(moved, self._gain, dtype=cv2.CV_32F)
        return np.asarray(cv2.add(scaled, self._offset, dtype=cv2.CV_8U), np.uint8)

    def boxes_here(self, boxes_px: F32) -> F32:
        """Boxes (N, 4) x0 y0 x1 y1 of the job's grid, around the same things in the frame."""
        if not len(boxes_px):
            return boxes_px
        x0, y0, x1, y1 = boxes_px.astype(np.float64).T
        corners = np.stack([[x0, y0], [x1, y0], [x0, y1], [x1, y1]]).transpose(2, 0, 1) - 0.5
        at = crossed(self.there, self.here, corners) + 0.5
        height, width = self.here.geometry.shape_px
        low = np.clip(at.min(axis=1), 0, (width, height))
        return np.concatenate([low, np.clip(at.max(axis=1), 0, (width, height))], axis=1).astype(
            np.float32
        )

    def map_here(self, score_map: F32) -> F32:
        """A map on the job's grid, (H', W'), on the frame's (H, W); its least where none was."""
        outside = float(score_map.min())
        x, y = self._back[..., 0], self._back[..., 1]
        border = cv2.BORDER_CONSTANT
        moved = cv2.remap(score_map, x, y, cv2.INTER_NEAREST, None, border, outside)
        return np.asarray(moved, np.float32)


def adapter(here: Survey, there: Survey) -> Adapter:
    """CalibrationError when `here` does not see the whole field that the job looks at, or `there`
    has a bent response, which frames would have to be bent back to."""
    if abs(there.photometry.response - 1) > PLAIN_RESPONSE:
        bend = f"{there.photometry.response:.3f}"
        raise CalibrationError(
            f"the job was taught on a camera whose response is bent ({bend}): switch its "
            "gamma off, and teach and survey the job again"
        )
    height, width = there.geometry.shape_px
    at = crossed(there, here, grid(height, width)).astype(np.float32)
    seen = _inside(at, here.geometry.shape_px)
    if seen < LEAST_SEEN:
        raise CalibrationError(
            f"this station sees {seen:.1%} of the field that the job looks at: move the camera "
            "over the part's nest, or take a lens with a wider field"
        )
    maps = cv2.convertMaps(at[..., 0], at[..., 1], cv2.CV_16SC2)
    light = cv2.remap(here.falloff(), at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    scale = there.level_dn / here.level_dn
    gain = (scale * there.falloff() / light).astype(np.float32)
    offset = (there.photometry.black_dn - here.photometry.black_dn * gain).astype(np.float32)
    kernel, passed = sharpness(here, there, scale)
    back = crossed(here, there, grid(*here.geometry.shape_px)).astype(np.float32)
    return Adapter(
        here,
        there,
        kernel,
        float(scale * here.noise_dn * passed),
        (maps[0], maps[1]),
        np.ascontiguousarray(gain),
        np.ascontiguousarray(offset),
        linear(here.photometry.response, here.photometry.black_dn, 255.0),
        back,
    )


def crossed(source: Survey, to: Survey, at_px: F64) -> F64:
    """Pixels of one station at pixels (..., 2) of another: through the target's plane."""
    return to.geometry.to_px(source.geometry.to_um(at_px))


def grid(height: int, width: int) -> F64:
    """(height, width, 2) x and y of every pixel."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    return np.stack([x, y], axis=-1)


def sharpness(here: Survey, there: Survey, scale: float) -> tuple[F64, float]:
    """The filter's taps (2 TAPS + 1,), and the most that filter and resampling leave of noise.

    Least squares over the frequencies of `here`, so that blur here, filter and resampling together
    make the blur there. What it costs is noise: the penalty on the taps is the smallest of a
    ladder with which no pixel of the adapted frame is noisier than one of `there`, or than one of
    `here` where that is noisier already. Resampling averages noise between pixels only, so the
    noisiest are those that fall onto one. Beyond that noise there is nothing to win: what sharpness
    adds to the scores of faint points it adds more than once over to those of good parts.
    """
    um = here.geometry.um_per_px
    f = np.linspace(0, 0.5, 65)
    blur_here, blur_there = (
        np.exp(-2 * (np.pi * f * s.photometry.blur_um / um) ** 2) for s in (here, there)
    )
    # in the mean over where between two pixels a new one falls, and along one axis
    resampled = (2 + np.cos(2 * np.pi * f)) / 3
    basis = np.stack([np.ones_like(f), *(2 * np.cos(2 * np.pi * k * f) for k in _lags())], axis=1)
    system = basis * (blur_here * resampled)[:, None]
    budget = max(there.noise_dn / max(scale * here.noise_dn, 1e-6), 1.0)
    for penalty in np.geomspace(1e-4, 1e3, 43):
        half = _taps(system, blur_there, float(penalty))
        kernel = np.concatenate([half[:0:-1], half])
        passed = float(kernel @ kernel)  # the square root of its square, over both axes
        if passed <= budget * NOISIER:
            break
    return kernel, passed


def _lags() -> range:
    return range(1, TAPS + 1)


def _taps(system: F64, wanted: F64, penalty: float) -> F64:
    """Ridge towards no filter at all, with a sum of one: a flat frame stays as it is."""
    plain = np.zeros(TAPS + 1)
    plain[0] = 1
    free = system[:, 1:] - 2 * system[:, :1]  # the middle tap is one less twice the others
    left = wanted - system[:, 0]
    side = np.linalg.solve(
        free.T @ free / len(wanted) + penalty * np.eye(TAPS), free.T @ left / len(wanted)
    )
    return np.concatenate([[1 - 2 * side.sum()], side])


def _inside(at: F32, shape: tuple[int, int]) -> float:
    x, y = at[..., 0], at[..., 1]
    good = (x >= -0.5) & (x <= shape[1] - 0.5) & (y >= -0.5) & (y <= shape[0] - 0.5)
    return float(good.mean())
