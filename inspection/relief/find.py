"""Where the residual leaves its own noise: matched filters over scales, finest first.

At every scale the residual is smoothed over what was seen (normalised convolution, Knutsson and
Westin 1993) and its surroundings, clipped so that a flaw has little say, are subtracted. The
response is judged in units of its own local noise. The threshold follows from how many false finds
a map may have by chance; nothing is tuned on flaws. What a scale has found is taken out before the
next coarser one looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
U8 = NDArray[np.uint8]

FALSE_FINDS = 1e-3  # a map, by chance, were the noise normal beyond its 1 % tail
GROW_SIGMAS = 3.0  # a find reaches as far as this around what is over the threshold
LEVELS = 5  # smoothing of 1, 2, 4, 8, 16 px: features of about 2 to 60 px
SURROUND = 2  # levels between the middle's smoothing and its surroundings'
CLIP_SIGMAS = 3.0
BLOCK = 32  # px of a level a noise estimate covers
SAMPLE = 2  # every so many of them
FEWEST = 40  # samples that a block's own noise needs
TAIL = 0.98
QUIETER = 0.25  # of the blocks: those without flaws
LINK = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
FILLED = 1  # what is linked is 255
WHITE_LEFT = 0.45  # of a response's deviation at the next scale, where the noise is white
SQUARE = np.ones((3, 3), np.uint8)
NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
SPIKE_SIGMAS = 4.0
MAD = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A find.

    box_px: x0, y0, x1, y1, exclusive edges. mask: of the box's size, True on the find.
    sign: +1 over the form, -1 under it. snr: largest response in units of its noise.
    scale_px: smoothing at which it was found.
    """

    box_px: tuple[int, int, int, int]
    mask: Mask
    sign: int
    snr: float
    scale_px: float


def find(residual_um: F32, mask: Mask, false_finds: float = FALSE_FINDS) -> list[Candidate]:
    """All finds in (H, W) `residual_um` where `mask` holds; NaN was not seen."""
    seen = mask & np.isfinite(residual_um)
    if not seen.any():
        return []
    found: list[Candidate] = []
    values = cv2.copyTo(residual_um, seen.view(np.uint8))  # elsewhere 0
    seen &= ~spikes(values, _spread(values[seen]))
    weight = seen.astype(np.float32)
    noise: F32 | None = None
    for level in range(LEVELS):
        if min(values.shape) < 4 << SURROUND:
            break
        z, there = _response(values, weight)
        noise = _local_noise(z, there, noise)
        z /= noise
        cells = max(cv2.countNonZero(there.view(np.uint8)) / (2 * pi), 1.0)
        limit = -float(ndtri(false_finds / (2 * cells * LEVELS)))
        hot = cv2.compare(z, limit, cv2.CMP_GT)
        hot |= cv2.compare(z, -limit, cv2.CMP_LT)
        if cv2.countNonZero(hot):
            here = _regions(z, hot, 1 << level, residual_um.shape)
            found.extend(c for c in here if not _is_skirt(c, found, 2 << level))
            _take_out(weight, here, 1 << level)
        values *= weight
        values, weight = cv2.pyrDown(values), cv2.pyrDown(weight)
        values = np.divide(values, weight, out=np.zeros_like(values), where=weight > 1e-3)
    return found


def spikes(values: F32, spread: float) -> Mask:
    """(H, W), True where a single pixel leaves all its neighbours: the sensor's doing, no flaw's.

    A flaw of one pixel cannot be told from a spike, and is not.
    """
    limit = SPIKE_SIGMAS * spread
    over = cv2.dilate(values, NEIGHBOURS)
    over += limit
    under = cv2.erode(values, NEIGHBOURS)
    under -= limit
    return np.asarray((values > over) | (values < under), np.bool_)


def _response(values: F32, weight: F32) -> tuple[F32, Mask]:
    """Middle less surroundings, and where it is known: where most of the middle was seen."""
    seen = cv2.GaussianBlur(weight, (0, 0), 1.0)
    far = values * weight
    middle = cv2.GaussianBlur(far, (0, 0), 1.0)
    there = (seen > 0.3) & (weight > 0.2)
    middle /= np.maximum(seen, 1e-3, out=seen)
    spread = CLIP_SIGMAS * _spread(values[weight > 0.5])
    np.clip(values, -spread, spread, out=far)
    far *= weight
    far_seen = weight
    for _ in range(SURROUND):
        far, far_seen = cv2.pyrDown(far), cv2.pyrDown(far_seen)
    far = cv2.GaussianBlur(far, (0, 0), 1.0)
    far = far / np.maximum(cv2.GaussianBlur(far_seen, (0, 0), 1.0), 1e-3)
    middle -= cv2.resize(far, values.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.copyTo(middle, there.view(np.uint8)), np.float32), there


def _local_noise(response: F32, there: Mask, finer: F32 | None) -> F32:
    """(H, W) standard deviation of the response by noise alone, smooth over blocks.

    It is the blocks' median absolute deviation, widened by as much as the tail of the
    quieter blocks is heavier than a normal one's: texture is seldom normal, flaws are few. Nor is
    it less than white noise would leave of the `finer` scale's, which knows it in more places.
    """
    ordered, count = _blocks(response, there)
    overall = _spread(response[there])
    known = count >= FEWEST
    noise = np.where(known, MAD * _ranked(ordered, count, 0.5), overall)
    noise = np.clip(noise, 0.5 * overall, 3 * overall).astype(np.float32)
    heavier = 1.0
    if known.any():
        tail = _ranked(ordered, count, TAIL) / noise / float(ndtri((1 + TAIL) / 2))
        heavier = max(1.0, float(np.quantile(tail[known], QUIETER)))
    noise = cv2.medianBlur(np.pad(noise * np.float32(heavier), 1, mode="edge"), 3)[1:-1, 1:-1]
    noise = cv2.dilate(noise, SQUARE)  # beside rough ground, quiet ground is judged as rough
    smooth = cv2.resize(noise, response.shape[::-1], interpolation=cv2.INTER_LINEAR)
    if finer is not None:
        left = cv2.resize(finer, response.shape[::-1], interpolation=cv2.INTER_AREA)
        smooth = np.maximum(smooth, left * np.float32(WHITE_LEFT))
    return np.asarray(smooth, np.float32)


