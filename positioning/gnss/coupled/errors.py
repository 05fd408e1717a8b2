"""What the coupled estimate refuses."""

from __future__ import annotations

from common.errors import LingnanError


class CoupledError(LingnanError):
    """The sensors' records cannot be joined; the message says why and how to mend it."""
