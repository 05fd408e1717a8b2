"""Values survive the way through a message, and messages that contradict themselves do not."""

from __future__ import annotations

import array
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytest.importorskip("rclpy", reason="needs lingnan[ros]")
from rclpy.serialization import deserialize_message, serialize_message

from common.ros.convert import DETECTIONS, IMAGE, MAX_TEXT_BYTES
from common.ros.errors import MessageError
from common.types.detections import Detections
from common.types.image import ENCODINGS, Image
from common.types.stamped import Stamped

pytestmark = [
    pytest.mark.common,
    pytest.mark.ros,
    pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning"),  # of lark, for rosidl
]
TIMES = st.integers(0, (1 << 31) * 10**9 - 1)


@st.composite
def images(draw: st.DrawFn) -> Image:
    encoding = draw(st.sampled_from(sorted(ENCODINGS)))
    dtype, channels = ENCODINGS[encoding]
    shape = (draw(st.integers(1, 7)), draw(st.integers(1, 7))) + (3,) * (channels == 3)
    return Image(draw(hnp.arrays(dtype, shape)), encoding)


def _through_cdr(message):
    return deserialize_message(serialize_message(message), type(message))


@settings(deadline=None)
@given(image=images(), time_ns=TIMES, frame=st.sampled_from(["camera_optical", "相机"]))
def test_images_come_back_equal(image: Image, time_ns: int, frame: str) -> None:
    message = _through_cdr(IMAGE.encode(Stamped(9, 1, time_ns, frame, image)))
    back = IMAGE.decode(message, 4)
    assert (back.seq, back.host_time_ns, back.device_time_ns) == (4, time_ns, time_ns)
    assert (back.frame_id, back.value.encoding) == (frame, image.encoding)
    np.testing.assert_array_equal(back.value.pixels, image.pixels)
    assert IMAGE.encode(back) == message  # and the stamp goes on to what is derived from it


def test_the_pixels_are_the_messages_own_memory() -> None:
    message = IMAGE.encode(Stamped(0, 0, 0, "f", Image(np.zeros((48, 64, 3), np.uint8), "rgb8")))
    pixels = IMAGE.decode(message, 0).value.pixels
    message.data[5] = 77
    assert pixels.ravel()[5] == 77


@pytest.mark.parametrize("big", [0, 1])
def test_padded_and_big_endian_rows(big: int) -> None:
    truth = np.arange(6, dtype=np.uint16).reshape(2, 3) * 300
    message = IMAGE.encode(Stamped(0, 0, 0, "f", Image(truth, "mono16")))
    rows = truth.astype(">u2" if big else "<u2").view(np.uint8)
    message.data = array.array("B", np.pad(rows, ((0, 0), (0, 4)), constant_values=9).tobytes())
    message.step, message.is_bigendian = 10, big
    np.testing.assert_array_equal(IMAGE.decode(message, 0).value.pixels, truth)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("encoding", "bayer_rggb8", "encoding 'bayer_rggb8' is none of mono8"),
        ("encoding", "rgb8", "are not 2 rows"),
        ("height", 3, "8 bytes are not 3 rows"),
        ("height", 0, "empty"),
        ("width", 5, "not 2 rows of 4 >= 5"),
        ("width", 4_000_000_000, "over"),
        ("step", 3, "not 2 rows"),
        ("step", 0, "not 2 rows"),
    ],
)
def test_messages_that_contradict_themselves_are_refused(field, value, message) -> None:
    sample = Stamped(0, 0, 0, "f", Image(np.zeros((2, 4), np.uint8)))
    broken = IMAGE.encode(sample)
    setattr(broken, field, value)
    with pytest.raises(MessageError, match=message):
        IMAGE.decode(broken, 0)


def test_times_and_frames_at_their_edges() -> None:
    image = Image(np.zeros((1, 1), np.uint8))
    with pytest.raises(MessageError, match="2038"):
        IMAGE.encode(Stamped(0, 0, (1 << 31) * 10**9, "f", image))
    message = IMAGE.encode(Stamped(0, 0, 0, "f", image))
    message.header.frame_id = ""
    assert IMAGE.decode(message, 0).frame_id == "unstated"
    message.header.stamp.sec = -1
    with pytest.raises(MessageError, match="before 1970"):
        IMAGE.decode(message, 0)


@settings(deadline=None)
@given(
    corners=hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 5), st.just(4)),
        elements=st.floats(0, 1e4, width=32),
    ),
    time_ns=TIMES,
    data=st.data(),
)
def test_detections_come_back_equal(corners, time_ns: int, data: st.DataObject) -> None:
    boxes = np.concatenate(
        [np.minimum(*np.split(corners, 2, 1)), np.maximum(*np.split(corners, 2, 1))], 1
    )
    n = len(boxes)
    scores = data.draw(hnp.arrays(np.float32, n, elements=st.floats(-1e6, 1e6, width=32)))
    labels = data.draw(hnp.arrays(np.int64, n, elements=st.integers(0, 1)))
    sample = Stamped(3, 1, time_ns, "f", Detections(boxes, scores, labels, ("spot", "划痕")))
    back = DETECTIONS.decode(_through_cdr(DETECTIONS.encode(sample)), 8)
    assert (back.seq, back.host_time_ns, back.value.names) == (8, time_ns, ("spot", "划痕"))
    for name in ("boxes_px", "scores", "labels"):
        got, wanted = getattr(back.value, name), getattr(sample.value, name)
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)


GOOD = {
    "stamp_ns": 1,
    "frame_id": "f",
    "seq": 0,
    "boxes_px": [[0, 0, 1, 1]],
    "scores": [1.0],
    "labels": [0],
    "names": ["defect"],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes_px": [[0, 0, 1]]}, r"boxes_px\.0"),
        ({"boxes_px": []}, "do not agree on N"),
        ({"boxes_px": [[2, 0, 1, 1]]}, "x1 >= x0"),
        ({"labels": [1]}, "index the 1 names"),
        ({"labels": [1 << 40]}, "labels"),
        ({"scores": [float("nan")]}, "scores"),
        ({"stamp_ns": -1}, "stamp_ns"),
        ({"more": 1}, "more"),
    ],
)
def test_detections_that_do_not_hold_together_are_refused(change: dict, message: str) -> None:
    text = DETECTIONS.message(data=json.dumps(GOOD))
    assert len(DETECTIONS.decode(text, 0).value) == 1
    text.data = json.dumps(GOOD | change)
    with pytest.raises(MessageError, match=message):
        DETECTIONS.decode(text, 0)


def test_oversize_and_no_json_are_refused() -> None:
    with pytest.raises(MessageError, match="over"):
        DETECTIONS.decode(DETECTIONS.message(data=" " * (MAX_TEXT_BYTES + 1)), 0)
    with pytest.raises(MessageError, match="text: Invalid JSON"):
        DETECTIONS.decode(DETECTIONS.message(data="not json"), 0)
    infinite = Detections(
        np.zeros((1, 4), np.float32), np.array([np.inf], np.float32), np.array([0])
    )
    with pytest.raises(MessageError, match="not finite"):
        DETECTIONS.encode(Stamped(0, 0, 0, "f", infinite))
