"""A golden image is laid over a part that was moved by a known amount."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.methods.registration import BORDER_PX, MIN_SIDE_PX, align
from tests.inspection.boards import golden

pytestmark = pytest.mark.inspection

SIDE = 480


def layout() -> NDArray[np.uint8]:
    """Traces both ways and pads at places drawn by chance, so that no shift looks like another."""
    rng = np.random.default_rng(8)
    board = np.full((SIDE, SIDE), 230, np.uint8)
    for _ in range(30):
        x, y = rng.integers(0, SIDE - 60, 2)
        width, height = rng.integers(10, 60, 2)
        board[y : y + height, x : x + width] = 30
    return board


def moved(image: NDArray[np.uint8], transform: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The part as seen: transform maps its pixels to the golden image's; with blur and noise."""
    height, width = image.shape
    seen = cv2.warpAffine(
        image,
        transform,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    noise = np.random.default_rng(1).normal(0, 6, image.shape)
    return np.clip(cv2.GaussianBlur(seen, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def affine(dx: float, dy: float, degrees: float = 0, scale: float = 1) -> NDArray[np.float32]:
    """About the middle of the image."""
    matrix = cv2.getRotationMatrix2D(((SIDE - 1) / 2, (SIDE - 1) / 2), degrees, scale)
    return np.asarray(matrix + np.array([[0, 0, dx], [0, 0, dy]]), np.float32)


def rms_px(found: NDArray[np.float32], true: NDArray[np.float32]) -> float:
    """Root mean square distance of the two transforms over the image, in pixels."""
    y, x = np.mgrid[BORDER_PX : SIDE - BORDER_PX : 8, BORDER_PX : SIDE - BORDER_PX : 8]
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    return float(np.sqrt((((found - true) @ points) ** 2).sum(0).mean()))


@pytest.mark.parametrize(
    "true",
    [
        affine(0, 0),
        affine(0.5, -0.25),
        affine(3.4, 7.7),
        affine(-13, 12.5),
        affine(2, -5, 0.4),
        affine(-6.3, 1.1, -0.3, 1.004),
    ],
)
def test_known_movements_are_found_to_a_fraction_of_a_pixel(true: NDArray[np.float32]) -> None:
    found = align(layout(), moved(layout(), true), 128.0)
    assert rms_px(found.transform, true) < 0.3
    assert found.mismatch < 0.01


def test_the_laid_image_is_the_golden_one_under_the_transform() -> None:
    true = affine(5.0, -4.0)
    seen = moved(layout(), true)
    found = align(layout(), seen, 128.0)
    inner = np.s_[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    differ = (found.golden[inner] > 128) != (seen[inner] > 128)
    assert found.mismatch == differ.mean()
    assert found.golden.shape == seen.shape and found.golden.dtype == np.uint8


def test_a_part_that_lies_right_is_left_as_it_is() -> None:
    found = align(golden(), golden(), 128.0)
    assert found.mismatch == 0
    np.testing.assert_array_equal(found.golden, golden())


def test_it_never_makes_the_match_worse_than_doing_nothing() -> None:
    """Also where there is nothing to go by: another part, noise, an empty image."""
    rng = np.random.default_rng(5)
    inner = np.s_[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    noise = rng.integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    bright, dark = (np.full((SIDE, SIDE), level, np.uint8) for level in (255, 0))
    for image in (noise, bright, dark, np.rot90(layout()).copy()):
        still = ((layout()[inner] > 128) != (image[inner] > 128)).mean()
        assert align(layout(), image, 128.0).mismatch <= still


@pytest.mark.parametrize("shape", [(SIDE, SIDE + 1), (SIDE // 2, SIDE)])
def test_other_sizes_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"golden image is \(480, 480\)"):
        align(layout(), np.zeros(shape, np.uint8), 128.0)


@pytest.mark.parametrize("side", [1, 16, 40, MIN_SIDE_PX - 1])
def test_too_small_images_are_refused(side: int) -> None:
    tiny = np.zeros((side, 200), np.uint8)
    with pytest.raises(ValueError, match="too small"):
        align(tiny, tiny, 128.0)


def test_the_smallest_image_is_taken() -> None:
    tiny = golden()[:MIN_SIDE_PX, :MIN_SIDE_PX].copy()
    assert align(tiny, tiny, 128.0).mismatch == 0
