"""Whether a report is as it was written, and the data behind it still the same."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.acceptance import document as files
from common.acceptance.hashing import changed, file_hash, listing_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement
from common.acceptance.verdict import judge


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found.

    sha256: of acceptance.json.
    faults: what is not as it was; empty for an intact report.
    unchecked: what could not be looked at here, such as data that this machine lacks.
    """

    sha256: str
    faults: tuple[str, ...]
    unchecked: tuple[str, ...]


def verify(folder: Path, data_root: Path | None, expected: str | None = None) -> Checked:
    """Check a report folder; `expected` is the hash of acceptance.json that was signed.

    Without `expected` somebody who rewrites every file of the report consistently is not found
    out: the hash printed when the report was made, or on the signed page, is what holds it.
    """
    document, digest = files.read(folder)
    faults = _files(folder, document, digest)
    if expected and not hmac.compare_digest(expected.lower().encode(), digest.encode()):
        faults.append(f"{files.JSON} has the hash {digest}, not the expected {expected}")
    faults += [fault for row in document["rows"] for fault in _row(row)]
    wrong, unchecked = _data(folder, data_root)
    return Checked(digest, tuple(faults + wrong), tuple(unchecked))


def _files(folder: Path, document: dict[str, Any], digest: str) -> list[str]:
    """Faults of the report's own files."""
    sums, html = folder / files.SUMS, folder / files.HTML
    text = sums.read_bytes().decode(errors="replace") if sums.is_file() else ""
    faults = [f"{name} is missing or changed" for name in changed(text, folder)]
    page = file_hash(html) if html.is_file() else ""
    if text != files.checksums(digest, page, document):
        faults.append(f"{files.SUMS} is missing or not what was written with this report")
    for path in files.attached(folder):
        name = path.relative_to(folder).as_posix()
        if document["files"].get(name) != file_hash(path):
            faults.append(f"{name} is not the file that {files.JSON} names")
    if not html.is_file() or digest not in html.read_text(encoding="utf-8", errors="replace"):
        faults.append(f"{files.HTML} does not carry the hash of {files.JSON}")
    return faults


def _row(row: dict[str, Any]) -> list[str]:
    """Faults of one row: impossible numbers, or a verdict that does not follow from them."""
    try:
        told = {name: row[name] for name in Indicator.__slots__}
        measured = {n: row[n] for n in ("value", "low", "high", "n", "data_sha256", "note")}
        verdict = judge(Indicator(**told), Measurement(**measured))
    except (ValueError, TypeError) as error:
        return [f"row {row['id']}: {error}"]
    if verdict != row["verdict"]:
        return [f"row {row['id']} says {row['verdict']!r}, its numbers say {verdict!r}"]
    return []


def _data(folder: Path, root: Path | None) -> tuple[list[str], list[str]]:
    """Faults of the listed data files, and listings that cannot be checked here."""
    faults, unchecked = [], []
    for path in sorted((folder / "data").glob("*.sha256")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if listing_hash(text) != path.stem:
            faults.append(f"data/{path.name} is not the listing that its name tells")
        elif root is None:
            unchecked.append(f"data/{path.name}: the data is absent here (set LINGNAN_DATA)")
        else:
            faults += [f"data file {name} is missing or changed" for name in changed(text, root)]
    return faults, unchecked