def _blocks(response: F32, there: Mask) -> tuple[F32, NDArray[np.int64]]:
    """Magnitudes in every block, ascending, (rows, columns, n); how many of them were seen."""
    height, width = response.shape
    block = max(8, min(BLOCK, height, width)) & ~1
    rows, columns = height // block, width // block
    crop = np.s_[: rows * block : SAMPLE, : columns * block : SAMPLE]
    values = np.where(there[crop], np.abs(response[crop]), np.float32(np.inf))
    side = block // SAMPLE
    tiles = values.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(rows, columns, -1)
    return np.sort(tiles, axis=-1), np.isfinite(tiles).sum(-1)


def _ranked(ordered: F32, count: NDArray[np.int64], share: float) -> F32:
    """The quantile of each block, 0 where nothing was seen."""
    at = np.minimum((count * share).astype(np.int64), np.maximum(count - 1, 0))
    values = np.take_along_axis(ordered, at[..., None], -1)[..., 0]
    return np.where(count > 0, values, np.float32(0))


def _regions(z: F32, hot: U8, step: int, shape: tuple[int, ...]) -> list[Candidate]:
    """Connected finds of one level, in pixels of the full map.

    Only what hangs together with a seed is filled: most that is warm is noise.
    """
    found = []
    for sign, beyond in ((1, cv2.CMP_GT), (-1, cv2.CMP_LT)):
        warm = cv2.compare(z, sign * GROW_SIGMAS, beyond)
        seeds = cv2.findNonZero(hot & warm)
        if seeds is None:
            continue
        linked = cv2.dilate(warm, LINK)
        columns, rows = seeds.reshape(-1, 2).T
        while rows.size:
            _, _, _, box = cv2.floodFill(
                linked, None, (int(columns[0]), int(rows[0])), FILLED, flags=8
            )
            x, y, width, height = box
            window = np.s_[y : y + height, x : x + width]
            filled = linked[window] == FILLED
            part = filled & (warm[window] > 0)
            snr = float((z[window] * sign)[part].max())
            found.append(_candidate(part, (x, y), step, shape, sign, snr))
            linked[window][filled] = 0
            left = linked[rows, columns] > 0
            rows, columns = rows[left], columns[left]
    return found


def _candidate(
    part: Mask, at: tuple[int, int], step: int, shape: tuple[int, ...], sign: int, snr: float
) -> Candidate:
    """A component of a level, its mask enlarged to the full map's pixels and cut tight."""
    if step > 1:
        large = cv2.resize(part.astype(np.uint8), None, fx=step, fy=step, interpolation=0)
        large = large[: shape[0] - at[1] * step, : shape[1] - at[0] * step]
        part = large > 0
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    x0, y0 = at[0] * step + int(columns[0]), at[1] * step + int(rows[0])
    tight = part[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = (x0, y0, x0 + tight.shape[1], y0 + tight.shape[0])
    return Candidate(box, tight, sign, snr, float(step))


def _is_skirt(candidate: Candidate, found: list[Candidate], near_px: int) -> bool:
    """Whether it only surrounds what a finer scale has found: a flaw's gentle slope."""
    x0, y0, x1, y1 = candidate.box_px
    for other in found:
        a0, b0, a1, b1 = other.box_px
        left, top = max(a0 - near_px, x0), max(b0 - near_px, y0)
        right, bottom = min(a1 + near_px, x1), min(b1 + near_px, y1)
        if other.sign != candidate.sign or left >= right or top >= bottom:
            continue
        if candidate.mask[top - y0 : bottom - y0, left - x0 : right - x0].any():
            return True
    return False


def _take_out(weight: F32, found: list[Candidate], step: int) -> None:
    """Set the weight of what was found, and a little around it, to 0."""
    for candidate in found:
        x0, y0, x1, y1 = (v // step for v in candidate.box_px)
        grow = 3
        window = np.s_[max(y0 - grow, 0) : y1 + grow + 1, max(x0 - grow, 0) : x1 + grow + 1]
        small = cv2.resize(
            candidate.mask.astype(np.uint8), (max(x1 - x0, 1), max(y1 - y0, 1)), interpolation=0
        )
        canvas = np.zeros(weight.shape, np.uint8)[window]
        top, left = y0 - max(y0 - grow, 0), x0 - max(x0 - grow, 0)
        fit = canvas[top : top + small.shape[0], left : left + small.shape[1]]
        fit[:] = small[: fit.shape[0], : fit.shape[1]]
        grown = cv2.dilate(np.ascontiguousarray(canvas), np.ones((2 * grow + 1,) * 2, np.uint8))
        weight[window][grown > 0] = 0


def _spread(values: F32) -> float:
    """Robust standard deviation of up to some 20,000 of the values, never 0."""
    if values.size == 0:
        return 1e-6
    some = values[:: max(1, values.size // 20_000)]
    middle = some.size // 2
    return max(MAD * float(np.partition(np.abs(some), middle)[middle]), 1e-6)
