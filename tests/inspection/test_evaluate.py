"""Figures of a method whose answers are known come out as worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspection.evaluate import EvaluateError, Scores, evaluate
from inspection.job import Job
from inspection.layouts.base import Dataset, LabelledBox, Refusal, Sample
from inspection.methods import table
from inspection.methods.base import HeldOut, Lesson
from inspection.methods.table import Entry
from inspection.teach import TeachError, Wish, choose_threshold, cross_scores, file_sha256, teach
from tests.inspection.known import Known

pytestmark = pytest.mark.inspection

SIDE = 40
JOB = Job("known", {}, {"value": 100.0})
Spot = tuple[int, int, int, int]  # x0 y0 x1 y1


def quiet(done: int, total: int, what: str) -> None:
    """No progress."""


@pytest.fixture(autouse=True)
def known_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """The known method in the table."""
    entry = Entry("tests.inspection.known:Known", "tests.inspection.known:Known")
    monkeypatch.setitem(table.METHODS, "known", entry)


class Maker:
    """Writes samples: bright spots on black, and what is said to be wrong with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.samples: list[Sample] = []

    def add(self, spots: dict[Spot, int], true: tuple[Spot, ...], kind: str = "spot") -> Sample:
        """One image; `true`: where its defects are, in a mask and as boxes."""
        name = f"{len(self.samples):03d}"
        image = np.zeros((SIDE, SIDE), np.uint8)
        image[0, len(self.samples)] = 1  # no two files are the same
        for (x0, y0, x1, y1), level in spots.items():
            image[y0:y1, x0:x1] = level
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for x0, y0, x1, y1 in true:
            mask[y0:y1, x0:x1] = 255
        path, mask_path = self.root / f"{name}.png", self.root / f"{name}_mask.png"
        cv2.imwrite(str(path), image)
        cv2.imwrite(str(mask_path), mask)
        sample = Sample(
            path, "defect" if true else "good", kind if true else "good", name, SIDE, SIDE,
            mask_path=mask_path if true else None,
            boxes=tuple(LabelledBox(tuple(map(float, box)), kind) for box in true),
        )  # fmt: skip
        self.samples.append(sample)
        return sample

    def data(self, **truth: bool) -> Dataset:
        """has_boxes or has_masks; without boxes the samples have none."""
        chosen = self.samples
        if not truth.get("has_boxes"):
            chosen = [replace(s, boxes=None) for s in chosen]
        skipped = (Refusal(self.root / "x.png", "broken"),)
        return Dataset("drawn", tuple(chosen), skipped, **truth)


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    """Image scores: good 0, 90, 150; defective 200, 120, 80."""
    made = Maker(tmp_path)
    made.add({}, ())
    made.add({(5, 5, 9, 9): 90}, ())
    made.add({(5, 5, 9, 9): 150}, ())
    made.add({(10, 10, 20, 20): 200}, ((10, 10, 20, 20),))
    made.add({(10, 10, 20, 20): 120, (30, 30, 34, 34): 110}, ((10, 10, 20, 20),))
    made.add({(10, 10, 20, 20): 80}, ((10, 10, 20, 20),))
    return made


def scores(data: Dataset, job: Job = JOB, **options: Any) -> Scores:
    return evaluate(data, job, quiet, **options)[0]


def test_whole_images(maker: Maker) -> None:
    told = scores(maker.data())
    # of the nine pairs, 200 beats all, 120 loses to 150, 80 loses to 90 and 150
    assert told.image_auroc == pytest.approx((3 + 2 + 1) / 9)
    assert (told.miss_rate, told.n_defects) == (1 / 3, 3)
    assert (told.false_rate, told.n_good) == (1 / 3, 3)
    # one-sided Clopper-Pearson of 1 in 3: (1 - p)^3 + 3 p (1 - p)^2 = 0.05
    assert told.miss_high is not None and told.miss_high == told.false_high
    p = told.miss_high
    assert (1 - p) ** 3 + 3 * p * (1 - p) ** 2 == pytest.approx(0.05)
    assert (told.n_images, told.n_skipped, told.threshold) == (6, 1, 100.0)
    assert told.map50 is told.pixel_auroc is told.aupro is told.false_per_image is None
    assert 0 <= told.ms_median <= told.ms_p99


def test_pixels(maker: Maker) -> None:
    told = scores(maker.data(has_masks=True))
    # true pixels at 200, 120, 80, a third each; good ones above them: 0; 16 at 150; 16 at 90 more
    # and 16 at 110. All other good pixels lie below.
    n_good = 6 * SIDE * SIDE - 300
    expected = 1 - (0 + 16 + 48) / (3 * n_good)
    assert told.pixel_auroc == pytest.approx(expected, abs=1e-9)
    assert told.false_per_image == pytest.approx(2 / 6)  # 150 on a good image, 110 beside a defect
    assert told.aupro is not None and 0.99 < told.aupro < 1


def test_boxes(maker: Maker) -> None:
    job = Job("known", {}, {"value": 100.0}, {"settings": {"names": ["spot"]}})
    told = scores(maker.data(has_boxes=True), job)
    assert (told.miss_rate, told.n_defects) == (1 / 3, 3)
    assert told.false_per_image == pytest.approx(2 / 6)
    # ranked: 200 right, 150 wrong, 120 right, 110 wrong, 90 wrong, 80 right
    assert told.map50 == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)


def test_boxes_found_by_a_method_that_tells_no_kinds(maker: Maker) -> None:
    named = Job("known", {}, {"value": 100.0}, {"settings": {"names": ["spot"]}})
    data = maker.data(has_boxes=True)
    assert scores(data).map50 == scores(data, named).map50


