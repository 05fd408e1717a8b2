"""The real sets that the worth of generated defects is judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspection.layouts.base import Sample
from inspection.layouts.load import lesson
from inspection.layouts.table import reader
from inspection.methods.base import Lesson

METHODS = ("procedural", "learned")
MARKED = 0.3  # a window is defective from this share of it within boxes on
WINDOW_PX = 64


@dataclass(frozen=True, slots=True)
class Ground:
    """A set to judge on. tag: in ids. name: for people. kinds: what is ordered of each method, the
    nearest that it makes to the kinds of the set. in_windows: its pictures all show defects, and
    are judged in windows of `WINDOW_PX` that touch no defect's box or lie in one."""

    folder: str
    layout: str
    tag: str
    name: str
    kinds: Mapping[str, tuple[str, ...]]
    in_windows: bool = False

    def some(self, root: Path, images: int, seed: int) -> tuple[list[Lesson], list[Path]]:
        """Whole parts, drawn until there are so many images or windows; and their files."""
        samples = reader(self.layout)(root, "refuse").samples
        parts = np.random.default_rng([seed, 7]).permutation(sorted({s.part for s in samples}))
        lessons: list[Lesson] = []
        files: list[Path] = []
        for part in parts.tolist():
            if len(lessons) >= images:
                break
            for sample in (s for s in samples if s.part == part):
                lessons += windows(lesson(sample)) if self.in_windows else [lesson(sample)]
                files += _files(sample)
        return lessons, files


def _files(sample: Sample) -> list[Path]:
    return [path for path in (sample.image_path, sample.mask_path) if path is not None]


def windows(one: Lesson) -> Iterator[Lesson]:
    """Squares of a picture with boxes, side by side: those that no box touches are good, those
    that boxes cover by `MARKED` defective, of the kind of the first; the others are left out."""
    assert one.boxes_px is not None
    height, width = one.image.shape[:2]
    marked = np.zeros((height, width), np.bool_)
    for x0, y0, x1, y1 in one.boxes_px.round().astype(int).tolist():
        marked[y0:y1, x0:x1] = True
    for top in range(0, height - WINDOW_PX + 1, WINDOW_PX):
        for left in range(0, width - WINDOW_PX + 1, WINDOW_PX):
            cut = np.s_[top : top + WINDOW_PX, left : left + WINDOW_PX]
            mask = marked[cut]
            if not mask.any() or mask.mean() >= MARKED:
                yield _window(one, one.image[cut], mask)


def _window(one: Lesson, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Lesson:
    is_good = not mask.any()
    kind = "good" if is_good else one.box_kinds[0]
    return Lesson(np.ascontiguousarray(image), is_good, one.part, kind, mask=mask)


GROUNDS = (
    Ground(
        "magnetic_tile",
        "magnetic-tile",
        "magnetic-tile",
        "magnetic tiles",  # blowhole, crack, break, fray, uneven
        {
            "procedural": ("pit", "crack", "chip", "stain", "wear"),
            "learned": ("pit", "scratch", "stain"),
        },
    ),
    Ground(
        "kolektorsdd",
        "kolektor",
        "kolektor",
        "commutators",  # crack
        {"procedural": ("crack",), "learned": ("scratch",)},
    ),
    Ground(
        "neu_det",
        "yolo",
        "neu",
        "hot-rolled strip",  # crazing, inclusion, patches, pitted, rolled-in scale, scratches
        {
            "procedural": ("crack", "pit", "stain", "wear", "scratch"),
            "learned": ("pit", "scratch", "stain"),
        },
        in_windows=True,
    ),
)
