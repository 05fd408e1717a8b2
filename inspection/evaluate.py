"""Judge a job on labelled samples: ranking, localisation, misses, false alarms, time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.acceptance.statistics import upper_bound
from common.errors import LingnanError
from inspection.job import Job
from inspection.layouts.base import Dataset, Sample
from inspection.layouts.load import lesson
from inspection.methods.base import Finding, Lesson, Progress
from inspection.metrics.aupro import aupro
from inspection.metrics.detection import Judged, mean_ap, misses
from inspection.metrics.roc import auroc, pixel_auroc
from inspection.teach import file_sha256


class EvaluateError(LingnanError):
    """There is nothing to judge the job on."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What `evaluate` found; None where the layout has no such truth.

    map50, map33: mean average precision at IoU >= 0.5 and 0.33, over the kinds; over all boxes as
    one kind where the method tells no kinds apart.
    miss_rate: of defects (boxes where there are, else defective images), at the job's threshold;
    miss_high: its one-sided 95 % Clopper-Pearson bound; false_rate, false_high: of good images
    rejected; false_per_image: regions found where there is no defect, an image.
    n_taught_seen: images that the job was taught on and that were judged all the same; n_excluded:
    those left out for it. Times are of one image on one thread, from pixels to decision.
    """

    image_auroc: float | None
    pixel_auroc: float | None
    aupro: float | None
    map50: float | None
    map33: float | None
    miss_rate: float | None
    miss_high: float | None
    false_rate: float | None
    false_high: float | None
    false_per_image: float | None
    n_defects: int
    n_good: int
    n_images: int
    n_excluded: int
    n_taught_seen: int
    n_skipped: int
    threshold: float
    ms_median: float
    ms_p99: float
    cpu_ms_median: float

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """One sample with what the method said of it."""

    sample: Sample
    truth: Lesson
    finding: Finding
    ms: float
    cpu_ms: float


def evaluate(
    data: Dataset, job: Job, progress: Progress, *, include_taught: bool = False
) -> tuple[Scores, list[Judgement]]:
    """Judge the job. EvaluateError when no sample is left after those it was taught on."""
    taught = {
        sample.image_path for sample in data.samples if file_sha256(sample) in job.taught_sha256
    }
    samples = [s for s in data.samples if include_taught or s.image_path not in taught]
    if not samples:
        raise EvaluateError(
            f"every sample (layout {data.name}) was used to teach this job, so nothing can be "
            f"judged on them; give others, or --include-taught to look at them all the same"
        )
    judged = judge(samples, job, progress)
    seen = len(taught) if include_taught else 0
    return score(judged, data, job, len(data.samples) - len(samples), seen), judged


def judge(samples: Sequence[Sample], job: Job, progress: Progress) -> list[Judgement]:
    """Inspect every sample; time is taken around the method alone."""
    method = job.method()
    judged = []
    for i, sample in enumerate(samples):
        truth = lesson(sample)
        if i == 0:
            method.inspect(truth.image, truth.reference)  # warm-up, not timed
        wall, cpu = perf_counter(), process_time()
        finding = method.inspect(truth.image, truth.reference)
        spent = (perf_counter() - wall) * 1e3, (process_time() - cpu) * 1e3
        judged.append(Judgement(sample, truth, finding, *spent))
        progress(i + 1, len(samples), "inspecting")
    return judged


def score(
    judged: Sequence[Judgement], data: Dataset, job: Job, n_excluded: int, n_taught_seen: int
) -> Scores:
    """All figures of judged samples."""
    good = [j for j in judged if j.truth.is_good]
    bad = [j for j in judged if not j.truth.is_good]
    rejected = sum(j.finding.is_defective for j in good)
    passed = sum(not j.finding.is_defective for j in bad)
    boxed = _boxed(judged) if data.has_boxes else []
    found = misses(boxed, threshold=float(job.threshold["value"])) if boxed else None
    by_kind = any(set(one.true_kinds) & set(one.found.names) for one in boxed)
    missed, n_defects = (found.missed, found.n_true) if found else (passed, len(bad))
    masked = [j for j in judged if j.truth.is_good or j.truth.mask is not None]
    has_maps = data.has_masks and bad and all(j.finding.score_map is not None for j in masked)
    times = np.array([j.ms for j in judged])
    return Scores(
        image_auroc=_image_auroc(judged) if good and bad else None,
        pixel_auroc=pixel_auroc(_masks(masked), _maps(masked)) if has_maps else None,
        aupro=aupro(_masks(masked), _maps(masked)) if has_maps else None,
        map50=mean_ap(boxed, 0.5, by_kind=by_kind) if found and found.n_true else None,
        map33=mean_ap(boxed, 0.33, by_kind=by_kind) if found and found.n_true else None,
        miss_rate=missed / n_defects if n_defects else None,
        miss_high=upper_bound(missed, n_defects) if n_defects else None,
        false_rate=rejected / len(good) if good else None,
        false_high=upper_bound(rejected, len(good)) if good else None,
        false_per_image=found.false / len(judged) if found else _false_regions(judged, data),
        n_defects=n_defects,
        n_good=len(good),
        n_images=len(judged),
        n_excluded=n_excluded,
        n_taught_seen=n_taught_seen,
        n_skipped=len(data.skipped),
        threshold=float(job.threshold["value"]),
        ms_median=float(np.median(times)),
        ms_p99=float(np.percentile(times, 99)),
        cpu_ms_median=float(np.median([j.cpu_ms for j in judged])),
    )


def _image_auroc(judged: Sequence[Judgement]) -> float:
    return auroc([not j.truth.is_good for j in judged], [j.finding.score for j in judged])


def _boxed(judged: Sequence[Judgement]) -> list[Judged]:
    none = np.zeros((0, 4), np.float32)
    return [
        Judged(
            j.finding.detections,
            none if j.truth.boxes_px is None else j.truth.boxes_px,
            j.truth.box_kinds,
        )
        for j in judged
    ]


def _masks(judged: Sequence[Judgement]) -> Iterator[NDArray[np.bool_]]:
    for j in judged:
        yield np.zeros(j.truth.image.shape[:2], bool) if j.truth.mask is None else j.truth.mask


def _maps(judged: Sequence[Judgement]) -> Iterator[NDArray[np.float32]]:
    for j in judged:
        assert j.finding.score_map is not None
        yield j.finding.score_map


def _false_regions(judged: Sequence[Judgement], data: Dataset) -> float | None:
    """Regions found that touch no defect, an image; None without masks."""
    if not data.has_masks:
        return None
    false = 0
    masked = [j for j in judged if j.truth.is_good or j.truth.mask is not None]
    for j, mask in zip(masked, _masks(masked), strict=True):
        for x0, y0, x1, y1 in j.finding.found.boxes_px.round().astype(int):
            false += not mask[y0:y1, x0:x1].any()
    return false / len(masked) if masked else None
