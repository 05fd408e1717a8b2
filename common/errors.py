"""The root of every error a user can meet; its message names the file or device and the cure."""

from __future__ import annotations


class LingnanError(Exception):
    """Something a user can mend; the command prints the message and exits 2."""


class MissingExtraError(LingnanError):
    """An optional package is needed and not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed. It comes with the extra: pip install 'lingnan[{extra}]'"
        )
        self.package = package
        self.extra = extra
