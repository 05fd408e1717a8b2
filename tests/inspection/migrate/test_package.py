"""A job at home, moved, saved, loaded, replayed and tampered with; on the simulated stations."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.cli.main import run as command
from common.drivers.recorder import Recorder
from common.drivers.registry import create, open_driver
from inspection.config import InspectionConfig
from inspection.job import Job, JobError
from inspection.methods.segment import Segment, station_method
from inspection.migrate.artefact import TARGET
from inspection.migrate.errors import ExposureError, MigrationError
from inspection.migrate.package import Home, Migration, migrated, surveyed
from inspection.migrate.relocated import Relocated
from inspection.pipeline import Pipeline
from inspection.run import run
from inspection.sim.moving import Batch, move, shown

pytestmark = pytest.mark.inspection

FIELD = 0.5
SMALL = TARGET.scaled(FIELD)
THRESHOLD = 5.0
HERE = "B-levelled"  # its coaxial lamp leans by half a degree


@pytest.fixture(scope="module")
def at_home() -> Job:
    """A glass job that knows station A."""
    method = station_method("glass")
    good = list(Batch("glass", 900, 6, field=FIELD).shots("A"))
    job = Job("segment", method.to_state(), {"value": THRESHOLD})
    known = Batch("glass", 903, 2, True, FIELD)
    marked = [(f, known.truth("A", n, True).labels) for n, f in enumerate(known.shots("A"))]
    return surveyed(job, shown("A", "glass", 1, FIELD), good, marked, artefact=SMALL)


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, list[np.ndarray]]:  # type: ignore[type-arg]
    """The target and good parts on station B, whose lamp was levelled."""
    return shown(HERE, "glass", 1, FIELD), list(Batch("glass", 901, 6, field=FIELD).shots(HERE))


@pytest.fixture(scope="module")
def moved(at_home: Job, pictures: tuple[np.ndarray, list[np.ndarray]]) -> Migration:  # type: ignore[type-arg]
    """That job on station B."""
    return migrated(at_home.to_bytes(), *pictures, artefact=SMALL)


def test_what_was_found_is_what_the_station_is(moved: Migration) -> None:
    found = moved.to_json()
    assert found["scale"] == pytest.approx(1.25, rel=1e-4)
    assert found["angle_deg"] == pytest.approx(-3.0, abs=0.01)
    assert not found["mirrored"]
    assert found["radial"] == pytest.approx(-0.004, abs=2e-4)  # looks out by 0.4 %: shows within
    assert found["residual_um"] < 0.5
    assert found["black_dn"] == pytest.approx(9.0, abs=0.3)
    # 1.4 in electronics, over 246 instead of 253 steps
    assert found["gain"] == pytest.approx(1.4 * 246 / 253, rel=0.06)
    assert found["threshold"]["value"] <= THRESHOLD


def test_the_original_is_in_it_untouched(at_home: Job, moved: Migration, tmp_path: Path) -> None:
    path = tmp_path / "moved.job"
    moved.job.save(path)
    again = Job.load(path)
    assert again.origin == at_home.to_bytes()
    assert again.station["origin_sha256"] == sha256(at_home.to_bytes()).hexdigest()
    assert Job.from_bytes(again.origin).to_bytes() == at_home.to_bytes()
    assert again.to_bytes() == path.read_bytes() == moved.job.to_bytes()
    assert isinstance(again.method(), Relocated)
    assert isinstance(at_home.method(), Segment)


def test_a_job_that_was_never_moved_has_the_bytes_it_had() -> None:
    job = Job("segment", station_method("glass").to_state(), {"value": 1.0})
    assert b'"station"' not in job.to_bytes() and b"origin.job" not in job.to_bytes()


def test_an_exchanged_original_is_refused(moved: Migration) -> None:
    assert moved.job.origin is not None
    for origin in (moved.job.origin[:-1] + b"0", None):
        forged = replace(moved.job, origin=origin).to_bytes()
        with pytest.raises(JobError, match="the original inside is not the one"):
            Job.from_bytes(forged)


def test_a_damaged_station_is_an_error_that_names_the_cure(moved: Migration) -> None:
    for station in (
        {**moved.job.station, "here": 3},
        {**moved.job.station, "here": {"geometry": {}}},
        {**moved.job.station, "home": {}},
    ):
        with pytest.raises(MigrationError, match="again"):
            replace(moved.job, station=station).method()
    home = moved.job.station["home"]
    told = Job.from_bytes(moved.job.origin or b"").station["home"]["known"]["kept"][0]
    beyond = {**home, "known": {"kept": [{**told, "at": [9_000, 0]}], "count": 1, "missed": 0}}
    with pytest.raises(MigrationError, match="beyond the station's frame"):
        Home.of(replace(moved.job, station={"home": beyond}))
    with pytest.raises(MigrationError, match="lingnan inspection survey"):
        migrated(
            Job("segment", moved.job.state, {"value": 1.0}).to_bytes(),
            np.zeros((9, 9), np.uint8),
            [],
        )


def test_points_are_found_at_home_and_after_the_move_in_their_own_pixels(moved: Migration) -> None:
    batch = Batch("glass", 77, 1, True, FIELD)
    (frame,) = batch.shots(HERE)
    finding = moved.job.method().inspect(frame)
    truth = batch.truth(HERE, 0, on_drawing=False)
    assert finding.is_defective and finding.score_map is not None
    assert finding.score_map.shape == frame.shape == truth.labels.shape
    corners = finding.found.boxes_px + np.array([-8, -8, 8, 8])  # a cell of the map
    for label in range(1, len(truth.defects) + 1):
        y, x = (v.mean() for v in np.nonzero(truth.labels == label))
        assert ((corners[:, :2] <= (x, y)) & (corners[:, 2:] >= (x, y))).all(axis=1).any()


def test_a_recording_gives_bit_equal_results(moved: Migration, tmp_path: Path) -> None:
    batch = Batch("glass", 78, 3, True, FIELD)
    tape, job = tmp_path / "tape.mcap", tmp_path / "moved.job"
    moved.job.save(job)
    live = []
    with open_driver(batch.camera(HERE)) as camera, Recorder(tape) as recorder:
        pipeline, source = Pipeline(Job.load(job).method()), recorder.tee(camera)
        for _ in range(batch.parts):
            live.append(pipeline.step(source.read(timeout_s=60.0)).value)
    pipeline = Pipeline(Job.load(job).method())
    with create({"kind": "camera", "type": "replay", "path": str(tape), "pace": "fast"}) as source:
        for one in live:
            again = pipeline.step(source.read(timeout_s=60.0)).value
            assert again.score == one.score and again.regions == one.regions
            assert again.finding.score_map is not None and one.finding.score_map is not None
            assert again.finding.score_map.tobytes() == one.finding.score_map.tobytes()


def test_clipped_parts_say_how_to_set_the_camera_and_then_it_goes(at_home: Job) -> None:
    good = list(Batch("glass", 902, 5, field=FIELD).shots(HERE, 6.0))
    with pytest.raises(ExposureError, match="multiply exposure or gain by 0") as refused:
        migrated(at_home.to_bytes(), shown(HERE, "glass", 1, FIELD), good, artefact=SMALL)
    assert 0.3 < refused.value.factor < 0.8
    made = move(at_home, HERE, Batch("glass", 902, 12, field=FIELD))
    assert made.gain_db == 0.0 and made.frames == 13


def test_highlights_ask_for_less_light_never_for_more(
    at_home: Job,
    pictures: tuple[np.ndarray, list[np.ndarray]],  # type: ignore[type-arg]
) -> None:
    target, good = pictures
    shining = [np.where(frame < np.quantile(frame, 0.92), frame, 255) for frame in good]
    dim = [(0.9 * frame).astype(np.uint8) for frame in good]
    shining = [np.where(s == 255, s, d).astype(np.uint8) for s, d in zip(shining, dim, strict=True)]
    with pytest.raises(ExposureError) as refused:
        migrated(at_home.to_bytes(), target, shining, artefact=SMALL)
    assert refused.value.factor <= 0.8


def test_too_few_parts_and_parts_of_another_camera_are_refused(
    at_home: Job,
    pictures: tuple[np.ndarray, list[np.ndarray]],  # type: ignore[type-arg]
) -> None:
    target, good = pictures
    with pytest.raises(MigrationError, match="at least 5 are needed"):
        migrated(at_home.to_bytes(), target, good[:4], artefact=SMALL)
    with pytest.raises(MigrationError, match="taken by one camera"):
        migrated(at_home.to_bytes(), target, [g[:-1] for g in good], artefact=SMALL)


def test_the_command_moves_a_job_and_run_applies_it(
    at_home: Job,
    pictures: tuple[np.ndarray, list[np.ndarray]],  # type: ignore[type-arg]
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "good").mkdir()
    for number, frame in enumerate(pictures[1]):
        cv2.imwrite(str(tmp_path / "good" / f"{number}.png"), frame)
    cv2.imwrite(str(tmp_path / "target.png"), pictures[0])
    job, out = tmp_path / "a.job", tmp_path / "b.job"
    at_home.save(job)
    words = ["inspection", "migrate", str(job), "--target", str(tmp_path / "target.png")]
    words += ["--good", str(tmp_path / "good"), "--out", str(out), "--pitch-um", "500", "--json"]
    assert command(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scale"] == pytest.approx(1.25, rel=1e-4) and told["minutes"] < 5
    plain = [*words[:-4], str(tmp_path / "c.job"), "--pitch-um", "500"]
    assert command(plain) == 0
    assert f"keeps {told['mirror_kept']:.2f} of its share" in capsys.readouterr().out
    assert command([*words[:-4], str(job), "--pitch-um", "500"]) == 2  # onto the job itself
    assert "the job itself" in capsys.readouterr().err
    before = out.read_bytes()
    assert command(words) == 2  # onto what was moved before
    assert "is there already" in capsys.readouterr().err and out.read_bytes() == before
    config = InspectionConfig(job=out, overlays="none")
    results = tmp_path / "results"
    tally = run(str(tmp_path / "good"), config, results, lambda done, total, what: None)
    assert tally.n_images == 6 and tally.n_refused == 0 and tally.n_defective == 0
    assert Job.load(job).to_bytes() == at_home.to_bytes()
