"""Files made to hurt: each claims to be an image and must be refused before it is decoded."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import cv2
import numpy as np

_PNG = b"\x89PNG\r\n\x1a\n"


def encode(kind: str, shape: tuple[int, ...] = (40, 60)) -> bytes:
    """An honest image of seeded noise."""
    pixels = np.random.default_rng(3).integers(0, 255, shape, dtype=np.uint8)
    return cv2.imencode(kind, pixels)[1].tobytes()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, idat: bytes, extra: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return _PNG + chunk(b"IHDR", head) + extra + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def png_bomb() -> bytes:
    """50 KB that inflate to 17000 x 17000 RGB: 0.87 GB."""
    row, deflate = bytes(1 + 3 * 17000), zlib.compressobj(9)
    idat = b"".join(deflate.compress(row) for _ in range(1000)) + deflate.flush()
    return png(17_000, 17_000, idat)


def jpeg_sized(width: int, height: int) -> bytes:
    """An honest JPEG whose frame header was changed."""
    data = bytearray(encode(".jpg"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp(width: int, height: int, body: bytes = b"") -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<III", 54 + len(body), 0, 54) + head + body


def tiff(width: int, height: int, more: int = 0, strip: tuple[int, int] = (8, 16)) -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8)]
    entries += [(273, 4, 1, strip[0]), (277, 3, 1, 1), (279, 4, 1, strip[1])]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    body = struct.pack("<H", len(entries)) + directory + struct.pack("<I", more)
    return b"II*\0" + struct.pack("<I", 8) + body


def webp(width: int, height: int, inner: bytes) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunks = b"VP8X" + struct.pack("<II", 10, 0) + size + inner
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("../../evil", "x")
    return archive.getvalue()


def files() -> dict[str, bytes]:
    """name -> content; the names travel in the multipart form, some climb out of a folder."""
    good_webp = encode(".webp", (40, 60, 3))
    tail = good_webp[12:]
    return {
        "bomb.png": png_bomb(),
        "huge.png": png(2**31 - 1, 2**31 - 1, zlib.compress(b"")),
        "wide.png": png(40_000_001, 1, zlib.compress(b"\0")),
        "short.png": png(4000, 4000, zlib.compress(bytes(100))),
        "two.png": png(8, 8, zlib.compress(bytes(200)), chunk(b"acTL", bytes(8))),
        "cut.png": encode(".png")[:-20],
        "crc.png": encode(".png").replace(b"IDAT", b"IDAU"),
        "mismatch.png": png(100, 100, zlib.compress(bytes(301 * 40))),
        "zip.png": encode(".png") + zipped(),
        "huge.jpg": jpeg_sized(65_500, 65_500),
        "zero.jpg": jpeg_sized(0, 0),
        "cut.jpg": encode(".jpg")[:-30],
        "html.jpg": encode(".jpg") + b"<script>alert(1)</script>",
        "twice.jpg": encode(".jpg")[:-2] + encode(".jpg")[2:],
        "huge.bmp": bmp(60_000, 60_000),
        "negative.bmp": bmp(-10, 2**31 - 1),
        "short.bmp": bmp(1000, -1000, bytes(64)),
        "huge.tiff": tiff(2**31, 2**31),
        "loop.tiff": tiff(4, 4, more=8),
        "outside.tiff": tiff(4, 4, strip=(2**31, 2**31)),
        "huge.webp": webp(16_000_000, 16_000_000, b""),
        "mismatch.webp": webp(16_000, 2_000, tail),
        "cut.webp": good_webp[:-9],
        "../../etc/passwd": b"root:x:0:0",
        "..%2f..%2fx.png": b"",
        "/abs/x.gif": b"GIF89a" + bytes(64),
        "x.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "x.exr": b"\x76\x2f\x31\x01" + bytes(64),
    }
