"""Image as sensor_msgs/msg/Image."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.view import pixels
from common.drivers.messages import HEADER_DEFINITION, Codec, header
from common.types.image import ENCODINGS, MAX_PIXELS, Image
from common.types.stamped import Stamped

DEFINITION = f"""\
std_msgs/Header header
uint32 height
uint32 width
string encoding
uint8 is_bigendian
uint32 step
uint8[] data
{HEADER_DEFINITION}"""

# fields of Image that the message has no place for, and their types in JSON
_ATTRIBUTES: dict[str, type | tuple[type, ...]] = {
    "um_per_px": (float, int, NoneType),
    "light": str,
    "trigger": (int, NoneType),
    "exposure_us": (float, int, NoneType),
    "gain_db": (float, int, NoneType),
}


def _encode(sample: Stamped[Image]) -> dict[str, Any]:
    image = sample.value
    return {
        "header": header(sample),
        "height": image.height_px,
        "width": image.width_px,
        "encoding": image.encoding,
        "is_bigendian": 0,
        "step": image.pixels.strides[0],
        "data": image.pixels.tobytes(),
    }


def _decode(message: Any, attributes: Mapping[str, Any]) -> Image:
    known = {name: attributes[name] for name in _ATTRIBUTES if name in attributes}
    for name, value in known.items():
        if not isinstance(value, _ATTRIBUTES[name]):
            raise ValueError(f"{name} is {value!r}")
    return Image(_pixels(message), message.encoding, **known)


def _pixels(message: Any) -> NDArray[Any]:
    """ValueError when size, step, encoding and data do not agree; sizes are checked first."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    if message.encoding not in ENCODINGS:
        raise ValueError(f"encoding {message.encoding!r} is none of {', '.join(ENCODINGS)}")
    dtype, channels = ENCODINGS[message.encoding]
    row = width * channels * np.dtype(dtype).itemsize
    if not 0 < height * width <= MAX_PIXELS:
        raise ValueError(f"image of {height} x {width} px is empty or over {MAX_PIXELS} px")
    if message.is_bigendian and np.dtype(dtype).itemsize > 1:
        raise ValueError("big-endian pixels")
    if step < row or len(message.data) != step * height:
        raise ValueError(f"{len(message.data)} bytes are not {height} rows of {step} >= {row}")
    rows = np.frombuffer(message.data, np.uint8).reshape(height, step)[:, :row]
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.ascontiguousarray(rows).view(dtype).reshape(shape)


def _attributes(image: Image) -> dict[str, Any]:
    return {name: getattr(image, name) for name in _ATTRIBUTES}


IMAGE: Codec[Image] = Codec(
    kind="camera",
    schema="sensor_msgs/msg/Image",
    definition=DEFINITION,
    encode=_encode,
    decode=_decode,
    attributes=_attributes,
    view=pixels,
)
