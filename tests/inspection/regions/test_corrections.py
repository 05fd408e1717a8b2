"""Corrections: written beside the results, learned into a new job, nothing known is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.job import Job
from inspection.methods.segment import station_method
from inspection.regions.corrections import (
    FILE,
    RESULTS,
    Correction,
    CorrectionError,
    correct,
    read,
)
from inspection.regions.describe import FEATURES
from inspection.regions.head import Head, HeadError, parse, shipped
from inspection.regions.relearn import RetrainError
from inspection.regions.retrain import FORGOTTEN, kept, retrain
from inspection.regions.verify import choose, in_the_way

pytestmark = pytest.mark.inspection


@pytest.fixture(scope="module")
def head() -> Head:
    found = shipped()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def job() -> Job:
    method = station_method("glaze")
    return Job("segment", method.to_state(), {"value": 6.0}, {"settings": method.settings})


def dent(head: Head, n: int) -> list[tuple[float, ...]]:
    """Regions unlike any that was taught: bright, wide-edged, between a point and a stain."""
    base = head.exemplars.features.mean(0)
    base[FEATURES.index("brightness")], base[FEATURES.index("log_edge_px")] = 1.0, 2.5
    rng = np.random.default_rng(3)
    spread = 0.1 * head.exemplars.features.std(0)
    return [tuple(base + spread * rng.standard_normal(len(base))) for _ in range(n)]


def told(rows: list[tuple[float, ...]], kind: str) -> list[Correction]:
    return [Correction(f"{i}.png", 0, kind, "point", 9.0, row) for i, row in enumerate(rows)]


def line(features: tuple[float, ...]) -> dict[str, Any]:
    return {"image": "a.png", "score": 2.5, "regions": [
        {"kind": "point", "score": 8.0, "features": features}]}  # fmt: skip


def test_repeated_corrections_of_a_new_kind_change_the_answer(job: Job, head: Head) -> None:
    rows = dent(head, 24)
    new, learned = retrain(job, told(rows[:12], "dent"))
    after = Head.from_json(new.recipe["settings"]["head"])
    unseen = np.array(rows[12:])
    assert all(head.kinds.name(c) != "dent" for c in head.kinds.chances(unseen))
    assert all(after.kinds.name(c) == "dent" for c in after.kinds.chances(unseen))
    of = head.exemplars
    assert learned.kept >= 1 - FORGOTTEN
    assert kept(head.kinds, after.kinds, of.features, of.kinds) >= 1 - FORGOTTEN
    assert new.threshold["value"] == job.threshold["value"]


def test_a_false_alarm_is_refused_and_no_known_defect_is(job: Job, head: Head) -> None:
    rows = dent(head, 20)
    new, learned = retrain(job, told(rows[:10], "good"))
    after = Head.from_json(new.recipe["settings"]["head"])
    assert after.verifier is not None and learned.refused == 1.0
    assert not after.verifier.accepts(np.array(rows[10:])).any()
    assert after.verifier.accepts(head.exemplars.features).all()
    assert after.kinds.weights == pytest.approx(head.kinds.weights, abs=1e-4)


def near_a_defect(head: Head, n: int) -> np.ndarray:
    """False alarms that look as a known defect does, by a tenth of what defects differ by."""
    features = head.exemplars.features
    rng = np.random.default_rng(34)
    spread = 0.1 * features.std(0)
    return np.asarray(features[77] + spread * rng.standard_normal((n, features.shape[1])))


def test_false_alarms_like_defects_pass_and_it_is_told_why(job: Job, head: Head) -> None:
    """The number that is told is the one at which the threshold's rule moves, and not before."""
    alarms = near_a_defect(head, 6)
    rows = list(map(tuple, alarms))
    new, learned = retrain(job, told(rows, "good"))
    after = Head.from_json(new.recipe["settings"]["head"])
    assert learned.refused is not None and learned.refused < 1 and after.verifier is not None
    (reason,) = learned.untaken
    count = round(6 * (1 - learned.refused))
    assert reason.startswith(f"{count} of 6 false alarms still pass")
    passing = alarms[after.verifier.accepts(alarms)]
    known = head.exemplars.features
    among, more = in_the_way(after.verifier, known, passing)
    assert f"about {more:,} more regions corrected as defects" in reason
    assert more == 1000 * max(among, 1) - 300
    logits = np.sort(after.verifier.net.logit(known))
    clear = np.full(more, logits[-1])  # defects that nobody takes for anything else
    worst = after.verifier.net.logit(passing).max()
    assert choose(np.concatenate([logits, clear])) > worst
    assert choose(np.concatenate([logits, clear[1:]])) <= worst


