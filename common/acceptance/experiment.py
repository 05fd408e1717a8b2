"""A program that measures one or more indicators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.acceptance.hashing import listing, listing_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement

Size = Literal["quick", "full"]
Progress = Callable[[int, int, str], None]

LISTINGS = ".listings"  # folder of scratch that keeps what `Context.data_hash` hashed


def silent(done: int, total: int, what: str) -> None:
    """A progress that tells nobody."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an experiment is given.

    size: "quick" takes a minute or so, "full" the n that the bound needs.
    seed: all randomness derives from it; the same seed gives the same numbers.
    data_root: folder of public data sets, None where there is none.
    scratch: an empty folder of the experiment's own.
    progress: call it as progress(done, total, what) from time to time.
    """

    size: Size
    seed: int
    data_root: Path | None
    scratch: Path
    progress: Progress = silent

    @property
    def full(self) -> bool:
        """Whether the n that the bound needs is asked for."""
        return self.size == "full"

    def data_hash(self, files: Iterable[Path]) -> str:
        """Hash of files below data_root for `Measurement.data_sha256`.

        The list of files is kept with the report, so that `accept --verify` can check them again.
        """
        if self.data_root is None:
            raise ValueError("data_hash needs a data_root")
        text = listing(files, self.data_root)
        digest = listing_hash(text)
        folder = self.scratch / LISTINGS
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{digest}.sha256").write_text(text, encoding="utf-8")
        return digest


@dataclass(frozen=True, slots=True)
class Experiment:
    """`run` measures all `indicators` at once and returns a measurement for each id.

    name: unique in its direction; letters, digits, - and _.
    exclusive: it times something and must run alone.
    """

    name: str
    indicators: tuple[Indicator, ...]
    run: Callable[[Context], Mapping[str, Measurement]]
    exclusive: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "indicators", tuple(self.indicators))
        if not self.name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"experiment name {self.name!r}: letters, digits, - and _ only")
        if not self.indicators:
            raise ValueError(f"experiment {self.name} measures no indicator")
        ids = [indicator.id for indicator in self.indicators]
        if len(set(ids)) != len(ids):
            raise ValueError(f"experiment {self.name} names an indicator twice: {ids}")
