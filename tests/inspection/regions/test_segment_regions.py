"""Kinds and sizes where they meet the rest: findings, results, corrections at the command."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import expose
from inspection.cli import app
from inspection.config import InspectionConfig
from inspection.job import Job
from inspection.methods.segment import Segment, station_method
from inspection.overlay import caption
from inspection.pipeline import Region, um_regions
from inspection.regions.corrections import FILE, RESULTS
from inspection.run import run
from inspection.sim.scene import EXPOSURE_US, PIXEL_UM, station_scene

pytestmark = pytest.mark.inspection


def frame(kind: str, size_um: float, count: int = 1) -> np.ndarray:
    scene = station_scene("glaze", "judge", 77, count, (kind,), (size_um,), 400)
    light = scene.render(0, "inspect", 0.0)
    rng = np.random.default_rng(5)
    return expose(light, EXPOSURE_US, 0.0, SensorModel(), rng).astype(np.uint8)


@pytest.mark.parametrize(("kind", "size_um"), [("point", 60.0), ("stain", 500.0)])
def test_a_find_has_its_kind_and_its_size(kind: str, size_um: float) -> None:
    finding = station_method("glaze").inspect(frame(kind, size_um))
    (region,) = um_regions(finding, PIXEL_UM)
    assert region.kind == kind and region.size_um is not None and region.u_size_um is not None
    assert abs(region.size_um - size_um) <= 3 * region.u_size_um
    (bare,) = um_regions(finding, None)
    assert bare.size_um is None and bare.features == region.features


def test_a_scratch_has_a_width_too() -> None:
    (region,) = um_regions(station_method("glaze").inspect(frame("scratch", 40.0)), PIXEL_UM)
    assert region.kind == "scratch"
    assert region.size_um is not None and region.width_um is not None
    assert region.size_um > 5 * region.width_um > 0


def test_a_method_without_a_head_gives_plain_boxes() -> None:
    shipped = station_method("glaze")
    bare = Segment.from_state(shipped.to_state(), {"threshold": shipped.threshold})
    image = frame("point", 60.0)
    told, plain = shipped.inspect(image), bare.inspect(image)
    assert plain.marks == () and plain.found.names == ("defect",)
    assert plain.score == told.score
    np.testing.assert_array_equal(plain.found.boxes_px, told.found.boxes_px)


@pytest.mark.parametrize(
    ("region", "told"),
    [
        (Region("point", 1.0, (0, 0, 1, 1), None), "point"),
        (Region("defect", 1.0, (0, 0, 1, 1), 80.0), "defect 80 um"),
        (Region("point", 1.0, (0, 0, 1, 1), 31.2, 2.0), "point 31 +- 4 um"),
        (Region("scratch", 1.0, (0, 0, 1, 1), 600.0, 9.0, 31.0, 4.0), "scratch 600 +- 18 x 31 um"),
    ],
)
def test_captions(region: Region, told: str) -> None:
    assert caption(region) == told


def test_a_correction_makes_a_new_job(tmp_path: Path) -> None:
    """Through the commands: results, a correction, a new job; the old one is left alone."""
    source = tmp_path / "image.png"
    cv2.imwrite(str(source), frame("stain", 500.0))
    method = station_method("glaze")
    old, new = tmp_path / "old.job", tmp_path / "new.job"
    Job("segment", method.to_state(), {"value": 6.0}, {"settings": method.settings}).save(old)
    before, out = old.read_bytes(), tmp_path / "out"
    run(str(source), InspectionConfig(job=old, um_per_px=PIXEL_UM), out, lambda *_: None)
    (line,) = map(json.loads, (out / RESULTS).read_text().splitlines())
    assert line["defective"] and line["regions"][0]["kind"] == "stain"
    results = (out / RESULTS).read_bytes()
    words = ["--image", line["image"], "--region", "0", "--kind", "blot"]
    app(["correct", str(out), *words], result_action="return_value")
    app(["retrain", str(old), "--corrections", str(out / FILE), "--out", str(new)],
        result_action="return_value")  # fmt: skip
    assert old.read_bytes() == before and (out / RESULTS).read_bytes() == results
    again = tmp_path / "again"
    run(str(source), InspectionConfig(job=new, um_per_px=PIXEL_UM), again, lambda *_: None)
    (line,) = map(json.loads, (again / RESULTS).read_text().splitlines())
    assert line["regions"][0]["kind"] in {"blot", "other", "stain"}
    assert "blot" in Job.load(new).recipe["settings"]["head"]["kinds"]["names"]
