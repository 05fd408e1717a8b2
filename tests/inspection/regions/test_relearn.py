"""Corrections of golden and anomaly jobs: a false reject becomes good, no known defect is lost."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inspection.cli import app
from inspection.job import Job
from inspection.methods import anomaly
from inspection.methods.base import Finding
from inspection.methods.topology import KINDS
from inspection.pipeline import um_regions
from inspection.regions.corrections import Correction
from inspection.regions.memory import MOST, Memory, remembered
from inspection.regions.relearn import RetrainError
from inspection.regions.retrain import retrain
from inspection.teach import Wish, choose_threshold
from tests.inspection.boards import defective, golden
from tests.inspection.test_anomaly import bad_lessons, good_lessons, silent, surface, with_pit

pytestmark = pytest.mark.inspection
U8 = NDArray[np.uint8]


def marked_board(seed: int, kinds: tuple[str, ...] = ()) -> U8:
    """A board with a printed bar that its golden image lacks, somewhere below the pad."""
    rng = np.random.default_rng(seed)
    image, _ = defective(kinds, rng)
    x, y, width = int(rng.integers(150, 165)), int(rng.integers(203, 209)), rng.integers(50, 70)
    image[y : y + 5, x : x + width] = 0
    return image


def marked_surface(seed: int) -> U8:
    """A brushed surface with a bright bar, which the good samples did not show."""
    rng = np.random.default_rng(seed)
    image = surface(seed + 5000).astype(int)
    x, y, width = int(rng.integers(10, 110)), int(rng.integers(10, 100)), rng.integers(24, 36)
    image[y : y + 10, x : x + width] += 70
    return np.clip(image, 0, 255).astype(np.uint8)


@cache
def surface_job(with_defects: bool) -> Job:
    method = anomaly.teach(good_lessons() + (bad_lessons() if with_defects else []), silent)
    threshold = choose_threshold(method.held_out, Wish())
    return Job("anomaly", method.to_state(), threshold.to_json())


def called(finding: Finding, kind: str = "good", image: str = "a.png") -> list[Correction]:
    """Every region of a finding corrected."""
    return [
        Correction(image, i, kind, one.kind, one.score, one.features)
        for i, one in enumerate(um_regions(finding, None))
    ]


def missed(score: float, image: str = "m.png") -> Correction:
    return Correction(image, None, "pit", "good", score, ())


def rejected(job: Job, images: list[U8], reference: U8 | None = None) -> int:
    method = job.method()
    return sum(method.inspect(image, reference).is_defective for image in images)


def test_a_variation_of_a_board_is_learned_and_no_defect_is_lost(taught: Job) -> None:
    shown, unseen = ([marked_board(i) for i in r] for r in (range(500, 503), range(503, 523)))
    assert rejected(taught, shown + unseen, golden()) == 23
    method, said = taught.method(), []
    for i, image in enumerate(shown):
        said += called(method.inspect(image, golden()), image=f"{i}.png")
    new, learned = retrain(taught, said)
    assert (learned.refused, learned.kept, learned.untaken) == (1.0, 1.0, ())
    assert rejected(new, shown, golden()) == 0
    assert rejected(new, unseen, golden()) <= 10
    for kind in KINDS:
        rngs = [np.random.default_rng(9000 + i) for i in range(20)]
        known = [defective((kind,), rng)[0] for rng in rngs]
        assert rejected(new, known, golden()) == rejected(taught, known, golden()) == 20
        assert rejected(new, [marked_board(9000 + i, (kind,)) for i in range(20)], golden()) == 20


@pytest.mark.parametrize("with_defects", [False, True])
def test_a_variation_of_a_surface_is_learned_and_no_defect_is_lost(with_defects: bool) -> None:
    job = surface_job(with_defects)
    shown, unseen = ([marked_surface(i) for i in r] for r in (range(8), range(10, 30)))
    pits = [with_pit(i)[0] for i in range(600, 630)]
    assert rejected(job, shown + unseen) == 28 and rejected(job, pits) == 30
    method, said = job.method(), []
    for i, image in enumerate(shown):
        said += called(method.inspect(image), image=f"{i}.png")
    new, _ = retrain(job, said)
    assert rejected(new, shown) == 0 and rejected(new, unseen) <= 12
    assert rejected(new, pits) == 30
    for i in range(4):  # what is told of a part agrees with the decision
        finding = new.method().inspect(unseen[i])
        assert finding.is_defective == bool(len(finding.found))
        assert len(finding.marks) == len(finding.detections)


def test_the_same_corrections_give_the_same_bytes_and_leave_the_old_job(taught: Job) -> None:
    before = taught.to_bytes()
    said = called(taught.method().inspect(marked_board(1), golden()))
    one, two = retrain(taught, said)[0], retrain(taught, said)[0]
    assert one.to_bytes() == two.to_bytes() != before == taught.to_bytes()
    again, _ = retrain(one, said)
    assert again.statistics["corrections"] == 2 * len(said)
    back = Job.from_bytes(one.to_bytes()).method()
    assert not back.inspect(marked_board(1), golden()).is_defective


def test_corrections_that_contradict_one_another_are_told(taught: Job) -> None:
    finding = taught.method().inspect(marked_board(1), golden())
    said = called(finding, "good", "a.png") + called(finding, "copper", "b.png")
    with pytest.raises(RetrainError, match=r"contradict.*region 0 of a.png.*region 0 of b.png"):
        retrain(taught, said)


def test_a_known_defect_called_good_is_refused_with_the_reason(taught: Job) -> None:
    known = Memory.of_state(taught.state)
    assert known is not None
    row = tuple(known.defects[0].tolist())
    said = [Correction("a.png", 2, "good", "copper", 3.0, row)]
    with pytest.raises(RetrainError, match=r"region 2 of a.png is like a defect that the job"):
        retrain(taught, said)
    mark = called(taught.method().inspect(marked_board(1), golden()))
    new, learned = retrain(taught, said + mark)
    assert len(learned.untaken) == 1 and learned.kept == 1.0
    assert not new.method().inspect(marked_board(1), golden()).is_defective


def test_a_defect_that_is_corrected_is_never_let_pass_later(taught: Job) -> None:
    """Called a defect today, the bar cannot be called good tomorrow."""
    finding = taught.method().inspect(marked_board(1), golden())
    new, _ = retrain(taught, called(finding, "smear"))
    assert new.method().inspect(marked_board(1), golden()).is_defective
    with pytest.raises(RetrainError, match="like a defect that the job knows"):
        retrain(new, called(finding, "good"))


def test_a_missed_defect_lowers_the_threshold_as_far_as_good_parts_bear() -> None:
    job = surface_job(True)
    memory = Memory.of_state(job.state)
    assert memory is not None
    old, highest = float(job.threshold["value"]), float(memory.good_scores.max())
    assert highest < old  # the classes are apart
    between = (old + highest) / 2
    new, learned = retrain(job, [missed(between)])
    assert new.threshold["value"] < between < old == new.threshold["lowered_from"]
    assert learned.untaken == ()
    buried = float(np.median(memory.good_scores))
    with pytest.raises(RetrainError, match=r"would reject \d+% of the good samples; teach"):
        retrain(job, [missed(buried)])
    _, learned = retrain(job, [missed(buried, "b.png"), missed(between)])
    assert "b.png" in learned.untaken[0]
    with pytest.raises(RetrainError, match="has no score of its own"):
        retrain(job, [missed(old + 1)])


def test_an_old_job_and_foreign_corrections_are_refused_with_the_cure(taught: Job) -> None:
    said = called(taught.method().inspect(marked_board(1), golden()))
    plain = {k: v for k, v in taught.state.items() if not k.startswith("memory_")}
    old = replace(taught, state=plain)
    assert old.method().inspect(marked_board(1), golden()).found_marks.count(None) == len(said)
    with pytest.raises(RetrainError, match="teach it again"):
        retrain(old, said)
    with pytest.raises(RetrainError, match="12 numbers, this job tells 119"):
        retrain(surface_job(False), said)


def test_the_commands_correct_a_job_that_compares(taught: Job, tmp_path: Path) -> None:
    shown, out = tmp_path / "shown", tmp_path / "out"
    shown.mkdir()
    taught.save(tmp_path / "part.job")
    cv2.imwrite(str(shown / "a.png"), marked_board(1))
    cv2.imwrite(str(tmp_path / "golden.png"), golden())

    def call(*words: str) -> None:
        app([*words], result_action="return_value")

    run = ("--reference", str(tmp_path / "golden.png"))
    call("run", str(shown), "--job", str(tmp_path / "part.job"), "--out", str(out), *run)
    call("correct", str(out), "--image", "a.png", "--region", "0", "--kind", "good")
    told = ("--corrections", str(out / "corrections.jsonl"), "--out", str(tmp_path / "new.job"))
    call("retrain", str(tmp_path / "part.job"), *told)
    assert rejected(Job.load(tmp_path / "part.job"), [marked_board(1)], golden()) == 1
    assert rejected(Job.load(tmp_path / "new.job"), [marked_board(1)], golden()) == 0


def test_a_broken_memory_is_refused(taught: Job) -> None:
    for name, wrong in (
        ("memory_defects", np.zeros((3, 5), np.float32)),
        ("memory_scale", np.zeros(12, np.float32)),
        ("memory_reach", np.full(1, np.nan, np.float32)),
        ("memory_good_scores", np.zeros(2)),
    ):
        with pytest.raises(ValueError, match=r"remembers|memory_"):
            Memory.of_state({**taught.state, name: wrong})


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_no_known_defect_is_ever_within_reach(seed: int, known: int, shown: int) -> None:
    rng = np.random.default_rng(seed)
    memory = remembered(rng.normal(0, 2, (known, 3)), rng.normal(size=5))
    new = memory.with_harmless(
        rng.normal(0, 2, (shown, 3)).astype(np.float32),
        rng.normal(0, 2, (2, 3)).astype(np.float32),
    )
    assert not new.passes(new.defects).any()
    assert new.defects.shape == (known + 2, 3)
    assert known == 1 or new.passes(new.harmless).all()


def test_many_defects_are_thinned_evenly() -> None:
    rows = np.arange(3 * MOST, dtype=float)[:, None]
    kept = remembered(rows, np.zeros(0)).defects[:, 0]
    assert len(kept) == MOST and kept[0] == 0 and kept[-1] == 3 * MOST - 1
    assert np.diff(kept).max() <= 4
