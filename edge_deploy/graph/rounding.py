"""How ONNX Runtime rounds: its float32 arithmetic between integer layers, value for value.

From the kernels of its CPU provider on x86-64 with AVX2 and FMA. An accumulator is converted to
float32, multiplied by the channel's scale, rounded to the nearest integer (ties to even), moved by
the zero point and clamped. `tests/edge_deploy` holds every function here against the runtime.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_deploy.graph.ir import Rescale

SUM_EXACT_RATIO = 2.0**-20  # below, a double no longer holds the sum of an Add before rounding


def rescaled(accumulator: NDArray[Any], rescale: Rescale, axis: int = 0) -> NDArray[np.uint8]:
    """Integer accumulators with the output channels along `axis`, to uint8."""
    shape = [1] * accumulator.ndim
    shape[axis] = -1
    value = accumulator.astype(np.float32) * rescale.scale.reshape(shape)
    return _rounded(value, rescale.zero_point)


def added(
    a: ArrayLike,
    b: ArrayLike,
    ratios: tuple[float, float],
    zero_points: tuple[int, int, int],
) -> NDArray[np.uint8]:
    """Two uint8 arrays summed as with fused multiply-adds of float32 (AVX2 and FMA).

    ratios: of a and of b, input scale / output scale. zero_points: of a, b and the sum.
    """
    ratio_a, ratio_b = map(np.float64, ratios)
    za, zb, zc = zero_points
    part_b = np.float64(np.float32(ratio_b * zb))
    fixed = np.float64(np.float32(zc - np.float64(np.float32(ratio_a * za + part_b))))
    partial = (fixed + np.asarray(b, np.float64) * ratio_b).astype(np.float32)
    total = (partial.astype(np.float64) + np.asarray(a, np.float64) * ratio_a).astype(np.float32)
    value: NDArray[np.uint8] = np.clip(np.rint(total), 0, 255).astype(np.uint8)
    return value


def added_on_neon(
    a: ArrayLike, b: ArrayLike, ratios: tuple[float, float], zero_points: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """The same sum as ONNX Runtime's NEON kernel has it: 22-bit multipliers, ties away from zero.

    It differs from `added` where the exact sum lies on a tie or beside one.
    """
    za, zb, zc = zero_points
    shift = 21 - int(np.floor(np.log2(max(ratios))))
    factors = [round(ratio * 2.0**shift) for ratio in ratios]
    total = (np.asarray(a, np.int64) - za) * factors[0] + (np.asarray(b, np.int64) - zb) * factors[
        1
    ]
    rounded = (total - (total < 0) + (1 << (shift - 1))) >> shift
    value: NDArray[np.uint8] = np.clip(rounded + zc, 0, 255).astype(np.uint8)
    return value


def requantised(
    value: NDArray[np.uint8], source: tuple[float, int], target: tuple[float, int]
) -> NDArray[np.uint8]:
    """uint8 of one (scale, zero point) to another, through float32."""
    real = (value.astype(np.float32) - np.float32(source[1])) * np.float32(source[0])
    return _rounded(real / np.float32(target[0]), target[1])


def _rounded(value: NDArray[np.float32], zero: int) -> NDArray[np.uint8]:
    return (np.clip(np.rint(value), -zero, 255 - zero) + zero).astype(np.uint8)
