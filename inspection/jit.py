"""numba, or the error that says how to get it."""

from __future__ import annotations

from common.errors import MissingExtraError

try:
    from numba import njit
except ImportError as error:  # pragma: no cover - the extra is part of the test environment
    raise MissingExtraError("numba", "sim") from error

__all__ = ["njit"]
