"""What every layout's reader gives: samples, and what it could not read, named and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.errors import LingnanError

OnError = Literal["refuse", "skip"]
Label = Literal["good", "defect"]


class LayoutError(LingnanError):
    """A file of a data set is not what its layout says; the message names it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A true defect: x0 y0 x1 y1 in pixels (x1, y1 exclusive edges) and its kind."""

    box_px: tuple[float, float, float, float]
    kind: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of a data set and all that is known of it; nothing is decoded yet.

    reference_path: the golden image of the same part, where the layout has one.
    mask_path: an image of the same size, not zero on the defect; None where there is none.
    boxes: the true defects, () on a good image; None where the layout has no boxes.
    kind: "good" or the defect's name. part: samples of one physical part share it, so that a
    split by part never separates them.
    """

    image_path: Path
    label: Label
    kind: str
    part: str
    width_px: int
    height_px: int
    reference_path: Path | None = None
    mask_path: Path | None = None
    boxes: tuple[LabelledBox, ...] | None = None

    @property
    def is_good(self) -> bool:
        return self.label == "good"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that could not be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A layout as read: its samples in the order of their paths, and what was skipped.

    has_masks, has_boxes: what truth the layout carries, apart from good and defective.
    """

    name: str
    samples: tuple[Sample, ...]
    skipped: tuple[Refusal, ...] = ()
    has_masks: bool = False
    has_boxes: bool = False


Read = Callable[[Path, OnError], Dataset]


def collect(
    items: Iterable[Callable[[], Sample]], on_error: OnError
) -> tuple[tuple[Sample, ...], tuple[Refusal, ...]]:
    """Run each maker of a sample; refuse at the first LayoutError, or skip and remember it."""
    samples: list[Sample] = []
    skipped: list[Refusal] = []
    for make in items:
        try:
            samples.append(make())
        except LayoutError as error:
            if on_error == "refuse":
                raise
            skipped.append(Refusal(error.path, error.reason))
    samples.sort(key=lambda sample: sample.image_path)
    return tuple(samples), tuple(skipped)
