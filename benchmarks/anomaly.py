"""Our anomaly model beside PatchCore with EfficientNet-lite0: same images, same split, same run.

Both are taught on good images alone, cross-validated by part, one thread each. Each runs in a
process of its own, so that its peak memory is its own. The quick size judges some parts only,
enough for the CPU time and the memory; what it says of accuracy has few images behind it.

    python -m benchmarks anomaly [--size quick] [--json]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Size
from common.errors import LingnanError
from common.paths import data_root
from common.runtime.timing import peak_rss_mib
from inspection.acceptance.anomaly import SURFACES, Surface
from inspection.acceptance.by_part import Inspect, Learn, anomaly_learner, cross_validate, folds
from inspection.layouts.load import lesson
from inspection.layouts.table import reader
from inspection.methods.anomaly import PICTURES
from inspection.methods.base import Lesson

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SIDES = ("ours", "peer")
SEED = 7


@dataclass(frozen=True, slots=True)
class Effort:
    """folds: of parts. pictures: varied ones that ours learns from. images: about how many are
    judged of a surface, whole parts each; all where None."""

    folds: int
    pictures: int
    images: int | None = None


EFFORT: dict[Size, Effort] = {"quick": Effort(2, 400, 60), "full": Effort(5, PICTURES)}


def measure(size: Size) -> dict[str, Any]:
    """Both sides on every surface, and their ratios."""
    rows = {}
    for surface in SURFACES:
        ours, peer = (_child(side, surface, size) for side in SIDES)
        rows[surface.folder] = {"ours": ours, "peer": peer, "ratios": ratios(ours, peer)}
    folds = EFFORT[size].folds
    return {"size": size, "seed": SEED, "folds": folds, "threads": 1, "surfaces": rows}


def show(result: dict[str, Any]) -> None:
    """A line a side, and their ratios below."""
    print(f"{'surface':16}{'':6}{'AUROC':>8}{'AUPRO':>8}{'CPU ms':>8}{'MiB':>8}{'teach s':>9}")
    for name, row in result["surfaces"].items():
        for side in SIDES:
            told = row[side]
            print(
                f"{name:16}{side:6}{told['image_auroc']:8.3f}{told['aupro']:8.3f}"
                f"{told['cpu_ms']:8.1f}{told['peak_mib']:8.0f}{told['teach_cpu_s']:9.0f}"
            )
        told = row["ratios"]
        print(
            f"{name:16}{'gain':6}{told['auroc_gain']:+8.3f}{told['aupro_gain']:+8.3f}"
            f"{told['times_faster']:7.1f}x{told['times_less_memory']:7.1f}x"
        )
    images = " and ".join(str(row["ours"]["n_images"]) for row in result["surfaces"].values())
    print(
        f"PatchCore (peer) on the same {images} images in {result['folds']} folds by part, "
        f"seed {result['seed']}, one thread each"
    )


def ratios(ours: dict[str, float], peer: dict[str, float]) -> dict[str, float]:
    """How many times faster and smaller ours is, and by how much more accurate."""
    return {
        "times_faster": peer["cpu_ms"] / ours["cpu_ms"],
        "times_less_memory": peer["peak_mib"] / ours["peak_mib"],
        "auroc_gain": ours["image_auroc"] - peer["image_auroc"],
        "aupro_gain": ours["aupro"] - peer["aupro"],
    }


def one_side(side: str, surface: Surface, effort: Effort) -> dict[str, float]:
    """Teach and judge by part: accuracy, CPU time an image, peak memory."""
    cv2.setNumThreads(1)
    lessons = some_parts(_lessons(surface), effort.images)
    start = time.process_time()
    timed = Timed(_learner(side, lessons, effort.pictures))
    prepared = time.process_time()  # ours draws once for all folds, but so does one teaching
    verdicts = cross_validate(lessons, timed, folds(lessons, effort.folds, SEED), _silent)
    learning = time.process_time() - prepared - sum(timed.seconds)
    memory = peak_rss_mib()  # before AUPRO, which needs memory of its own
    return {
        "image_auroc": verdicts.image_auroc(),
        "aupro": verdicts.aupro(),
        "cpu_ms": float(np.median(timed.seconds)) * 1e3,
        "peak_mib": memory,
        "teach_cpu_s": prepared - start + learning / effort.folds,
        "n_images": len(lessons),
        "n_parts": len({one.part for one in lessons}),
    }


class Timed:
    """A learner whose inspections are timed, in CPU seconds of the process."""

    def __init__(self, learner: Learn) -> None:
        self._learner = learner
        self.seconds: list[float] = []

    def __call__(self, kept: Sequence[int]) -> Inspect:
        inspect = self._learner(kept)

        def timed(image: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
            before = time.process_time()
            result = inspect(image)
            self.seconds.append(time.process_time() - before)
            return result

        return timed


def some_parts(lessons: Sequence[Lesson], images: int | None) -> list[Lesson]:
    """Whole parts, drawn by `SEED`, until there are about `images` images; all where None."""
    if images is None:
        return list(lessons)
    count = max(1, round(len(lessons) / images))
    fold_of = folds(lessons, count, SEED)  # deals parts with and without a defect out evenly
    return [one for one, fold in zip(lessons, fold_of, strict=True) if fold == 0]


def _learner(side: str, lessons: Sequence[Lesson], pictures: int) -> Learn:
    if side == "ours":
        return anomaly_learner(lessons, True, _silent, pictures)
    from inspection.train.peer_patchcore import learner  # torch, in the peer's process alone

    make: Callable[[Sequence[Lesson]], Learn] = learner
    return make(lessons)


def _lessons(surface: Surface) -> list[Lesson]:
    root = data_root()
    folder = None if root is None else root / surface.folder / "dev"
    if folder is None or not folder.is_dir():
        raise LingnanError(
            f"the data set {surface.folder} is absent: name the folder of data sets in LINGNAN_DATA"
        )
    return [lesson(sample) for sample in reader(surface.layout)(folder, "refuse").samples]


def _child(side: str, surface: Surface, size: Size) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.anomaly", side, surface.folder, size]
    done = subprocess.run(  # noqa: S603 (our own module, our own arguments)
        command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise LingnanError(f"the {side} side could not be measured on {surface.folder}; see above")
    told: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def _silent(done: int, total: int, what: str) -> None:
    """Nobody watches a measurement."""


def _main(side: str, folder: str, size: Size) -> int:
    try:
        surface = next(one for one in SURFACES if one.folder == folder)
        print(json.dumps(one_side(side, surface, EFFORT[size])))
    except LingnanError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    side, folder, size = sys.argv[1:]
    sys.exit(_main(side, folder, cast(Size, size)))
