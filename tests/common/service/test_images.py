"""Uploaded images: honest ones decode exactly, hostile ones are refused from their header."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from common.service import images
from common.service.imageheader import ImageError, read_header

from .hostile import encode, files

pytestmark = [pytest.mark.common, pytest.mark.service]
HOSTILE = files()


@pytest.mark.parametrize("kind", [".png", ".bmp", ".tiff", ".webp", ".jpg"])
@pytest.mark.parametrize("shape", [(33, 47), (33, 47, 3), (1, 1, 3)])
def test_honest_images(kind: str, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)
    options = (cv2.IMWRITE_WEBP_QUALITY, 101) if kind == ".webp" else ()
    data = cv2.imencode(kind, pixels, options)[1].tobytes()
    header = read_header(data)
    assert (header.height_px, header.width_px) == shape[:2]
    decoded = images.decode(data)
    if kind == ".webp" and len(shape) == 2:  # the format has no single channel
        decoded = decoded[..., 0]
    assert decoded.shape == shape and decoded.dtype == np.uint8
    if kind != ".jpg":
        assert_array_equal(decoded, pixels)


def test_the_limit_is_on_pixels() -> None:
    data = encode(".png", (40, 60))
    assert images.decode(data, 2400).shape == (40, 60)
    with pytest.raises(ImageError, match="60 x 40"):
        images.decode(data, 2399)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_never_reach_the_decoder(
    name: str, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []
    decoder = cv2.imdecode

    def watched(data: Any, flags: int) -> Any:
        header = read_header(data.tobytes())
        seen.append((header.width_px, header.height_px))
        return decoder(data, flags)

    monkeypatch.setattr(images.cv2, "imdecode", watched)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = client.post("/toy/inspect", files={"image": (name, HOSTILE[name])})
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]
    # only the small PNG with too few rows is for the decoder to refuse
    assert seen == ([(100, 100)] if name == "mismatch.png" else [])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert client.get("/records").json() == []


def test_there_are_more_than_twenty_hostile_files() -> None:
    assert len(HOSTILE) > 20


@pytest.mark.parametrize("kind", [".png", ".bmp", ".tiff", ".webp", ".jpg"])
def test_no_beginning_of_a_file_is_taken_for_it(kind: str) -> None:
    data = encode(kind, (9, 13, 3))
    for end in range(len(data)):
        with pytest.raises(ImageError):
            read_header(data[:end])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.sampled_from([".png", ".bmp", ".tiff", ".webp", ".jpg"]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_changed_bytes_give_an_error_or_the_size_of_the_header(
    kind: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(encode(kind, (9, 13, 3)))
    for at, value in changes:
        data[at % len(data)] = value
    try:
        pixels = images.decode(bytes(data), 100_000)
    except ImageError:
        return
    header = read_header(bytes(data))
    assert pixels.shape[:2] == (header.height_px, header.width_px)


def test_an_honest_upload_is_recorded(client: TestClient, tmp_path: Path) -> None:
    answer = client.post("/toy/inspect", files={"image": ("../x.png", encode(".png"))}).json()
    assert answer["shape"] == [40, 60]
    stored = client.get("/records").json()[0]
    assert (stored["id"], stored["kind"]) == (answer["record"], "toy.result")
    assert not (tmp_path / "x.png").exists() and not (tmp_path.parent / "x.png").exists()
