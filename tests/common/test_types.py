"""The value types: what they accept, what they refuse and in which words."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.types.detections import Detections
from common.types.heightmap import HeightMap
from common.types.image import ENCODINGS, MAX_PIXELS, Image
from common.types.stamped import Stamped

pytestmark = pytest.mark.common

times = st.integers(0, 2**62)


@settings(deadline=None)
@given(st.integers(0, 2**62), times, times, st.text(min_size=1))
def test_a_stamp_goes_over_to_what_is_derived(
    seq: int, device_ns: int, host_ns: int, frame: str
) -> None:
    sample = Stamped(seq, device_ns, host_ns, frame, "image")
    derived = sample.with_value("finding")
    assert derived.value == "finding" and sample.value == "image"
    assert derived.with_value("image") == sample


@pytest.mark.parametrize(
    ("field", "value"),
    [("seq", -1), ("device_time_ns", -1), ("host_time_ns", -1), ("frame_id", "")],
)
def test_a_bad_stamp_is_refused_by_name(field: str, value: Any) -> None:
    good = {"seq": 0, "device_time_ns": 0, "host_time_ns": 0, "frame_id": "map", "value": None}
    with pytest.raises(ValueError, match=field):
        Stamped(**{**good, field: value})


def test_values_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Stamped(0, 0, 0, "map", 1).seq = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Image(np.zeros((2, 2), np.uint8)).light = "left"  # type: ignore[misc]


@settings(deadline=None)
@given(st.sampled_from(sorted(ENCODINGS)), st.integers(1, 20), st.integers(1, 20))
def test_an_image_takes_what_its_encoding_says(encoding: Any, height: int, width: int) -> None:
    dtype, channels = ENCODINGS[encoding]
    shape = (height, width) if channels == 1 else (height, width, channels)
    image = Image(np.zeros(shape, dtype), encoding)
    assert (image.height_px, image.width_px) == (height, width)
    for other in ENCODINGS:
        other_dtype, other_channels = ENCODINGS[other]
        if (other_dtype, other_channels) != (dtype, channels):
            with pytest.raises(ValueError, match=f"{other} needs"):
                Image(image.pixels, other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pixels", "more", "reason"),
    [
        (np.zeros((2, 2, 1), np.uint8), {}, "height, width"),
        (np.zeros((2, 2, 4), np.uint8), {"encoding": "bgr8"}, "height, width, 3"),
        (np.zeros((2, 2), np.int8), {}, "needs uint8, got int8"),
        (np.zeros((0, 2), np.uint8), {}, "empty"),
        (np.zeros((2, 2), np.uint8), {"encoding": "yuv"}, "unknown encoding 'yuv'"),
        (np.zeros((4, 2), np.uint8).T, {}, "C-contiguous"),
        (np.zeros((4, 4), np.uint8)[:, ::2], {}, "C-contiguous"),
        (np.zeros((2, 2), np.uint8), {"um_per_px": 0.0}, "um_per_px"),
        (np.zeros((2, 2), np.uint8), {"um_per_px": float("nan")}, "um_per_px"),
    ],
)
def test_a_bad_image_is_refused_with_the_reason(
    pixels: Any, more: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Image(pixels, **more)


def test_an_image_over_the_limit_is_refused() -> None:
    vast = np.broadcast_to(np.uint8(0), (1, MAX_PIXELS + 1))  # no memory behind it
    with pytest.raises(ValueError, match="over 40000000 px"):
        Image(vast)
    assert Image(np.zeros((1, 4096), np.uint8)).width_px == 4096


def test_values_can_be_copied_and_sent_to_another_process() -> None:
    sample = Stamped(3, 4, 5, "optical", Image(np.arange(6, dtype=np.uint8).reshape(2, 3)))
    for twin in (copy.deepcopy(sample), pickle.loads(pickle.dumps(sample))):
        assert (twin.seq, twin.frame_id) == (3, "optical")
        assert np.array_equal(twin.value.pixels, sample.value.pixels)
        assert twin.value.pixels is not sample.value.pixels


def _boxes(n: int) -> dict[str, Any]:
    low = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    return {
        "boxes_px": np.hstack([low, low + 1]),
        "scores": np.linspace(0, 1, n, dtype=np.float32),
        "labels": np.zeros(n, np.int64),
    }


@settings(deadline=None)
@given(st.integers(0, 20))
def test_detections_have_the_length_of_their_parts(n: int) -> None:
    assert len(Detections(**_boxes(n))) == n


def test_no_detections_is_the_default() -> None:
    none = Detections()
    assert len(none) == 0 and none.boxes_px.shape == (0, 4)


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("scores", np.zeros(3, np.float32), "agree on N"),
        ("boxes_px", np.zeros((2, 5), np.float32), "agree on N"),
        ("labels", np.zeros((2, 1), np.int64), "agree on N"),
        ("boxes_px", np.array([[0, 0, 1, np.nan], [0, 0, 1, 1]], np.float32), "finite"),
        ("boxes_px", np.array([[2, 0, 1, 1], [0, 0, 1, 1]], np.float32), "x1 >= x0"),
        ("labels", np.array([0, 1]), "index into|labels must index"),
        ("labels", np.array([0, -1]), "labels must index"),
    ],
)
def test_bad_detections_are_refused_with_the_reason(part: str, value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Detections(**{**_boxes(2), part: value})


def _hole() -> np.ndarray[Any, np.dtype[np.float32]]:
    grid = np.arange(6, dtype=np.float32).reshape(2, 3)
    grid[1, 2] = np.nan
    return grid


def test_a_height_map_says_where_it_saw_something() -> None:
    seen = HeightMap(_hole(), um_per_px=5.0, sigma_um=np.sqrt(_hole()))
    assert (seen.height_px, seen.width_px) == (2, 3)
    assert np.array_equal(seen.valid, [[True, True, True], [True, True, False]])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"height_um": np.zeros((2, 3))}, "needs float32"),
        ({"height_um": np.zeros((2, 3, 1), np.float32)}, "needs float32"),
        ({"height_um": np.zeros((0, 3), np.float32)}, "empty"),
        ({"height_um": np.zeros((3, 2), np.float32).T}, "C-contiguous"),
        ({"height_um": np.full((2, 3), np.inf, np.float32)}, "infinity"),
        ({"um_per_px": 0.0}, "um_per_px must be > 0"),
        ({"sigma_um": np.zeros((3, 2), np.float32)}, "sigma_um is"),
        ({"sigma_um": np.full((2, 3), -1, np.float32)}, "wherever a height is"),
        ({"sigma_um": np.full((2, 3), np.nan, np.float32)}, "wherever a height is"),
    ],
)
def test_a_bad_height_map_is_refused_with_the_reason(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        HeightMap(**{"height_um": _hole(), "um_per_px": 5.0, **changed})
