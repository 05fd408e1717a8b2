"""numba for the simulators; see `inspection.jit`."""

from __future__ import annotations

from inspection.jit import njit

__all__ = ["njit"]
