"""Decoding, suppression and the shipped network."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from positioning.video.detector import (
    CROPPED,
    HEIGHT,
    STRIDE,
    WIDTH,
    PictureError,
    boxes_of,
    decode,
    iou,
    network_input,
    suppress,
)

pytestmark = pytest.mark.positioning


def test_decodes_half_size_and_refuses_what_is_no_frame() -> None:
    picture = np.full((1080, 1920, 3), 90, np.uint8)
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    assert decode(data).shape == (540, 960, 3)
    for bad in (b"", data[:40], cv2.imencode(".jpg", picture[:100])[1].tobytes(), b"PNG" + data):
        with pytest.raises(PictureError):
            decode(bad)


def test_pictures_of_another_form_are_refused() -> None:
    with pytest.raises(PictureError, match="16 to 9"):
        network_input(np.zeros((400, 640, 3), np.uint8))
    with pytest.raises(PictureError, match="uint8"):
        network_input(np.zeros((360, 640), np.uint8))


def test_overlap_of_known_boxes() -> None:
    a = np.array([[0.0, 0, 2, 2]])
    b = np.array([[1.0, 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 6]])
    np.testing.assert_allclose(iou(a, b), [[1 / 7, 1.0, 0.0]])


def test_the_best_of_overlapping_boxes_stays() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    assert suppress(boxes, np.array([0.5, 0.9, 0.3]), 0.5).tolist() == [1, 2]


def test_a_single_peak_becomes_its_box() -> None:
    cells = HEIGHT // STRIDE, WIDTH // STRIDE
    heat = np.full((3, *cells), -9.0, np.float32)
    heat[2, 10, 20] = 3.0
    box = np.full((4, *cells), np.log(2.0), np.float32)
    found = boxes_of(heat, box, 3.0, threshold=0.3, overlap=0.5)
    assert found.labels.tolist() == [2]
    middle = np.array([20.5, 10.5]) * STRIDE + [0, CROPPED]
    np.testing.assert_allclose(
        found.boxes_px[0], 3 * np.concatenate([middle - 16, middle + 16]), atol=1e-3
    )
