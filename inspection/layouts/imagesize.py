"""An image's size from its header, so that nothing is decoded before its size is known.

PNG (ISO/IEC 15948), JPEG (ITU-T T.81) and BMP (BITMAPINFOHEADER). A file whose end is missing is
refused as well: JPEG decoders fill what is missing with grey and say nothing.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from inspection.layouts.base import LayoutError

MAX_PIXELS = 40_000_000
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})

_TAIL_BYTES = 4096  # some cameras write a few bytes behind the end marker
_MAX_SEGMENTS = 1024
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOF markers of T.81, table B.1


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels; LayoutError for what is no whole image of at most 40 Mpx."""
    try:
        with path.open("rb") as file:
            width, height = _size(file)
    except OSError as error:
        raise LayoutError(path, f"cannot be read: {error.strerror}") from None
    except (struct.error, IndexError):
        raise LayoutError(path, "the image ends within its header") from None
    except ValueError as error:
        raise LayoutError(path, str(error)) from None
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise LayoutError(path, f"{width} x {height} px; from 1 px to 40 Mpx are read")
    return width, height


def _size(file: BinaryIO) -> tuple[int, int]:
    head = file.read(34)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        _require_end(file, b"IEND")
        width, height = struct.unpack_from(">II", head, 16)
    elif head.startswith(b"\xff\xd8\xff"):
        _require_end(file, b"\xff\xd9")
        width, height = _jpeg(file)
    elif head.startswith(b"BM"):
        width, height = _bmp(file, head)
    else:
        raise ValueError("not a PNG, JPEG or BMP image")
    return width, height


def _require_end(file: BinaryIO, mark: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _TAIL_BYTES))
    if mark not in file.read():
        raise ValueError("the image is cut off: its end marker is missing")


def _jpeg(file: BinaryIO) -> tuple[int, int]:
    file.seek(2)
    for _ in range(_MAX_SEGMENTS):
        start, marker, length = struct.unpack(">BBH", file.read(4))
        if start != 0xFF or length < 2:
            break
        if marker == 0xFF:  # fill bytes may stand before a marker
            file.seek(-3, os.SEEK_CUR)
        elif marker in _FRAMES:
            _, height, width = struct.unpack(">BHH", file.read(5))
            return width, height
        else:
            file.seek(length - 2, os.SEEK_CUR)
    raise ValueError("the JPEG's header is broken")


def _bmp(file: BinaryIO, head: bytes) -> tuple[int, int]:
    start, size, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", head, 10)
    if size < 40 or compression not in (0, 3):
        raise ValueError("BMP files of OS/2 and compressed ones are not read")
    height = abs(height)  # negative: rows go from the top down
    if file.seek(0, os.SEEK_END) < start + (width * bits + 31) // 32 * 4 * height:
        raise ValueError("the image is cut off: it has fewer bytes than its header says")
    return width, height
