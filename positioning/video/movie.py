"""The compressed frames of a Motion-JPEG file, one after the other, not decoded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from positioning.video.detector import PictureError


def packets(path: Path) -> Iterator[bytes]:
    """JPEG bytes of each frame of a file such as .avi or .mkv.

    PictureError for what is no video or holds another coding.
    """
    if not path.is_file():
        raise PictureError(f"{path}: there is no such file")
    reader = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
    try:
        if not reader.isOpened():
            raise PictureError(f"{path}: not a video that can be read")
        while True:
            is_there, packet = reader.read()
            if not is_there:
                return
            data = packet.tobytes()
            if not data.startswith(b"\xff\xd8\xff"):
                raise PictureError(f"{path}: the video is not Motion-JPEG")
            yield data
    finally:
        reader.release()
