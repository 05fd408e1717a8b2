"""An image's size from its header, without decoding: PNG, JPEG, BMP, TIFF, WebP.

A 48 KB PNG can ask a decoder for gigabytes, so the header is read first. Each reader walks the
whole container by its own lengths: a file that ends early, goes on after its end (another file
hidden behind), holds several pictures, or says two different sizes is refused. The formats:
PNG (ISO/IEC 15948), JPEG (ITU-T T.81), BMP (BITMAPINFOHEADER), TIFF 6.0, WebP (RFC 9649).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from common.errors import LingnanError


class ImageError(LingnanError):
    """An uploaded image is refused; the message says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its picture: `format` is "png", "jpeg", "bmp", "tiff" or "webp"."""

    format: str
    width_px: int
    height_px: int


def read_header(data: bytes) -> Header:
    """The header of a complete single image; ImageError for anything else."""
    for magic, name, reader in _READERS:
        if magic.match(data):
            try:
                width, height = reader(data)
            except (struct.error, IndexError) as error:
                raise ImageError(f"the {name} file is truncated: {error}") from None
            if width < 1 or height < 1:
                raise ImageError(f"the {name} header says {width} x {height} px")
            return Header(name, width, height)
    raise ImageError("not a PNG, JPEG, BMP, TIFF or WebP image")


# PNG -----------------------------------------------------------------------------------------

_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MAX_PARTS = 2**16  # chunks or segments; a file of empty ones is there to keep us walking


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view, at = memoryview(data), 8
    for _ in range(_MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = view[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != crc:
            raise ImageError(f"PNG chunk {kind!r} has a wrong checksum")
        yield kind, body
        at += 12 + length
        if kind == b"IEND":
            _refuse_rest("PNG", data, at)
            return
    raise ImageError(f"the PNG has over {_MAX_PARTS} chunks")


def _png(data: bytes) -> tuple[int, int]:
    chunks = _png_chunks(data)
    kind, first = next(chunks)
    if kind != b"IHDR" or len(first) != 13:
        raise ImageError("the PNG does not begin with an IHDR chunk")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", first)
    if depth not in _PNG_DEPTHS.get(colour, ()):
        raise ImageError(f"PNG colour type {colour} with {depth} bits does not exist")
    deflated = 0
    for kind, body in chunks:
        if kind in (b"IHDR", b"acTL"):
            raise ImageError("the PNG holds more than one picture")
        deflated += len(body) if kind == b"IDAT" else 0
    # deflate shrinks to 1/1032 at best, so fewer bytes than this cannot hold the pixels
    inflated = height * (1 + width * depth * _PNG_SAMPLES[colour] // 8)
    if not interlace and deflated * 1032 < inflated:
        raise ImageError(f"the PNG says {width} x {height} px and has data for fewer")
    return width, height


# JPEG ----------------------------------------------------------------------------------------

_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # neither stuffing, restart nor fill
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_MAX_SCANS = 64  # a progressive picture has about ten; each costs a pass over all pixels


def _jpeg(data: bytes) -> tuple[int, int]:
    size: tuple[int, int] | None = None
    at, scans = 2, 0
    for _ in range(_MAX_PARTS):
        found = _JPEG_MARKER.search(data, at)
        if found is None:
            raise ImageError("the JPEG file is truncated: it has no end marker")
        marker, at = data[found.start() + 1], found.end()
        if not scans and found.start() != at - 2:
            raise ImageError("the JPEG has bytes between its segments")
        if marker == 0xD9:
            _refuse_rest("JPEG", data, at)
            if size is None or not scans:
                raise ImageError("the JPEG holds no picture")
            return size
        (length,) = struct.unpack_from(">H", data, at)
        if marker in _JPEG_FRAMES:
            if size is not None:
                raise ImageError("the JPEG says its size twice")
            _, height, width = struct.unpack_from(">BHH", data, at + 2)
            size = width, height
        scans += marker == 0xDA
        if marker == 0xD8 or scans > _JPEG_MAX_SCANS:
            raise ImageError("the JPEG holds more than one picture, or too many scans")
        at += length
    raise ImageError(f"the JPEG has over {_MAX_PARTS} segments")


# BMP -----------------------------------------------------------------------------------------


def _bmp(data: bytes) -> tuple[int, int]:
    start, head = struct.unpack_from("<II", data, 10)
    if head < 40:
        raise ImageError("BMP files of OS/2 are not read")
    width, height, planes, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if planes != 1 or bits not in (1, 4, 8, 16, 24, 32) or compression not in (0, 3):
        raise ImageError(f"BMP with {bits} bits, compression {compression} is not read")
    height = abs(height)  # negative: rows go from the top down
    end = start + (width * bits + 31) // 32 * 4 * height
    if width > 0 and len(data) < end:
        raise ImageError(f"the BMP says {width} x {height} px and has data for fewer")
    if width > 0 and len(data) > end + 3:  # some writers pad the file to four bytes
        _refuse_rest("BMP", data, end)
    return width, height


# TIFF ----------------------------------------------------------------------------------------

_TIFF_TYPES = {3: "H", 4: "I"}
_TIFF_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_WIDTH, _HEIGHT, _BITS, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 258, 277, 322, 323
_OFFSETS = {273: 279, 324: 325}  # where strips or tiles start: how many bytes each has
_READ = frozenset({_WIDTH, _HEIGHT, _BITS, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT, 273, 279, 324, 325})
_MAX_VALUES = 2**18


def _tiff_tags(data: bytes, order: str) -> tuple[dict[int, tuple[int, ...]], int]:
    """The tags that say what is where, and where the directory and its values end."""
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    end = at + 2 + 12 * count + 4
    tags: dict[int, tuple[int, ...]] = {}
    for entry in range(at + 2, end - 4, 12):
        tag, kind, n, where = struct.unpack_from(order + "HHII", data, entry)
        n_bytes = _TIFF_BYTES.get(kind, 0) * n
        end = max(end, where + n_bytes if n_bytes > 4 else 0)
        if tag in _READ and kind in _TIFF_TYPES:
            if tag in tags or n > _MAX_VALUES:
                raise ImageError(f"TIFF tag {tag} is there twice or has {n} values")
            start = where if n_bytes > 4 else entry + 8
            tags[tag] = struct.unpack_from(f"{order}{n}{_TIFF_TYPES[kind]}", data, start)
    (more,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    if more:
        raise ImageError("the TIFF holds more than one picture")
    return tags, end


def _tiff(data: bytes) -> tuple[int, int]:
    tags, end = _tiff_tags(data, "<" if data[:2] == b"II" else ">")
    width, height = (_one(tags, tag) for tag in (_WIDTH, _HEIGHT))
    samples, bits = tags.get(_SAMPLES, (1,)), tags.get(_BITS, (1,))
    if samples not in ((1,), (3,), (4,)) or not set(bits) <= {1, 8, 16} or len(bits) > 4:
        raise ImageError(f"TIFF with {samples} samples of {bits} bits is not read")
    if not any(tag in tags for tag in _OFFSETS):
        raise ImageError("the TIFF holds no picture")
    for offsets, counts in _OFFSETS.items():
        starts, sizes = tags.get(offsets, ()), tags.get(counts, ())
        if len(starts) != len(sizes):
            raise ImageError("the TIFF's strips do not agree in number")
        end = max([end, *(start + size for start, size in zip(starts, sizes, strict=True))])
    if end > len(data):
        raise ImageError("the TIFF file is truncated: it points outside itself")
    _refuse_rest("TIFF", data, end + end % 2)
    for tile, edge in ((_TILE_WIDTH, width), (_TILE_HEIGHT, height)):
        if tile in tags and _one(tags, tile) > max(256, 2 * edge):
            raise ImageError(f"the TIFF's tiles are far larger than its {width} x {height} px")
    return width, height


def _one(tags: dict[int, tuple[int, ...]], tag: int) -> int:
    values = tags.get(tag, ())
    if len(values) != 1:
        raise ImageError(f"TIFF tag {tag} has {len(values)} values, not one")
    return values[0]


# WebP ----------------------------------------------------------------------------------------


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    (size,) = struct.unpack_from("<I", data, 4)
    if len(data) < size + 8:
        raise ImageError(f"the WebP says {size + 8} bytes and has {len(data)}")
    _refuse_rest("WebP", data, size + 8)
    at = 12
    for _ in range(_MAX_PARTS):
        if at >= size + 8:
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            raise ImageError("the WebP file is truncated")
        yield kind, at + 8
        at += 8 + length + length % 2
    raise ImageError(f"the WebP has over {_MAX_PARTS} chunks")


def _webp(data: bytes) -> tuple[int, int]:
    canvas: tuple[int, int] | None = None
    picture: tuple[int, int] | None = None
    for kind, at in _webp_chunks(data):
        if kind in (b"VP8 ", b"VP8L") and picture is not None:
            raise ImageError("the WebP holds more than one picture")
        if kind in (b"ANIM", b"ANMF"):
            raise ImageError("the WebP is animated")
        if kind == b"VP8X":
            low = struct.unpack_from("<HBHB", data, at + 4)
            canvas = (low[0] | low[1] << 16) + 1, (low[2] | low[3] << 16) + 1
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", data, at + 6)
            picture = width & 0x3FFF, height & 0x3FFF
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", data, at + 1)
            picture = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if picture is None:
        raise ImageError("the WebP holds no picture")
    if canvas not in (None, picture):
        raise ImageError(f"the WebP says {canvas} and holds {picture} px")
    return picture


def _refuse_rest(name: str, data: bytes, end: int) -> None:
    if len(data) > end:
        raise ImageError(f"{len(data) - end} bytes follow the end of the {name} picture")


_READERS: tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], tuple[int, int]]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png", _png),
    (re.compile(rb"\xff\xd8\xff"), "jpeg", _jpeg),
    (re.compile(rb"BM"), "bmp", _bmp),
    (re.compile(rb"II\*\x00|MM\x00\*"), "tiff", _tiff),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "webp", _webp),
)
