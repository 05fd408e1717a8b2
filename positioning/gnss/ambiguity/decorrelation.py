"""Integer decorrelation of ambiguities: Q = U diag(d) U', made as diagonal as integers allow.

U is unit upper triangular (its transpose is the L of the L'DL of the literature), so d[k] is the
variance of ambiguity k given those after it, and d is worked to fall with k: the last ambiguity
is the most precise and the search starts from it. Size reduction and exchange as in LAMBDA
(Teunissen 1995, J. Geodesy 70, 65; de Jonge and Tiberius 1996), done lazily: before an exchange
only the neighbour is reduced, the rest of a row once at the end (Chang, Yang and Zhou 2005,
J. Geodesy 79, 552), or as soon as it has grown so that digits would be lost.

Kernels work on rows of U, which lie together in memory, and change their arguments in place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.ambiguity.errors import AmbiguityError
from positioning.jit import compiled, reordered

F64 = NDArray[np.float64]

_LARGE = 100.0  # entries of U left unreduced; exchanges let them grow exponentially otherwise
_GAIN = 1e-6  # an exchange must make the later variance this much smaller, else rounding could loop


@dataclass(frozen=True, slots=True)
class Decorrelated:
    """z = transform @ a has the covariance upper @ diag(variance) @ upper'.

    transform: (n, n) float64, integers of determinant +-1.
    upper: (n, n) float64, unit upper triangular.
    variance: (n,) float64, cycles^2, of each given the later ones.
    """

    transform: F64
    upper: F64
    variance: F64


def decorrelate(covariance: F64) -> Decorrelated:
    """The decorrelating transform of (n, n) covariance, cycles^2.

    Raises AmbiguityError where the covariance is not square, finite and positive definite.
    """
    checked_covariance(covariance)
    upper, variance, transform = workspace(len(covariance))
    if not factor(covariance, upper, variance):
        raise AmbiguityError("the ambiguities' covariance is not positive definite")
    reduce(upper, variance, transform)
    return Decorrelated(transform, upper, variance)


def checked_covariance(covariance: F64) -> None:
    """Refuse what no covariance of ambiguities can be."""
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1]:
        raise AmbiguityError(f"a covariance is square, got {covariance.shape}")
    if not np.all(np.isfinite(covariance)):
        raise AmbiguityError("the ambiguities' covariance holds values that are not finite")
    if not np.allclose(covariance, covariance.T, rtol=1e-6, atol=1e-9 * np.abs(covariance).max()):
        raise AmbiguityError("the ambiguities' covariance is not symmetric")


@compiled
def workspace(n: int) -> tuple[F64, F64, F64]:
    """Empty U (n, n), d (n,) and the identity (n, n) for `factor` and `reduce`."""
    return np.zeros((n, n)), np.zeros(n), np.eye(n)


@reordered
def factor(covariance: F64, upper: F64, variance: F64) -> bool:
    """Q = U diag(d) U' from the last row up; False where Q is not positive definite."""
    n = len(covariance)
    work = covariance.copy()
    for k in range(n - 1, -1, -1):
        pivot = work[k, k]
        if not pivot > 0.0:
            return False
        variance[k] = pivot
        upper[k, k] = 1.0
        row = work[k]
        for i in range(k):
            share = row[i] / pivot
            upper[i, k] = share
            into = work[i]
            for j in range(i + 1):
                into[j] -= share * row[j]
    return True


@reordered
def _subtract(upper: F64, transform: F64, row: int, other: int) -> None:
    """Take the integer nearest U[row, other] times the row `other` from `row`."""
    times = np.rint(upper[row, other])
    if times == 0.0:
        return
    into, take = upper[row], upper[other]
    for i in range(other, len(into)):
        into[i] -= times * take[i]
    changed, by = transform[row], transform[other]
    for i in range(len(changed)):
        changed[i] -= times * by[i]


@compiled
def _reduce_row(upper: F64, transform: F64, row: int) -> None:
    for other in range(row + 1, len(upper)):
        _subtract(upper, transform, row, other)


@reordered
def _exchange(upper: F64, variance: F64, transform: F64, k: int, later: float) -> None:
    """Swap ambiguities k and k + 1; `later` is the variance that k + 1 will have."""
    coupling = upper[k, k + 1]
    shrink = variance[k] / later
    share = variance[k + 1] * coupling / later
    variance[k] = shrink * variance[k + 1]
    variance[k + 1] = later
    for i in range(k):
        first, second = upper[i, k], upper[i, k + 1]
        upper[i, k] = second - coupling * first
        upper[i, k + 1] = shrink * first + share * second
    upper[k, k + 1] = share
    for i in range(k + 2, len(variance)):
        upper[k, i], upper[k + 1, i] = upper[k + 1, i], upper[k, i]
    for i in range(transform.shape[1]):
        transform[k, i], transform[k + 1, i] = transform[k + 1, i], transform[k, i]


@compiled
def reduce(upper: F64, variance: F64, transform: F64) -> None:
    """Decorrelate in place; rows of `transform` go the way the rows of U go."""
    n = len(variance)
    k = n - 2
    while k >= 0:
        _subtract(upper, transform, k, k + 1)
        if np.max(np.abs(upper[k])) > _LARGE:
            _reduce_row(upper, transform, k)
        later = variance[k] + upper[k, k + 1] ** 2 * variance[k + 1]
        if later < (1.0 - _GAIN) * variance[k + 1]:
            _exchange(upper, variance, transform, k, later)
            k = min(k + 1, n - 2)
        else:
            k -= 1
    for k in range(n - 2, -1, -1):
        _reduce_row(upper, transform, k)
