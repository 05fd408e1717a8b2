"""The station's rows from counts that are known, and lots that meet no other draw."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.acceptance.figures import Plot
from inspection.acceptance import line, station, stream
from inspection.acceptance.crops import Crops, strip
from inspection.acceptance.station import SIZES, Tally, lots, numbers, pod, rows
from inspection.sim.belt import belt
from inspection.sim.defects import Defect
from inspection.sim.names import CELLS
from inspection.sim.scene import Truth
from inspection.sim.trial import Judged, Lot, frames, split

pytestmark = pytest.mark.inspection


def part(scores: list[float], beside: float, kind: str = "point", size_um: float = 30.0) -> Judged:
    defects = tuple(Defect(kind, "pit", 300.0, 300.0, size_um) for _ in scores)  # type: ignore[arg-type]
    truth = Truth(np.zeros((80, 80), np.int16), defects)
    frame = np.full((80, 80), 100, np.uint8)
    return Judged(frame, truth, np.array(scores, np.float32), beside, (40.0, 40.0))


def tally() -> Tally:
    counted = Tally(threshold=1.0)
    lot = Lot("metal", "judge", 1, 1, "point", 30.0, 3)
    counted.add(lot, part([5.0, 0.5, 1.0], beside=2.0))
    counted.add(Lot("metal", "judge", 2, 1, "point", 10.0, 3), part([-3.0], -2.0, size_um=10.0))
    counted.add(Lot("metal", "judge", 3, 1, "scratch", 30.0, 1), part([4.0], -2.0, "scratch"))
    counted.add(Lot("metal", "judge", 4, 1), part([], beside=0.0))
    counted.add(Lot("metal", "judge", 4, 1), part([], beside=1.0))
    return counted


def test_rows_count_what_was_missed_and_what_was_falsely_rejected() -> None:
    found = rows("metal", tally(), "0" * 64)
    assert found["S4-D1-K3/metal"].value == pytest.approx(1 / 3)
    assert found["S4-D1-K3/metal"].n == 3
    assert found["S4-D1-K3/metal-false"].value == pytest.approx(1 / 2)  # at the threshold: rejected
    assert found["S4-D1-R4/metal-point"].n == 3
    assert found["S4-D1-R4/metal-scratch"].value == 0.0
    assert "1 parts with defects also had a find" in found["S4-D1-K3/metal-false"].note


def test_the_curve_has_a_band_that_holds_its_value() -> None:
    drawn = pod("metal", tally())
    assert isinstance(drawn, Plot)
    (curve,) = drawn.series
    assert list(curve.x) == [10.0, 30.0]
    assert curve.low is not None and curve.high is not None
    for low, value, high in zip(curve.low, curve.y, curve.high, strict=True):
        assert 0 <= low <= value <= high <= 1


def test_full_size_holds_the_n_that_the_bound_needs() -> None:
    full = list(lots("glass", SIZES["full"], 7))
    defects = {(lot.kind, lot.size_um): lot.parts * lot.per_part for lot in full if lot.per_part}
    for kind, size in station.STATED_UM.items():
        assert defects[kind, size] >= 1000
    assert sum(lot.parts for lot in full if lot.per_part == 0) >= 299


def test_judged_seeds_meet_no_seed_of_training_or_calibration() -> None:
    fcn_export = pytest.importorskip("inspection.train.fcn_export", exc_type=ImportError)
    from inspection.train.fcn_calibrate import CALIBRATION

    taught = set(range(10_000))  # training: 1000 x seed + 10 x material + geometry
    seeds = [
        lot.seed
        for seed in range(5)
        for m, geometry in CELLS
        for lot in lots(m, numbers("full", geometry), seed, geometry)
    ]
    assert len(set(seeds)) == len(seeds)
    others = (fcn_export.RANGES, CALIBRATION, fcn_export.CHECK)
    assert not set(seeds) & (taught | {s + i for s in others for i in range(1000)})


def test_ids_are_unique_and_cover_every_material_and_kind() -> None:
    ids = [
        row.id
        for experiment in (*station.EXPERIMENTS, *line.EXPERIMENTS, *stream.EXPERIMENTS)
        for row in experiment.indicators
    ]
    assert len(set(ids)) == len(ids)
    for material, geometry in CELLS:
        for kind in ("point", "scratch", "stain"):
            host = material if geometry == "flat" else f"{material}-{geometry}"
            assert f"S4-D1-R4/{host}-{kind}" in ids
    assert {"S4-D1-K1/arc", "S4-D1-K1/freeform"} <= set(ids)


def test_a_curved_part_has_the_rows_of_its_geometry_alone() -> None:
    counted = Tally(threshold=1.0)
    lot = Lot("metal", "judge", 1, 1, "stain", 400.0, 2, "arc")
    counted.add(lot, part([5.0, 0.5], beside=2.0, kind="stain", size_um=400.0))
    counted.add(Lot("metal", "judge", 4, 1, geometry="arc"), part([], beside=3.0))
    found = rows("metal", counted, "0" * 64, "arc")
    assert set(found) == {"S4-D1-R4/metal-arc-stain", "S4-D1-R4/metal-arc-false"}
    assert found["S4-D1-R4/metal-arc-stain"].value == pytest.approx(1 / 2)
    assert found["S4-D1-R4/metal-arc-false"].value == 1.0


def test_pictures_are_kept_by_outcome() -> None:
    crops = Crops()
    crops.keep(Lot("metal", "judge", 1, 1, "point", 30.0, 2), part([5.0, 0.0], 3.0), 1.0)
    captions = [picture.caption for picture in crops.figures("point")]
    assert [caption.split(":")[0] for caption in captions] == ["Found", "Missed", "Falsely found"]
    picture = cv2.imdecode(np.frombuffer(strip([np.zeros((9, 9, 3), np.uint8)] * 5), np.uint8), 1)
    assert picture.shape[0] < picture.shape[1]


def test_scores_are_split_between_defects_and_the_rest() -> None:
    labels = np.zeros((64, 64), np.int16)
    labels[10:12, 10:12], labels[50, 50] = 1, 2
    logits = np.full((8, 8), -5, np.float32)
    logits[1, 1], logits[2, 2], logits[6, 6], logits[0, 7] = 3, 4, 2, 1
    truth = Truth(labels, (Defect("point", "pit", 0, 0, 20), Defect("point", "pit", 0, 0, 10)))
    scores, beside, at = split(logits, truth)
    assert scores.tolist() == [4, 2]  # a find within 8 px of the defect is the defect's
    assert beside == 1 and at == (60.0, 4.0)


def test_frames_come_from_the_camera_driver_with_their_truth() -> None:
    lot = Lot("glass", "judge", 3, 2, "point", 60.0, 4)
    seen = list(frames(lot))
    assert len(seen) == 2
    for frame, truth in seen:
        assert frame.shape == truth.labels.shape == (1024, 1024) and frame.dtype == np.uint8
        inside, all_ = frame[truth.mask].astype(float), frame.astype(float)
        assert inside.mean() < all_.mean() - 20


def test_the_streams_belt_moves_by_half_a_pixel_an_exposure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = []

    class Stop(Exception): ...

    def camera(config: object) -> None:
        told.append(config)
        raise Stop

    monkeypatch.setattr(stream, "SimCamera", camera)
    with pytest.raises(Stop):
        stream.work(("glass",), 1, 31)
    (config,) = told
    moving = belt(**config.parameters)._motion
    assert moving.smear_px(config.exposure_us, config.um_per_px) == pytest.approx(0.5)
    assert moving.encoder_um == config.um_per_px  # up to half a pixel off the mark
