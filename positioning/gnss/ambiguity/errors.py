"""What integer estimation refuses."""

from __future__ import annotations

from common.errors import LingnanError


class AmbiguityError(LingnanError):
    """Float ambiguities or a covariance that no integers can be estimated from."""
