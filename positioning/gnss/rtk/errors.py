"""What RTK refuses."""

from __future__ import annotations

from common.errors import LingnanError


class RtkError(LingnanError):
    """Observations, orbits or a base position that no relative position comes from."""
