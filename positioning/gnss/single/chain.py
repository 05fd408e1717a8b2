"""Least squares over a chain of epochs: block tridiagonal normal equations, compiled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from positioning.jit import compiled

F64 = NDArray[np.float64]


@compiled
def solve(diagonal: F64, upper: F64, right: F64, spread: bool) -> tuple[F64, F64]:
    """Solution (E, n) and, with `spread`, its covariances (E, n, n), of a positive definite chain.

    diagonal: (E, n, n), upper: (E - 1, n, n) the blocks (e, e + 1), right: (E, n). A forward
    elimination and a backward substitution, as the smoother of Rauch, Tung and Striebel in
    information form. diagonal and right are overwritten.
    """
    epochs, n = right.shape
    gain = np.empty_like(upper)
    for e in range(epochs):
        if e > 0:
            _take(diagonal[e], right[e], upper[e - 1], gain[e - 1], right[e - 1])
        _factor(diagonal[e])
        if e < epochs - 1:
            for k in range(n):
                gain[e, :, k] = upper[e, :, k]
                _substitute(diagonal[e], gain[e, :, k])
    solution = right
    covariance = np.empty((epochs if spread else 0, n, n))
    for e in range(epochs - 1, -1, -1):
        _substitute(diagonal[e], solution[e])
        if e < epochs - 1:
            for a in range(n):
                for b in range(n):
                    solution[e, a] -= gain[e, a, b] * solution[e + 1, b]
        if spread:
            _inverse(diagonal[e], covariance[e])
            if e < epochs - 1:
                covariance[e] += gain[e] @ covariance[e + 1] @ gain[e].T
    return solution, covariance


@compiled
def _take(block: F64, right: F64, upper: F64, gain: F64, before: F64) -> None:
    """Take the epoch before off this one: block -= U' G, right -= G' before."""
    n = len(right)
    for a in range(n):
        for k in range(n):
            if upper[k, a] != 0.0:
                for b in range(n):
                    block[a, b] -= upper[k, a] * gain[k, b]
            right[a] -= gain[k, a] * before[k]


@compiled
def _factor(block: F64) -> None:
    """Cholesky's lower factor in place."""
    for a in range(len(block)):
        for b in range(a + 1):
            total = block[a, b]
            for k in range(b):
                total -= block[a, k] * block[b, k]
            if a == b:
                block[a, a] = math.sqrt(max(total, 1e-12))
            else:
                block[a, b] = total / block[b, b]


@compiled
def _substitute(factor: F64, right: F64) -> None:
    """Solve L L' x = right in place."""
    n = len(right)
    for a in range(n):
        for k in range(a):
            right[a] -= factor[a, k] * right[k]
        right[a] /= factor[a, a]
    for a in range(n - 1, -1, -1):
        for k in range(a + 1, n):
            right[a] -= factor[k, a] * right[k]
        right[a] /= factor[a, a]


@compiled
def _inverse(factor: F64, out: F64) -> None:
    out[:] = 0.0
    for k in range(len(factor)):
        out[k, k] = 1.0
        _substitute(factor, out[:, k])