def test_boxes_of_another_kind_count_against_a_method_that_tells_kinds(maker: Maker) -> None:
    maker.add({(10, 10, 20, 20): 220}, ((10, 10, 20, 20),), kind="scratch")
    job = Job("known", {}, {"value": 100.0}, {"settings": {"names": ["spot"]}})
    told = scores(maker.data(has_boxes=True), job)
    spots = (1 / 2 + 2 / 4 + 3 / 7) / 3  # 220 is now a wrong spot, ranked first
    assert told.map50 == pytest.approx((spots + 0) / 2)
    assert told.n_defects == 4 and told.miss_rate == 1 / 4  # it was found, whatever it was called


def test_good_parts_alone_have_a_false_rate_and_nothing_else(maker: Maker) -> None:
    maker.samples = maker.samples[:3]
    for truth in ({}, {"has_boxes": True}, {"has_masks": True}):
        told = scores(maker.data(**truth))
        assert told.image_auroc is told.miss_rate is told.map50 is told.pixel_auroc is None
        assert told.false_rate == 1 / 3


def test_what_was_taught_is_left_out_and_counted(maker: Maker, tmp_path: Path) -> None:
    taught = frozenset(file_sha256(s) for s in (maker.samples[2], maker.samples[5]))
    job = replace(JOB, taught_sha256=taught)
    told = scores(maker.data(), job)
    assert (told.n_images, told.n_excluded, told.n_taught_seen) == (4, 2, 0)
    assert told.image_auroc == 1 and told.miss_rate == told.false_rate == 0
    all_of_them = scores(maker.data(), job, include_taught=True)
    assert (all_of_them.n_images, all_of_them.n_excluded, all_of_them.n_taught_seen) == (6, 0, 2)


def test_it_is_the_content_that_was_taught_not_the_name(maker: Maker, tmp_path: Path) -> None:
    job = replace(JOB, taught_sha256=frozenset({file_sha256(maker.samples[2])}))
    renamed = tmp_path / "elsewhere.png"
    maker.samples[2].image_path.rename(renamed)
    maker.samples[2] = replace(maker.samples[2], image_path=renamed)
    assert scores(maker.data(), job).n_excluded == 1


def test_nothing_left_to_judge_on_is_said(maker: Maker) -> None:
    job = replace(JOB, taught_sha256=frozenset(map(file_sha256, maker.samples)))
    with pytest.raises(EvaluateError, match="--include-taught"):
        scores(maker.data(), job)


def test_the_judgements_come_in_the_samples_order(maker: Maker) -> None:
    _, judged = evaluate(maker.data(), JOB, quiet)
    assert [j.sample.image_path for j in judged] == [s.image_path for s in maker.samples]
    assert [j.finding.score for j in judged] == [1, 90, 150, 200, 120, 80]


# --- teaching with such a method ---


def lessons(n: int) -> list[Lesson]:
    """n parts, two samples each: a good one and one with a defect."""
    image = np.zeros((8, 8), np.uint8)
    return [Lesson(image + i + 100 * bad, not bad, f"part {i}") for i in range(n) for bad in (0, 1)]


def test_whole_parts_are_held_back() -> None:
    seen: list[tuple[set[str], int]] = []

    class Watched(Known):
        def inspect(self, image: Any, reference: Any = None) -> Any:
            seen.append((self.parts, int(image[0, 0]) % 100))  # type: ignore[attr-defined]
            return super().inspect(image, reference)

    def learn(some: list[Lesson]) -> Known:
        made = Watched()
        made.parts = {one.part for one in some}  # type: ignore[attr-defined]
        return made

    told = cross_scores(lessons(7), learn)
    assert sorted(told.good) == list(range(7))
    assert sorted(told.defects) == list(range(100, 107))
    assert len(seen) == 14
    for parts, i in seen:
        assert f"part {i}" not in parts and len(parts) >= 4


def test_too_few_parts_are_refused() -> None:
    with pytest.raises(TeachError, match="2 parts are too few"):
        cross_scores(lessons(2), lambda some: Known())


@pytest.mark.parametrize(
    "held_out",
    [
        HeldOut(np.full(3, -np.inf), np.zeros(3)),
        HeldOut(np.empty(0), np.empty(0)),
    ],
)
def test_no_score_to_choose_on_is_an_error_a_user_understands(held_out: HeldOut) -> None:
    with pytest.raises(TeachError, match="nothing to choose a threshold on"):
        choose_threshold(held_out, Wish())


def test_the_job_tells_what_it_was_taught_on(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspection.teach.teacher", lambda kind: lambda some, tell: Known())
    job = teach(maker.data(), Wish(method="known"), quiet)
    assert job.kind == "known"
    assert job.taught_sha256 == frozenset(map(file_sha256, maker.samples))
    assert job.taught_parts == {f"{i:03d}" for i in range(6)}
    assert job.statistics["n_by_kind"] == {"good": 3, "spot": 3}
    assert (job.statistics["n_images"], job.statistics["n_skipped"]) == (6, 1)
    assert job.recipe["shape_px"] == [SIDE, SIDE] and not job.recipe["needs_reference"]
    assert job.threshold["basis"] == "zero-miss"
    assert job.threshold["value"] < 80 and job.threshold["misses"] == 0
    good = teach(maker.data(), Wish(method="known", good_only=True), quiet)
    assert good.taught_sha256 == frozenset(map(file_sha256, maker.samples[:3]))
    assert good.threshold["basis"] == "max-good" and good.threshold["value"] > 150


def test_no_sample_is_said() -> None:
    with pytest.raises(TeachError, match="no sample"):
        teach(Dataset("empty", ()), Wish(), quiet)
