"""What a user of the edge tools can meet and mend."""

from __future__ import annotations

from common.errors import LingnanError


class EdgeError(LingnanError):
    """The root of this direction's errors."""


class UnsupportedError(EdgeError):
    """A network has something that the integer graph cannot hold; layer and cure are named."""

    def __init__(self, layer: str, what: str, cure: str) -> None:
        super().__init__(f"layer {layer!r}: {what}. {cure}")
        self.layer = layer


class ToolMissingError(EdgeError):
    """A compiler or emulator is not installed; the message names the package."""
