"""Phase by N-step phase shifting, and its fringe order by coarser fringes.

A pixel that sees A + B cos(phi - 2 pi n / N) in frame n has
phi = atan2(sum I_n sin(2 pi n / N), sum I_n cos(2 pi n / N)) (Bruning et al. 1974, Appl. Opt. 13,
2693). Frames of standard deviation s give sigma_phi = sqrt(2 / N) s / B. Of the harmonics that a
projector's gamma adds, those of order k N - 1 and k N + 1 alone reach phi. Coarse to fine, each
phase tells the order of the next (Huntley and Saldner 1993, Appl. Opt. 32, 3047).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.jit import njit
from inspection.relief.mixing import FAST

F32 = NDArray[np.float32]

_TURN = np.float32(2 * pi)
_PER_TURN = np.float32(1 / (2 * pi))
_PI, _HALF_PI = np.float32(pi), np.float32(pi / 2)
_HALF, _ONE, _ZERO, _TINY = np.float32(0.5), np.float32(1), np.float32(0), np.float32(1e-20)
# atan(t) / t on [0, 1] in t^2, least squares on Chebyshev points: error below 3e-7 rad
_ATAN = np.polynomial.Polynomial.fit(
    (_T := (np.cos(np.linspace(0, pi, 4001)) + 1) / 2 + 1e-9) ** 2, np.arctan(_T) / _T, 8
).convert()
_A0, _A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8 = (np.float32(c) for c in _ATAN.coef)


@dataclass(frozen=True, slots=True)
class Fringes:
    """What is projected, coarse to fine: fringes across the projector, and steps of each.

    The coarsest is one fringe or less, so that its phase needs no order.
    """

    counts: tuple[float, ...] = (1, 8, 64)
    steps: tuple[int, ...] = (4, 4, 4)

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.steps) or not self.counts:
            raise ValueError(f"{len(self.counts)} fringe counts for {len(self.steps)} step counts")
        if min(self.steps) < 3 or self.counts[0] > 1 or self.counts[0] <= 0:
            raise ValueError("at least 3 steps each, and at most one fringe in the coarsest")
        if any(b <= a for a, b in zip(self.counts, self.counts[1:], strict=False)):
            raise ValueError(f"fringe counts must rise, got {self.counts}")

    @property
    def frames(self) -> int:
        """How many frames are taken."""
        return sum(self.steps)

    @property
    def shifts(self) -> F32:
        """(frames,) phase shift of each frame, rad."""
        return np.concatenate([2 * pi * np.arange(n) / n for n in self.steps]).astype(np.float32)

    def patterns(self, columns: int) -> NDArray[np.uint8]:
        """(frames, columns) codes 0..255 for a projector of so many columns."""
        u = (np.arange(columns) + 0.5) / columns
        rows = [
            127.5 + 127.5 * np.cos(2 * pi * (count * u - n / steps))
            for count, steps in zip(self.counts, self.steps, strict=True)
            for n in range(steps)
        ]
        return np.rint(rows).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """(H, W) float32 each, of the finest fringes.

    phase_rad: over all fringes, from 0 at the projector's first column. modulation_dn: B, mean_dn:
    A + black level, of the finest fringes. brightest_dn: of any frame. misfit: 0 to 1, how far the
    coarser phase was off the fringe that was chosen, the worst level; 1 is halfway to the next.
    """

    phase_rad: F32
    modulation_dn: F32
    mean_dn: F32
    brightest_dn: F32
    misfit: F32


def decode(frames: NDArray[Any], fringes: Fringes) -> Phase:
    """Phase of (frames, H, W) uint8 or uint16."""
    count, height, width = frames.shape
    if count != fringes.frames:
        raise ValueError(f"{count} frames, the fringes take {fringes.frames}")
    out = [np.empty((height, width), np.float32) for _ in range(5)]
    _decode(np.ascontiguousarray(frames), *tables(fringes), *out)
    return Phase(*out)


def tables(fringes: Fringes) -> tuple[NDArray[np.int64], F32, F32, F32]:
    """What the kernels read: first frame of each level, sine and cosine weights, fringe counts."""
    first = np.concatenate([[0], np.cumsum(fringes.steps)]).astype(np.int64)
    share = np.repeat([2 / n for n in fringes.steps], fringes.steps)
    shifts = fringes.shifts.astype(np.float64)
    sine, cosine = (np.asarray(share * f(shifts), np.float32) for f in (np.sin, np.cos))
    return first, sine, cosine, np.asarray(fringes.counts, np.float32)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _decode(frames, first, sine, cosine, counts, phase, modulation, mean, brightest, misfit):  # type: ignore[no-untyped-def]
    s, c = np.empty(frames.shape[2], np.float32), np.empty(frames.shape[2], np.float32)
    for row in range(frames.shape[1]):
        decode_row(
            frames, row, first, sine, cosine, counts, s, c,
            phase[row], modulation[row], mean[row], brightest[row], misfit[row],
        )  # fmt: skip


@njit(cache=True, fastmath=FAST, error_model="numpy", inline="always")
def decode_row(frames, row, first, sine, cosine, counts, s, c, phase, mod, mean, top, off):  # type: ignore[no-untyped-def]
    """One row of `decode` into rows; s and c are scratch. Loops over x run in vector registers."""
    width = frames.shape[2]
    for x in range(width):
        top[x], off[x] = _ZERO, _ZERO
    for level in range(counts.size):
        for x in range(width):
            s[x], c[x], mean[x] = _ZERO, _ZERO, _ZERO
        for f in range(first[level], first[level + 1]):
            ws, wc, line = sine[f], cosine[f], frames[f, row]
            for x in range(width):
                value = np.float32(line[x])
                s[x] += ws * value
                c[x] += wc * value
                mean[x] += value
                top[x] = max(top[x], value)
        if level == 0:
            for x in range(width):
                angle = arctan2(s[x], c[x])
                phase[x] = angle + (_TURN if angle < _ZERO else _ZERO)
        else:
            ratio = counts[level] / counts[level - 1]
            for x in range(width):
                angle, rough = arctan2(s[x], c[x]), phase[x] * ratio
                turns = (rough - angle) * _PER_TURN
                order = np.floor(turns + _HALF)
                off[x] = max(off[x], abs(turns - order))
                phase[x] = angle + order * _TURN
    share = _ONE / np.float32(first[counts.size] - first[counts.size - 1])
    for x in range(width):
        mod[x] = np.sqrt(s[x] * s[x] + c[x] * c[x])
        mean[x] *= share
        off[x] *= np.float32(2)


@njit(cache=True, fastmath=FAST, error_model="numpy", inline="always")
def arctan2(y, x):  # type: ignore[no-untyped-def]
    """The angle of (x, y) in float32, branch-free; within 4e-7 rad."""
    ay, ax = abs(y), abs(x)
    t = min(ax, ay) / (max(ax, ay) + _TINY)
    q = t * t
    low = _A0 + q * (_A1 + q * (_A2 + q * (_A3 + q * _A4)))
    high = _A5 + q * (_A6 + q * (_A7 + q * _A8))
    q2 = q * q
    angle = t * (low + q2 * q2 * q * high)
    angle = _HALF_PI - angle if ay > ax else angle
    angle = _PI - angle if x < _ZERO else angle
    return -angle if y < _ZERO else angle
