"""Our value types as ROS 2 messages and back.

The header's stamp is the sample's host time, as in our recordings; a sample from a message has
that stamp as both of its clocks, so that a result carries the stamp of the image it was found in
and message filters can pair the two. Boxes travel as JSON in std_msgs/String: vision_msgs is not
packaged everywhere, and a String is read by every ROS 2 installation without a build step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.ros.errors import MessageError
from common.ros.ros2 import ImageMessage, String, Time
from common.types.detections import Detections
from common.types.image import ENCODINGS, MAX_PIXELS, Image
from common.types.stamped import Stamped

T = TypeVar("T")

MAX_TEXT_BYTES = 4 << 20  # of a detections message
UNSTATED_FRAME = "unstated"  # stands for the empty frame_id that some publishers send


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """A value type with its message type.

    encode: sample -> message, or None where nothing is to be told of it.
    decode: (message, seq) -> sample, or MessageError.
    """

    message: type[Any]
    encode: Callable[[Stamped[T]], Any]
    decode: Callable[[Any, int], Stamped[T]]


def image_to_message(sample: Stamped[Image]) -> Any:
    """sensor_msgs/Image; one copy of the pixels, into the message.

    What the message has no field for (light, trigger, exposure, micrometres a pixel) stays
    behind.
    """
    image = sample.value
    message = ImageMessage()
    message.header.stamp = _time(sample.host_time_ns)
    message.header.frame_id = sample.frame_id
    message.height, message.width = image.height_px, image.width_px
    message.encoding = image.encoding
    message.is_bigendian = int(_is_big_endian(image.pixels.dtype))
    message.step = image.pixels.strides[0]
    message.data.frombytes(image.pixels.data.cast("B"))  # assigning would copy twice
    return message


def image_from_message(message: Any, seq: int) -> Stamped[Image]:
    """A sample whose pixels are the message's own memory, unless rows are padded or swapped.

    MessageError where encoding, size, step and data do not agree; sizes are checked first.
    """
    try:
        image = Image(_pixels(message), message.encoding)
    except ValueError as error:
        raise MessageError(f"sensor_msgs/Image: {error}") from None
    return _stamped(message.header.stamp, message.header.frame_id, seq, image)


def detections_to_message(sample: Stamped[Detections]) -> Any:
    """std_msgs/String with the JSON of `DetectionsText`."""
    found = sample.value
    text = {
        "stamp_ns": sample.host_time_ns,
        "frame_id": sample.frame_id,
        "seq": sample.seq,
        "boxes_px": found.boxes_px.tolist(),
        "scores": found.scores.tolist(),
        "labels": found.labels.tolist(),
        "names": found.names,
    }
    try:
        return String(data=json.dumps(text, allow_nan=False, separators=(",", ":")))
    except ValueError:
        raise MessageError("scores that are not finite cannot travel as JSON") from None


class DetectionsText(BaseModel):
    """The JSON of a detections message.

    stamp_ns, frame_id: of the image. seq: of the sender's input. boxes_px: x0 y0 x1 y1, edges
    exclusive. labels: index into names.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    stamp_ns: Annotated[int, Field(ge=0, lt=1 << 63)]
    frame_id: Annotated[str, Field(min_length=1)]
    seq: Annotated[int, Field(ge=0)]
    boxes_px: list[tuple[float, float, float, float]]
    scores: list[float]
    labels: list[Annotated[int, Field(ge=0, lt=1 << 31)]]
    names: tuple[str, ...]


def detections_from_message(message: Any, seq: int) -> Stamped[Detections]:
    """A sample of detections; `seq` counts here, as for every stream. MessageError says why not."""
    if len(message.data) > MAX_TEXT_BYTES:
        raise MessageError(f"detections of {len(message.data)} bytes, over {MAX_TEXT_BYTES}")
    try:
        text = DetectionsText.model_validate_json(message.data)
        found = Detections(
            np.array(text.boxes_px, np.float32).reshape(-1, 4),
            np.array(text.scores, np.float32),
            np.array(text.labels, np.int64),
            text.names,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "text"
        raise MessageError(f"detections message: {where}: {first['msg']}") from None
    except ValueError as error:
        raise MessageError(f"detections message: {error}") from None
    return Stamped(seq, text.stamp_ns, text.stamp_ns, text.frame_id, found)


IMAGE: Codec[Image] = Codec(ImageMessage, image_to_message, image_from_message)
DETECTIONS: Codec[Detections] = Codec(String, detections_to_message, detections_from_message)


def _pixels(message: Any) -> NDArray[Any]:
    if message.encoding not in ENCODINGS:
        raise ValueError(f"encoding {message.encoding!r} is none of {', '.join(ENCODINGS)}")
    scalar, channels = ENCODINGS[message.encoding]
    height, width, step = int(message.height), int(message.width), int(message.step)
    if not 0 < height * width <= MAX_PIXELS:
        raise ValueError(f"image of {height} x {width} px is empty or over {MAX_PIXELS} px")
    dtype = np.dtype(scalar).newbyteorder(">" if message.is_bigendian else "<")
    row = width * channels * dtype.itemsize
    if step < row or len(message.data) != step * height:
        raise ValueError(f"{len(message.data)} bytes are not {height} rows of {step} >= {row}")
    rows = np.frombuffer(message.data, np.uint8).reshape(height, step)[:, :row]
    shape = (height, width) if channels == 1 else (height, width, channels)
    pixels = np.ascontiguousarray(rows).view(dtype).reshape(shape)
    return pixels.astype(scalar, copy=False)


def _is_big_endian(dtype: np.dtype[Any]) -> bool:
    return dtype.itemsize > 1 and dtype.newbyteorder("=") == dtype.newbyteorder(">")


def _time(time_ns: int) -> Any:
    sec, nanosec = divmod(time_ns, 1_000_000_000)
    if sec >= 1 << 31:
        raise MessageError(f"{time_ns} ns is past the year 2038, where ROS 2 stamps end")
    return Time(sec=sec, nanosec=nanosec)


def _stamped(stamp: Any, frame_id: str, seq: int, value: T) -> Stamped[T]:
    time_ns = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
    if time_ns < 0:
        raise MessageError(f"a stamp before 1970 ({stamp.sec} s)")
    return Stamped(seq, time_ns, time_ns, frame_id or UNSTATED_FRAME, value)
