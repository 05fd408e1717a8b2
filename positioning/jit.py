"""Compiled functions that keep their types; numba, or the error that says how to get it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from common.errors import MissingExtraError

try:
    from numba import njit
except ImportError as error:  # pragma: no cover - the extra is part of the test environment
    raise MissingExtraError("numba", "sim") from error

__all__ = ["borrowing", "compiled", "inlined", "reordered"]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The function compiled by numba, kept on disk, without the interpreter's lock.

    Dividing by zero gives inf, as in numpy.
    """
    return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))


def borrowing(function: F) -> F:
    """As `compiled`, of arrays that its caller keeps: it makes none, and counts no references to
    them, which costs more than what little is done with each element."""
    return cast("F", njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function))


def reordered(function: F) -> F:
    """As `compiled`, and its sums may be taken in any order, which lets loops run in vectors."""
    loose = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
    return cast("F", loose(function))


def inlined(function: F) -> F:
    """As `compiled`, and copied into who calls it: for the innermost of a loop, whose arrays would
    be handed over one by one."""
    within = njit(cache=True, nogil=True, error_model="numpy", inline="always")
    return cast("F", within(function))
