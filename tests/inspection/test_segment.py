"""The shipped segmentation network as a method: maps, boxes, decisions, state."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import expose
from common.runtime.weights import verify_folder
from inspection.methods import segment
from inspection.methods.base import Lesson
from inspection.methods.segment import Segment, station_method, teach
from inspection.models.fcn import STRIDE, WEIGHTS, Fcn, full_size, regions
from inspection.models.shipped import UnlearnedError, learned, name_of, network, thresholds
from inspection.sim.names import CELLS
from inspection.sim.scene import EXPOSURE_US, Truth, station_scene

pytestmark = pytest.mark.inspection

LIMIT = 105_000  # bytes
MISSED = {
    ("inductor", "flat", "scratch"): "its scratch runs from one place of the winding's edge to "
    "another, which the network takes for more of the edge: 4.2 at a threshold of 5.3",
}
LEARNED = [(material, form) for material, forms in learned().items() for form in forms]


@pytest.fixture(scope="module")
def method() -> Segment:
    return station_method("glass")


def frame(  # type: ignore[no-untyped-def]
    material: str, count: int, kind: str = "point", size_um: float = 40.0, form: str = "flat"
):
    part = 0
    scene = station_scene(material, "judge", 321, count, (kind,), (size_um,), 400, form)
    light = scene.render(part, "inspect", 0.0)
    pixels = expose(light, EXPOSURE_US, 0.0, SensorModel(), np.random.default_rng(part))
    return pixels.astype(np.uint8), scene.truth(part)


def test_shipped_weights_are_whole_and_small() -> None:
    manifest = verify_folder(WEIGHTS)
    assert learned() and set(LEARNED) <= set(CELLS)
    for material, forms in learned().items():
        for variant in ("int8", "fp32"):
            card = manifest.models[name_of(material, variant)]
            assert card.bytes < LIMIT
            assert card.score["parameters"] <= 25_000
            assert card.score["parity_differing"] == 0
            assert card.inputs[0].dtype == "uint8"
            assert tuple(thresholds(card.score)) == forms and np.isfinite(
                list(thresholds(card.score).values())
            ).all()  # fmt: skip


def test_what_no_network_has_learned_is_refused_with_what_is_known() -> None:
    for material, form in (("inductor", "arc"), ("wood", "flat")):
        with pytest.raises(UnlearnedError, match=f"{form} parts of {material}.*metal: flat"):
            network(material, form)


@pytest.mark.parametrize(("material", "form"), LEARNED)
@pytest.mark.parametrize(
    ("kind", "size_um"), [("point", 40.0), ("scratch", 40.0), ("stain", 500.0)]
)
def test_a_defect_is_boxed_where_it_lies(
    request: pytest.FixtureRequest, material: str, form: str, kind: str, size_um: float
) -> None:
    if why := MISSED.get((material, form, kind)):
        request.applymarker(pytest.mark.xfail(reason=why, strict=True))
    image, truth = frame(material, 1, kind, size_um, form)
    finding = station_method(material, form).inspect(image)
    assert finding.is_defective
    assert any(_touches(box, truth) for box in finding.found.boxes_px)


def _touches(box: np.ndarray, truth: Truth) -> bool:
    x0, y0, x1, y1 = box.astype(int)
    return bool(truth.mask[y0:y1, x0:x1].any())


@pytest.mark.parametrize(("material", "form"), LEARNED)
def test_a_good_part_passes(material: str, form: str) -> None:
    finding = station_method(material, form).inspect(frame(material, 0, form=form)[0])
    assert not finding.is_defective and len(finding.found) == 0


def test_colour_is_judged_by_its_luminance(method: Segment) -> None:
    image, _ = frame("glass", 4)
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    assert method.inspect(colour).score == method.inspect(image).score == method.score(image)


@pytest.mark.parametrize("shape", [(16, 16), (100, 77), (33, 250), (1, 1)])
def test_any_size_gives_a_map_of_its_size(method: Segment, shape: tuple[int, int]) -> None:
    finding = method.inspect(np.full(shape, 90, np.uint8))
    assert finding.score_map is not None and finding.score_map.shape == shape


def test_what_is_no_frame_is_refused() -> None:
    net = Fcn(network("glass")[0].payload)
    for wrong in (
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((8, 8), np.float32),
        np.zeros((0, 8), np.uint8),
    ):
        with pytest.raises(ValueError, match="a frame is"):
            net.logits(wrong)


def test_state_restores_the_same_method(method: Segment) -> None:
    image, _ = frame("glaze", 4)
    again = Segment.from_state(method.to_state(), {"threshold": 1.25})
    assert again.inspect(image).score == method.inspect(image).score
    assert again.inspect(image).threshold == 1.25
    with pytest.raises(ValueError, match="no network"):
        Segment.from_state({}, {})


def test_teaching_takes_the_network_that_tells_the_first_lessons_and_scores_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segment, "flat", lambda: ("metal", "smd"))  # to one, a board is all defects
    lessons = [Lesson(frame("smd", n)[0], n == 0, str(n)) for n in (0, 4, 0, 9)]
    told: list[tuple[int, int]] = []
    taught = teach(lessons, lambda done, total, what: told.append((done, total)))
    assert taught.held_out.defects.shape == taught.held_out.good.shape == (1,)
    assert taught.held_out.defects[0] > taught.held_out.good[0]
    assert told == [(1, 2), (2, 2)]
    assert taught.to_state()["fcn"] == station_method("smd").to_state()["fcn"]


maps = hnp.arrays(np.float32, (9, 13), elements=st.floats(-20, 20, width=32))


@settings(max_examples=100, deadline=None)
@given(maps, st.floats(-15, 15))
def test_regions_hold_every_hit_and_nothing_else(logits: np.ndarray, threshold: float) -> None:
    shape = (9 * STRIDE - 3, 13 * STRIDE - 5)
    found = regions(logits, threshold, shape)
    covered = np.zeros_like(logits, bool)
    for (x0, y0, x1, y1), score in zip(found.boxes_px, found.scores, strict=True):
        assert 0 <= x0 < x1 <= shape[1] and 0 <= y0 < y1 <= shape[0]
        cell = (slice(int(y0) // STRIDE, -(-int(y1) // STRIDE)),
                slice(int(x0) // STRIDE, -(-int(x1) // STRIDE)))  # fmt: skip
        covered[cell] = True
        assert threshold <= score <= logits[cell].max()
    hits = logits >= np.float32(threshold)
    assert (covered | ~hits).all()
    assert (len(found) == 0) == (not hits.any())
    if hits.any():
        assert found.scores.max() == logits.max()


def test_two_spots_are_two_regions() -> None:
    logits = np.full((8, 8), -5, np.float32)
    logits[1, 1], logits[5, 6] = 3, 7
    found = regions(logits, 0.0, (64, 64))
    assert sorted(map(tuple, found.boxes_px.tolist())) == [(8, 8, 16, 16), (48, 40, 56, 48)]
    assert sorted(found.scores.tolist()) == [3, 7]


def test_the_map_is_repeated_over_its_pixels() -> None:
    logits = np.arange(6, dtype=np.float32).reshape(2, 3)
    large = full_size(logits, (15, 20))
    assert large.shape == (15, 20)
    np.testing.assert_array_equal(large, np.kron(logits, np.ones((8, 8)))[:15, :20])