def test_nothing_is_told_of_false_alarms_that_are_refused(job: Job, head: Head) -> None:
    assert retrain(job, told(dent(head, 10), "good"))[1].untaken == ()


def test_a_missed_defect_lowers_the_threshold_below_it(job: Job) -> None:
    new, _ = retrain(job, [Correction("a.png", None, "point", "good", 2.5, ())])
    assert new.threshold["value"] < 2.5 and new.threshold["lowered_from"] == 6.0
    assert job.threshold == {"value": 6.0}


def test_corrections_that_contradict_what_is_known_are_refused(job: Job, head: Head) -> None:
    of = head.exemplars
    points = [tuple(f) for f, k in zip(of.features, of.kinds, strict=True) if k == "point"]
    with pytest.raises(RetrainError, match="contradicts"):
        retrain(job, told(points * 8, "stain"))


def test_a_job_without_kinds_and_no_correction_are_refused(job: Job) -> None:
    with pytest.raises(RetrainError, match="before jobs could be corrected"):
        retrain(Job("golden", {}, {"value": 1.0}), told([(0.0,) * len(FEATURES)], "dent"))
    with pytest.raises(RetrainError, match="no correction"):
        retrain(job, [])


def test_corrections_are_appended_and_the_last_one_holds(tmp_path: Path) -> None:
    row = tuple(float(i) for i in range(len(FEATURES)))
    (tmp_path / RESULTS).write_text(json.dumps(line(row)) + "\n")
    for kind in ("scratch", "stain"):
        correct(tmp_path, "a.png", 0, kind)
    correct(tmp_path / RESULTS, "a.png", None, "point")
    assert len((tmp_path / FILE).read_text().splitlines()) == 3
    found = read(tmp_path / FILE)
    assert [(c.region, c.kind) for c in found] == [(0, "stain"), (None, "point")]
    assert found[0].features == row and found[0].was == "point" and found[1].score == 2.5


@pytest.mark.parametrize(
    ("image", "region", "kind", "says"),
    [
        ("b.png", 0, "point", "no image"),
        ("a.png", 1, "point", "1 regions"),
        ("a.png", 0, "Not A Kind", "no kind"),
        ("a.png", 0, "other", "no kind"),
        ("a.png", None, "good", "missed"),
    ],
)
def test_what_does_not_fit_is_refused_and_writes_nothing(
    tmp_path: Path, image: str, region: int | None, kind: str, says: str
) -> None:
    (tmp_path / RESULTS).write_text(json.dumps(line((0.0,) * len(FEATURES))) + "\n")
    with pytest.raises(CorrectionError, match=says):
        correct(tmp_path, image, region, kind)
    assert not (tmp_path / FILE).exists()


def test_an_image_is_named_by_its_file_alone_where_that_tells_it(
    tmp_path: Path, head: Head
) -> None:
    one = line(dent(head, 1)[0])
    there = [one | {"image": name} for name in ("day/a.png", "day/b.png", "night/b.png")]
    (tmp_path / RESULTS).write_text("".join(json.dumps(each) + "\n" for each in there))
    assert correct(tmp_path, "a.png", 0, "good").image == "day/a.png"
    assert correct(tmp_path, "night/b.png", 0, "good").image == "night/b.png"
    with pytest.raises(CorrectionError, match=r"2 images called 'b.png'.*day/b.png, night/b.png"):
        correct(tmp_path, "b.png", 0, "good")
    with pytest.raises(CorrectionError, match=r"no image called 'ay/a.png'"):
        correct(tmp_path, "ay/a.png", 0, "good")


def test_results_without_features_cannot_be_corrected(tmp_path: Path) -> None:
    (tmp_path / RESULTS).write_text(json.dumps(line(())) + "\n")
    with pytest.raises(CorrectionError, match="not described"):
        correct(tmp_path, "a.png", 0, "stain")


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"image": "a"}', '{"features": [1]}'])
def test_a_file_that_is_no_corrections_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text + "\n")
    with pytest.raises(CorrectionError, match="line 1"):
        read(tmp_path / FILE)


def test_the_head_survives_its_file_and_a_broken_one_is_refused(head: Head) -> None:
    text = json.dumps(head.to_json())
    assert json.dumps(parse(text).to_json()) == text
    for wrong in ("{", "[]", "{}", text.replace("log_width_px", "width"), text.replace("0", "NaN")):
        with pytest.raises(HeadError):
            parse(wrong)
