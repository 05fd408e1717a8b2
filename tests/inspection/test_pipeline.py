"""From a stamped image to a decision: formats, micrometres, and the same answer every time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from common.types.image import Image
from common.types.stamped import Stamped
from inspection.job import Job
from inspection.overlay import GREEN, RED, draw
from inspection.pipeline import Inspection, Pipeline, to_8_bit
from tests.inspection.boards import defective, golden
from tests.inspection.known import Known

pytestmark = pytest.mark.inspection


def stamped(image: Image) -> Stamped[Image]:
    return Stamped(7, 11, 13, "camera_left", image)


def spot(width: int = 6, height: int = 3, level: int = 200) -> NDArray[np.uint8]:
    pixels = np.zeros((40, 60), np.uint8)
    pixels[10 : 10 + height, 20 : 20 + width] = level
    return pixels


def test_colours_come_out_in_bgr_order() -> None:
    red = np.zeros((2, 3, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_array_equal(to_8_bit(Image(red, "rgb8"))[0, 0], [0, 0, 255])
    np.testing.assert_array_equal(to_8_bit(Image(red, "bgr8")), red)
    assert to_8_bit(Image(red[..., 0].copy())).shape == (2, 3)


@given(st.integers(0, 65535))
def test_twelve_bits_become_eight_and_more_is_white_not_black(level: int) -> None:
    shown = to_8_bit(Image(np.full((1, 1), level, np.uint16), "mono16"))
    assert shown.dtype == np.uint8
    assert shown[0, 0] == min(level, 4095) // 16


def test_floats_are_refused() -> None:
    with pytest.raises(ValueError, match="32FC1"):
        Pipeline(Known()).step(stamped(Image(np.zeros((4, 4), np.float32), "32FC1")))


@pytest.mark.parametrize(
    ("of_image", "of_pipeline", "size_um"),
    [(2.5, 99.0, 15.0), (None, 10.0, 60.0), (None, None, None)],
)
def test_size_is_the_longer_edge_in_micrometres(
    of_image: float | None, of_pipeline: float | None, size_um: float | None
) -> None:
    """The image's own scale goes before the pipeline's."""
    for pixels in (spot(6, 3), spot(3, 6)):
        image = Image(pixels, um_per_px=of_image)
        result = Pipeline(Known(), um_per_px=of_pipeline).step(stamped(image)).value
        assert [region.size_um for region in result.regions] == [size_um]


def test_the_stamp_stays_and_the_region_is_told() -> None:
    result = Pipeline(Known()).step(stamped(Image(spot())))
    assert (result.seq, result.device_time_ns, result.host_time_ns) == (7, 11, 13)
    assert result.frame_id == "camera_left"
    assert (result.value.is_defective, result.value.score, result.value.threshold) == (
        (True, 200.0, 100.0)
    )
    (region,) = result.value.regions
    assert (region.kind, region.score, region.box_px) == ("defect", 200.0, (20, 10, 26, 13))


@pytest.mark.parametrize(("level", "is_defective"), [(99, False), (100, True), (101, True)])
def test_a_score_at_the_threshold_rejects(level: int, is_defective: bool) -> None:
    result = Pipeline(Known()).step(stamped(Image(spot(level=level)))).value
    assert result.is_defective is is_defective
    assert len(result.regions) == is_defective  # what is weaker is no region


def test_without_a_threshold_nothing_is_decided() -> None:
    with pytest.raises(ValueError, match="no threshold"):
        Pipeline(Known(threshold=None)).step(stamped(Image(spot())))


def told(result: Inspection) -> object:
    return (result.is_defective, result.score, result.threshold, result.regions)


@settings(deadline=None, max_examples=40)
@given(arrays(np.uint8, (24, 32), elements=st.sampled_from([0, 40, 90, 120, 255])))
def test_the_same_sample_is_judged_the_same_and_left_alone(pixels: NDArray[np.uint8]) -> None:
    before = pixels.copy()
    pipeline = Pipeline(Known(), um_per_px=3.0)
    first, second = (pipeline.step(stamped(Image(pixels))).value for _ in range(2))
    assert told(first) == told(second)
    picture = draw(pixels, first)
    np.testing.assert_array_equal(picture, draw(pixels, second))
    np.testing.assert_array_equal(pixels, before)


def test_a_sources_golden_image_goes_before_the_pipelines_own(taught: Job) -> None:
    image, _ = defective(("short",), np.random.default_rng(3))
    blank = np.full_like(image, 255)
    pipeline = Pipeline(taught.method(), blank)
    right = pipeline.step(stamped(Image(image)), golden()).value
    assert [region.kind for region in right.regions] == ["short"]
    wrong = pipeline.step(stamped(Image(image))).value
    assert told(wrong) != told(right)


def test_sixteen_bit_and_coloured_pictures_are_judged_like_the_grey_one(taught: Job) -> None:
    image, _ = defective(("spur", "open"), np.random.default_rng(4))
    pipeline = Pipeline(taught.method(), golden())
    deep = (image.astype(np.uint16) << 4) | 15
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    answers = [
        told(pipeline.step(stamped(picture)).value)
        for picture in (
            Image(image),
            Image(deep, "mono16"),
            Image(colour, "bgr8"),
            Image(colour, "rgb8"),
        )
    ]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (1, 1)])
def test_the_frame_around_the_picture_tells_the_verdict(shape: tuple[int, ...]) -> None:
    for level, colour in ((255, RED), (60, GREEN)):
        pixels = np.full(shape, level, np.uint8)
        encoding = "bgr8" if len(shape) == 3 else "mono8"
        result = Pipeline(Known()).step(stamped(Image(pixels, encoding))).value
        picture = draw(pixels, result)
        assert picture.shape == (*shape[:2], 3) and picture.dtype == np.uint8
        np.testing.assert_array_equal(picture[0, -1], colour)
        np.testing.assert_array_equal(picture[-1, 0], colour)
