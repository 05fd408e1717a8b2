"""A job's report to be signed: what it missed and falsely rejected on one's own labelled parts.

The rows tell which job it was (by its hash), on how much it was taught, by which threshold it
decides, what it was judged on (every file by its hash), and bounds; pictures show what it got
wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.figures import Figure, Picture, Plot, ReferenceLine, Series
from common.acceptance.format import number
from common.acceptance.hashing import listing, listing_hash
from common.acceptance.indicator import Evidence, Indicator
from common.acceptance.measurement import Measurement, not_measured, rate
from common.acceptance.own import Origin, Rows, write
from inspection.evaluate import Judgement, Scores
from inspection.job import Job
from inspection.layouts.base import Sample
from inspection.overlay import GREEN, draw, jpeg
from inspection.pipeline import Inspection, um_regions

MISS, FALSE = "job/miss", "job/false"
SHOWN = 4  # pictures of a sort
SIDE_PX = 900  # longest edge of a picture
TRUTH_PX = 8  # between a true defect and its frame


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed with who signs. evidence: where the parts come from. miss_target,
    false_target: rates that are not to be exceeded."""

    evidence: Evidence
    miss_target: float
    false_target: float


def report(
    out: Path,
    job_file: Path,
    data: Path,
    scores: Scores,
    judged: Sequence[Judgement],
    terms: Terms,
    started: str,
    seconds: float,
) -> str:
    """Write the report of a job judged on the samples below `data`; its hash.

    Verdicts follow from 95 % bounds: few parts give "on track" at best.
    """
    job = Job.load(job_file)
    text = listing(_files([one.sample for one in judged]), data)
    rows = measured(job_file, job, scores, judged, terms, listing_hash(text))
    where = "/".join(data.resolve().parts[-2:])
    about = f"{job_file.name} on {where}, {scores.n_images} images"
    return write(out, rows, [text], Origin("inspection", about, started, seconds))


def measured(
    job_file: Path,
    job: Job,
    scores: Scores,
    judged: Sequence[Judgement],
    terms: Terms,
    digest: str,
) -> Rows:
    """The two rows. digest: of the listing of what was judged."""
    name, how, note = job_file.name, _taught(job_file, job), _told(scores)
    bad = [one for one in judged if not one.truth.is_good]
    good = [one for one in judged if one.truth.is_good]
    missed = [one for one in bad if not one.finding.is_defective]
    refused = [one for one in good if one.finding.is_defective]
    of_defects: tuple[Figure, ...] = (
        _curves(good, bad, scores.threshold),
        *_pictures(missed or bad, "defective part"),
    )
    of_good = tuple(_pictures(refused, "good part"))
    miss = Indicator(
        MISS,
        f"Of the defects {name} misses at most {number(terms.miss_target, 'fraction')}.",
        "漏检率",
        "fraction",
        "<=",
        terms.miss_target,
        terms.evidence,
        how,
    )
    false = Indicator(
        FALSE,
        f"Of good parts {name} rejects at most {number(terms.false_target, 'fraction')}.",
        "误检率",
        "fraction",
        "<=",
        terms.false_target,
        terms.evidence,
        how,
    )
    return (
        (miss, _rate(scores.miss_rate, scores.n_defects, digest, note, of_defects, "defect")),
        (false, _rate(scores.false_rate, scores.n_good, digest, note, of_good, "good part")),
    )


def _rate(
    share: float | None, n: int, digest: str, note: str, figures: tuple[Figure, ...], what: str
) -> Measurement:
    if share is None:
        return not_measured(f"no {what} is among the samples; {note}")
    return rate(round(share * n), n, digest, note, figures)


def _taught(job_file: Path, job: Job) -> str:
    """The job in a sentence or two."""
    told = job.statistics
    taught = f", taught on {told['n_images']} images" if "n_images" in told else ""
    moved = "; moved here from another station" if job.origin is not None else ""
    digest = sha256(job_file.read_bytes()).hexdigest()
    basis = f": {told['threshold']}" if "threshold" in told else ""
    return (
        f"Job of the method {job.kind}{taught}{moved}; SHA-256 of the job file {digest}. It "
        f"rejects at a score of {job.threshold['value']:.6g} or more{basis}."
    )


def _told(scores: Scores) -> str:
    """What stands beside the rates."""
    ranked = "" if scores.image_auroc is None else f"image AUROC {scores.image_auroc:.4f}; "
    seen = scores.n_taught_seen
    taught = f"{seen} of them it was taught on; " if seen else ""
    left = f"{scores.n_excluded} left out that it was taught on; " if scores.n_excluded else ""
    skipped = f"{scores.n_skipped} files skipped; " if scores.n_skipped else ""
    return (
        f"{scores.n_images} images; {taught}{left}{skipped}{ranked}median "
        f"{scores.ms_median:.1f} ms an image"
    )


def _files(samples: Sequence[Sample]) -> Iterator[Path]:
    """All that the judgement rests on."""
    for one in samples:
        yield from filter(None, (one.image_path, one.reference_path, one.mask_path))


def _curves(good: Sequence[Judgement], bad: Sequence[Judgement], threshold: float) -> Plot:
    """Scores of either class; what has none lies below all others and is left out."""
    curves = []
    for name, some in (("good", good), ("defective", bad)):
        ordered = np.sort([one.finding.score for one in some])
        share = (np.arange(len(ordered)) + 1) / max(len(ordered), 1)
        kept = np.isfinite(ordered)
        if kept.any():
            curves.append(
                Series(f"{name}, n = {len(some)}", ordered[kept], share[kept], kind="step")
            )
    lines = (ReferenceLine("threshold", threshold, "x"),)
    title = "Scores of good and of defective images"
    return Plot(title, "score", "share at or below", tuple(curves), lines=lines)


def _pictures(judged: Sequence[Judgement], what: str) -> Iterator[Picture]:
    """The first few, with what was found in amber and the truth framed green."""
    for one in judged[:SHOWN]:
        finding = one.finding
        told = "rejected" if finding.is_defective else "missed"
        result = Inspection(
            finding.is_defective,
            finding.score,
            finding.threshold or 0.0,
            um_regions(finding, None),
            finding,
        )
        canvas = draw(one.truth.image, result)
        _frame(canvas, one)
        scale = min(1.0, SIDE_PX / max(canvas.shape[:2]))
        small = cv2.resize(canvas, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        name = f"{one.sample.kind}/{one.sample.image_path.name}"
        yield Picture(jpeg(np.asarray(small, np.uint8), 75), f"{name}: {what}, {told}")


def _frame(canvas: NDArray[np.uint8], one: Judgement) -> None:
    """A green frame about the true defects."""
    truth = one.truth
    boxes = [] if truth.boxes_px is None else truth.boxes_px.round().astype(int).tolist()
    if not boxes and truth.mask is not None and truth.mask.any():
        rows, columns = (np.flatnonzero(truth.mask.any(axis)) for axis in (1, 0))
        boxes = [[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]]
    for x0, y0, x1, y1 in boxes:
        corner, far = (
            (int(x0) - TRUTH_PX, int(y0) - TRUTH_PX),
            (int(x1) + TRUTH_PX, int(y1) + TRUTH_PX),
        )
        cv2.rectangle(canvas, corner, far, GREEN, 2)
