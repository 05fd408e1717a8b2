"""A report of what somebody measured on parts of their own: the same files, page and check.

`accept` measures what the directions promise. Rows that come from elsewhere, such as a job judged
on a line's samples, are written here, so that they are signed and verified like those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.acceptance import document as files
from common.acceptance.hashing import file_hash, listing_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement
from common.acceptance.rows import make_row, save_figure, write_atomically
from common.errors import LingnanError
from common.lock import alone

Rows = Sequence[tuple[Indicator, Measurement]]


@dataclass(frozen=True, slots=True)
class Origin:
    """direction: the folder's name. about: what was measured, in a few words. started: as
    `document.now()` told it. seconds: that it took."""

    direction: str
    about: str
    started: str
    seconds: float


@contextmanager
def reserved(out: Path) -> Iterator[None]:
    """Hold a new or empty folder for a report; LingnanError where anything lies in it: a report
    that may have been signed is never written over."""
    with alone(out):
        if any(out.iterdir()):
            raise LingnanError(f"{out} is not empty: name another folder for the report")
        yield


def write(out: Path, rows: Rows, listings: Iterable[str], origin: Origin) -> str:
    """Write the report to `out`; the hash of its acceptance.json.

    listings: of `hashing.listing`, of the data that the rows' `data_sha256` name.
    """
    figures: dict[str, list[dict[str, str]]] = {}
    for indicator, measurement in rows:
        shown = [save_figure(figure, out / "figures") for figure in measurement.figures]
        if shown:
            figures[indicator.id] = shown
    for text in listings:
        (out / "data").mkdir(exist_ok=True)
        write_atomically(out / "data" / f"{listing_hash(text)}.sha256", text.encode())
    document = _document(rows, figures, origin)
    document["files"] = {p.relative_to(out).as_posix(): file_hash(p) for p in files.attached(out)}
    return files.write(out, document)


def _document(rows: Rows, figures: dict[str, list[dict[str, str]]], origin: Origin) -> Any:
    made = [
        make_row(i, m, direction=origin.direction, seed=None, seconds=origin.seconds)
        for i, m in rows
    ]
    return {
        **files.provenance(),
        "seed": None,
        "size": origin.about,
        "only": None,
        "started": origin.started,
        "finished": files.now(),
        "verdicts": files.counted(made),
        "stopped": {},
        "rows": [asdict(row) for row in made],
        "figures": figures,
    }
