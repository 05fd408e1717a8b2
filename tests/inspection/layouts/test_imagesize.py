"""Image headers: sizes as the decoder finds them, and files that are not whole images."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspection.layouts.base import LayoutError
from inspection.layouts.imagesize import image_size
from inspection.layouts.pixels import read_image, read_mask

pytestmark = pytest.mark.inspection

NOISE = np.random.default_rng(1).integers(0, 255, (37, 53, 3), np.uint8)


def encoded(suffix: str, colour: bool = True, *flags: int) -> bytes:
    image = NOISE if colour else NOISE[..., 0]
    done, data = cv2.imencode(suffix, image, list(flags))
    assert done
    return bytes(data)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
@pytest.mark.parametrize("colour", [True, False])
def test_the_size_is_the_decoders(suffix: str, colour: bool, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(suffix, colour))
    assert image_size(path) == (53, 37)
    assert read_image(path).shape == ((37, 53, 3) if colour else (37, 53))
    assert read_image(path, "grey").shape == (37, 53)


def test_a_progressive_jpeg_has_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(".jpg", True, cv2.IMWRITE_JPEG_PROGRESSIVE, 1))
    assert image_size(path) == (53, 37)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
@pytest.mark.parametrize("kept", [0, 1, 3, 10, 25, 200, -10])
def test_a_cut_file_is_named(suffix: str, kept: int, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(suffix)[:kept])
    with pytest.raises(LayoutError, match=path.name):
        image_size(path)


def test_a_compressed_bmp_is_refused(tmp_path: Path) -> None:
    data = bytearray(encoded(".bmp"))
    data[30] = 1  # biCompression: run lengths
    path = tmp_path / "a.bmp"
    path.write_bytes(data)
    with pytest.raises(LayoutError, match="compressed"):
        image_size(path)


def test_a_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    data = zlib.compress(b"\0" * 100)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    with pytest.raises(LayoutError, match="40 Mpx"):
        image_size(path)
    with pytest.raises(LayoutError, match="40 Mpx"):
        read_image(path)


@given(data=st.binary(max_size=80), suffix=st.sampled_from([".png", ".jpg", ".bmp"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_bytes_only_a_layout_error_comes(
    data: bytes, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(encoded(suffix)[:20] + data)
    try:
        width, height = image_size(path)
    except LayoutError:
        return
    assert 0 < width * height <= 40_000_000


def test_a_mask_is_cut_at_half_of_its_largest_value(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    for low, high in ((100, 255), (0, 1), (0, 255)):
        cv2.imwrite(str(path), np.array([[low, high, 0]], np.uint8))
        assert read_mask(path, 3, 1).tolist() == [[False, True, False]]
    cv2.imwrite(str(path), np.zeros((1, 3), np.uint8))
    assert not read_mask(path, 3, 1).any()
