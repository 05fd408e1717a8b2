"""Kinds named by what they are said to be, and samples that are named together."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from edge_deploy.acceptance import detection
from edge_deploy.acceptance.patches import Frame
from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.attributes import Description, named
from edge_deploy.fewshot.episodes import Episode, nearest
from edge_deploy.fewshot.patches import Surface
from edge_deploy.fewshot.together import named_together

pytestmark = pytest.mark.edge


def disc(radius_px: int) -> np.ndarray:
    return cv2.circle(np.zeros((128, 128), np.uint8), (64, 64), radius_px, 255, -1)


def ellipse(long_px: int, short_px: int, degrees: int) -> np.ndarray:
    shape = ((64, 64), (long_px, short_px), degrees)
    return cv2.ellipse(np.zeros((128, 128), np.uint8), shape, 255, -1)


def test_a_kind_is_what_it_is_said_to_be_in_every_direction() -> None:
    for degrees in range(0, 180, 15):
        assert named(ellipse(60, 10, degrees), 10.0, detection.SAID) == "scratch"
    assert named(disc(3), 10.0, detection.SAID) == "point"
    assert named(disc(12), 10.0, detection.SAID) == "stain"
    assert named(disc(12), 1.0, detection.SAID) == "point", "sizes are of the part, not of pixels"


def test_the_least_contradicted_description_is_taken() -> None:
    """Octaves outside: a disc of 40 um is one octave over 20 um and two below 160 um."""
    kinds = {"small": Description(size_um=(0.0, 20.0)), "large": Description(size_um=(160.0, 1e9))}
    region = np.zeros((64, 64), np.uint8)
    region[:5, :25] = 1  # 125 pixels: a disc of 12.6 px
    size_um = 2 * np.sqrt(125 / np.pi)
    assert named(region, 40.0 / size_um, kinds) == "small"
    assert named(region, 80.0 / size_um, kinds) == "large"
    assert kinds["small"].contradicted(40.0, 9.0) == pytest.approx(1.0)
    assert kinds["large"].contradicted(40.0, 9.0) == pytest.approx(2.0)
    with pytest.raises(EdgeError, match="empty"):
        named(np.zeros((8, 8), np.uint8), 1.0, kinds)


def test_what_stands_out_is_found_where_it_is() -> None:
    rng = np.random.default_rng(2)
    ground = rng.normal(120, 3, (128, 128))
    blot = cv2.circle(np.zeros((128, 128)), (30, 90), 6, 60, -1)
    marked = Frame(np.clip(ground + blot, 0, 255).astype(np.uint8), 30.0, 90.0)
    assert detection._seen(marked, Surface(16.0)).there
    elsewhere = Frame(marked.pixels, 100.0, 20.0)
    assert not detection._seen(elsewhere, Surface(16.0)).there
    bare = Frame(np.clip(ground, 0, 255).astype(np.uint8), 64.0, 64.0)
    assert detection._seen(bare, Surface(16.0)).region is None


def test_samples_named_together_move_the_means() -> None:
    """One learned sample at 0 and one at 100; asked lie below 60 and above 150. Their own gap parts
    them, the middle of what was learned does not."""
    asked = np.array([[5], [10], [15], [52], [56], [60], [150], [160], [170]], np.uint8)
    label = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    episode = Episode(np.array([[[0]], [[100]]], np.uint8), asked, label)
    assert nearest(episode).tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert named_together(episode).tolist() == label.tolist()
    assert np.array_equal(named_together(episode, turns=0), nearest(episode))
