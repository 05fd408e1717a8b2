"""Compiled functions that keep their types; numba, or the error that says how to get it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from common.errors import MissingExtraError

try:
    from numba import njit
except ImportError as error:  # pragma: no cover - the extra is part of the test environment
    raise MissingExtraError("numba", "sim") from error

__all__ = ["compiled", "inlined", "reordered"]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The function compiled by numba, kept on disk, without the interpreter's lock.

    Dividing by zero gives inf, as in numpy.
    """
    return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))


def reordered(function: F) -> F:
    """As `compiled`, and its sums may be taken in any order, which lets loops run in vectors."""
    loose = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
    return cast("F", loose(function))


def inlined(function: F) -> F:
    """As `compiled`, and copied into who calls it: for the innermost of a loop, whose arrays would
    be handed over one by one."""
    within = njit(cache=True, nogil=True, error_model="numpy", inline="always")
    return cast("F", within(function))
