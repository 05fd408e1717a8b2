"""A TIFF's size from its header (TIFF 6.0, section 2), so that nothing is decoded before."""

from __future__ import annotations

import struct
from pathlib import Path

from common.types.image import MAX_PIXELS

WIDTH, HEIGHT = 256, 257  # tags
TYPES = {3: "H", 4: "I"}
MOST_TAGS = 200


def tiff_size(path: Path) -> tuple[int, int]:
    """(width, height) of the first image; ValueError for what is no TIFF of at most 40 Mpx."""
    with path.open("rb") as file:
        head = file.read(8)
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
        if order is None or len(head) < 8:
            raise ValueError("not a TIFF image")
        file.seek(struct.unpack(order + "I", head[4:])[0])
        count = file.read(2)
        if len(count) < 2:
            raise ValueError("the TIFF ends within its header")
        entries = min(struct.unpack(order + "H", count)[0], MOST_TAGS)
        raw = file.read(12 * entries)
    sizes = {}
    for at in range(0, len(raw) - 11, 12):
        tag, kind = struct.unpack_from(order + "HH", raw, at)
        if tag in (WIDTH, HEIGHT) and kind in TYPES:
            sizes[tag] = struct.unpack_from(order + TYPES[kind], raw, at + 8)[0]
    width, height = sizes.get(WIDTH, 0), sizes.get(HEIGHT, 0)
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise ValueError(f"{width} x {height} px; from 1 px to 40 Mpx are read")
    return width, height
