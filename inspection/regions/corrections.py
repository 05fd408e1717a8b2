"""What an operator corrects, kept beside the results: one line a correction, only ever appended.

A line holds the region's features, so that a job is taught anew from it without the image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path, PurePath
from typing import Any

from common.errors import LingnanError

FILE, RESULTS = "corrections.jsonl", "results.jsonl"
GOOD = "good"  # the region is no defect
KIND = re.compile(r"[a-z][a-z0-9_-]{0,31}")
RESERVED = frozenset({"defect", "other"})
MAX_FILE_BYTES = 64 << 20
MOST_FEATURES = 4096


class CorrectionError(LingnanError):
    """The correction does not fit what was found."""


@dataclass(frozen=True, slots=True)
class Correction:
    """kind: what the region truly is, "good" for a false alarm. was: what it was called. region:
    its number in the image's results, from 0; None for a defect that was missed, `score` is then
    the image's. features: of the region, empty for a missed one."""

    image: str
    region: int | None
    kind: str
    was: str
    score: float
    features: tuple[float, ...]

    def __post_init__(self) -> None:
        if not KIND.fullmatch(self.kind) or self.kind in RESERVED:
            raise CorrectionError(
                f"{self.kind!r} is no kind: use a-z, 0-9, - and _, 32 letters at most, and "
                f"{GOOD!r} for what is no defect"
            )
        if self.region is None and self.kind == GOOD:
            raise CorrectionError("a defect that was missed has a kind other than good")
        if self.region is not None and not 0 < len(self.features) <= MOST_FEATURES:
            raise CorrectionError(
                f"region {self.region} of {self.image} was not described: its job was taught "
                "before jobs could be corrected; teach it again, and inspect again with it"
            )
        if not all(map(isfinite, (self.score, *self.features))):
            raise CorrectionError(f"{self.image}: a number of the result is not finite")


def correct(results: Path, image: str, region: int | None, kind: str) -> Correction:
    """Append a correction of a region of `image` beside `results`, a run's folder or its
    results.jsonl; region None: a defect of this kind was missed. CorrectionError names what does
    not fit."""
    file = results / RESULTS if results.is_dir() else results
    made = of_line(_line(file, image), region, kind)
    with (file.parent / FILE).open("a", encoding="utf-8", errors="backslashreplace") as out:
        out.write(json.dumps(asdict(made), ensure_ascii=False) + "\n")
    return made


def of_line(line: Mapping[str, Any], region: int | None, kind: str) -> Correction:
    """A correction of one line of results."""
    image = str(line.get("image", ""))
    if "refused" in line:
        raise CorrectionError(f"{image} was refused, not inspected: {line['refused']}")
    regions = line.get("regions", [])
    if region is None:
        if line.get("score") is None:
            raise CorrectionError(f"{image} has no score: nothing can be learned from it")
        return Correction(image, None, kind, GOOD, float(line["score"]), ())
    if not 0 <= region < len(regions):
        raise CorrectionError(f"{image} has {len(regions)} regions, numbered from 0; not {region}")
    one = regions[region]
    features = tuple(float(v) for v in one.get("features", ()))
    return Correction(image, region, kind, str(one["kind"]), float(one["score"]), features)


def read(file: Path) -> list[Correction]:
    """The corrections of a file; of several of one region the last one holds."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise CorrectionError(f"{file}: over {MAX_FILE_BYTES >> 20} MiB, no corrections are")
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CorrectionError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CorrectionError(f"{file}: is no text, so no corrections.jsonl") from None
    found = {}
    for number, text in enumerate(lines, 1):
        try:
            one = _parsed(json.loads(text))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CorrectionError(f"{file}: line {number} is no correction: {error}") from None
        found[one.image, one.region] = one
    return list(found.values())


def missed(corrections: Sequence[Correction]) -> list[Correction]:
    """Those that tell of a defect that was not found."""
    return [one for one in corrections if one.region is None]


def _parsed(told: Mapping[str, Any]) -> Correction:
    region = told["region"]
    if region is not None and (isinstance(region, bool) or not isinstance(region, int)):
        raise ValueError("region is a number or null")
    features = tuple(float(v) for v in told["features"])
    kind, was = str(told["kind"]), str(told["was"])
    return Correction(str(told["image"]), region, kind, was, float(told["score"]), features)


def _line(file: Path, image: str) -> dict[str, Any]:
    """The line of an image, by the name it has there or by its file's name alone."""
    alike: list[dict[str, Any]] = []
    try:
        with file.open(encoding="utf-8", errors="backslashreplace") as lines:
            for text in lines:
                line = json.loads(text)
                name = line.get("image") if isinstance(line, dict) else None
                if name == image:
                    return dict(line)
                if isinstance(name, str) and PurePath(name).name == image:
                    alike.append(line)
    except OSError as error:
        raise CorrectionError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CorrectionError(f"{file} is damaged: {error}") from None
    if len(alike) > 1:
        names = ", ".join(line["image"] for line in alike[:3])
        raise CorrectionError(f"{file} has {len(alike)} images called {image!r}: name one, {names}")
    if not alike:
        raise CorrectionError(f"{file} has no image called {image!r}")
    return alike[0]
