"""What a GNSS file can do wrong: as a whole, or in one line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.errors import LingnanError


class GnssFileError(LingnanError):
    """A file that cannot be read at all; the message names it and what is wrong."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Refusal:
    """One broken line that was left out: its number from 1 and what is wrong with it."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"
