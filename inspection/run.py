"""Inspect a source with a job: one line of results an image, pictures of what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import islice
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

from common.acceptance.rows import write_atomically
from common.errors import LingnanError
from common.lock import alone
from inspection.config import InspectionConfig
from inspection.job import Job
from inspection.layouts.load import read_image
from inspection.methods.base import Progress
from inspection.overlay import draw, jpeg
from inspection.pipeline import Inspection, Pipeline, Region, to_8_bit
from inspection.sources import Refused, Shot, open_source

RESULTS, PICTURES, STAMP = "results.jsonl", "overlays", "run.json"
MAX_NAME_BYTES = 120  # of an image's name in its overlay's; file systems take 255 in all


class RunError(LingnanError):
    """The run cannot be made or continued."""


@dataclass(slots=True)
class Tally:
    """What a run came to. n_resumed: images whose results were there already. refused: every
    image of the folder's results without a decision, those of earlier runs too."""

    n_images: int = 0
    n_defective: int = 0
    n_refused: int = 0
    n_resumed: int = 0
    seconds: float = 0.0
    out: str = ""
    refused: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)

    def count(self, line: Mapping[str, Any], before: str | None) -> None:
        """One more line of results; before: why its image was refused by an earlier run."""
        if before:
            self.n_resumed -= 1
            self.refused.remove(f"{line['image']}: {before}")
        if "refused" in line:
            self.n_refused += 1
            self.refused.append(f"{line['image']}: {line['refused']}")
        else:
            self.n_images += 1
            self.n_defective += line["defective"]


def run(
    source: str, config: InspectionConfig, out: Path, progress: Progress, limit: int | None = None
) -> Tally:
    """Inspect up to `limit` images of `source` into `out`; images already judged there are passed,
    those that were refused are looked at again, since they may have been mended.

    RunError when `out` holds the results of another job, source or scale; an image that cannot be
    read or is not of the part is written down as refused, and the run goes on.
    """
    job = Job.load(config.job)
    reference = None if config.reference is None else read_image(config.reference)
    pipeline = Pipeline(job.method(), reference, config.um_per_px)
    with open_source(source) as opened, alone(out):
        done = _prepared(out, _stamp(source, config))
        tally = Tally(out=str(out), n_resumed=len(done))
        tally.refused += [f"{name}: {reason}" for name, reason in done.items() if reason]
        total = opened.total if limit is None else min(limit, opened.total or limit)
        started = perf_counter()
        with _appended(out / RESULTS) as results:
            for shot in islice(opened.shots, limit):
                before = done.get(shot.name)
                if before is None or before:
                    line = _one(shot, pipeline, config, out)
                    if before is None or line.get("refused") != before:
                        _write(results, line)
                        tally.count(line, before)
                seen = tally.n_images + tally.n_resumed + tally.n_refused
                progress(seen, total or 0, "inspecting")
        tally.seconds = perf_counter() - started
        _done(out / RESULTS)
    return tally


def _appended(results: Path) -> TextIO:
    """A file name that is not UTF-8 becomes the escape that JSON has for it."""
    return results.open("a", encoding="utf-8", errors="backslashreplace")


def _stamp(source: str, config: InspectionConfig) -> dict[str, Any]:
    """What the results in a folder follow from; settings that were not given are left out."""
    given = {"reference": config.reference and str(config.reference), "um_per_px": config.um_per_px}
    return {
        "source": source,
        "job_sha256": sha256(config.job.read_bytes()).hexdigest(),
        **{name: value for name, value in given.items() if value is not None},
    }


def _prepared(out: Path, stamp: Mapping[str, Any]) -> dict[str, str]:
    """See that `out` is this very run's; the images that are done, each with its refusal if any."""
    file = out / STAMP
    if not (out / RESULTS).exists():
        file.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
        return {}
    try:
        same = json.loads(file.read_text(encoding="utf-8")) == stamp
    except (OSError, ValueError):
        same = False
    if not same:
        raise RunError(
            f"{out} holds the results of another job or source, or with another scale or golden "
            "image: name another --out"
        )
    return _done(out / RESULTS)


def _done(results: Path) -> dict[str, str]:
    """Names in the results, each with its refusal if any.

    Taken away are a last line that was cut off by an interruption, and the refusal of an image
    that was judged after all.
    """
    text = results.read_bytes()
    whole = text[: text.rfind(b"\n") + 1].splitlines(keepends=True)
    try:
        lines = {told["image"]: (told, line) for line in whole for told in (json.loads(line),)}
        done = {name: str(told.get("refused", "")) for name, (told, _) in lines.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{results} is damaged ({error}): name another --out") from error
    kept = b"".join(line for _, line in lines.values())
    if kept != text:
        write_atomically(results, kept)
    return done


def _one(
    shot: Shot | Refused, pipeline: Pipeline, config: InspectionConfig, out: Path
) -> dict[str, Any]:
    """The line of one image."""
    if isinstance(shot, Refused):
        return {"image": shot.name, "refused": shot.reason}
    try:
        began = perf_counter()
        result = pipeline.step(shot.sample, shot.reference).value
        elapsed_ms = (perf_counter() - began) * 1e3
    except ValueError as error:
        return {"image": shot.name, "refused": str(error)}
    line = _line(shot.name, result, elapsed_ms)
    if config.overlays == "all" or (config.overlays == "defects" and result.is_defective):
        line["overlay"] = _picture(shot, result, out)
    return line


def _line(name: str, result: Inspection, elapsed_ms: float) -> dict[str, Any]:
    return {
        "image": name,
        "defective": result.is_defective,
        "score": round(result.score, 6) if isfinite(result.score) else None,
        "threshold": result.threshold,
        "ms": round(elapsed_ms, 3),
        "regions": [_told(region) for region in result.regions],
    }


def _told(region: Region) -> dict[str, Any]:
    """Without what the method does not tell; the size is there even where it is not known."""
    told = asdict(region)
    return {k: v for k, v in told.items() if k == "size_um" or v not in (None, ())}


def _picture(shot: Shot, result: Inspection, out: Path) -> str:
    """Write the overlay; its name cannot leave the folder, whatever the image is called."""
    plain = "".join(c if c.isalnum() or c in "-_" else "_" for c in Path(shot.name).stem)
    short = plain.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    name = f"{shot.sample.seq:06d}-{short}.jpg"
    folder = out / PICTURES
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(jpeg(draw(to_8_bit(shot.sample.value), result)))
    return f"{PICTURES}/{name}"


def _write(results: TextIO, line: dict[str, Any]) -> None:
    results.write(json.dumps(line, ensure_ascii=False) + "\n")
    results.flush()
