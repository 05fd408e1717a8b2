"""The shipped generator network, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.runtime.errors import ModelError
from common.runtime.manifest import parse_manifest
from inspection.acceptance.made import as_asked, orders, surface
from inspection.generate import patches
from inspection.generate.learned import (
    NOISE,
    SHIPPED,
    WEIGHTS,
    KindCard,
    Learned,
    Ordered,
    from_file,
    noise,
    shipped,
)
from inspection.generate.patches import PATCH_PX
from inspection.generate.request import DefectRequest, RequestError

pytestmark = pytest.mark.inspection


@pytest.fixture(scope="module")
def maker() -> Learned:
    """The generator that comes along."""
    return shipped()


def order(kind: str, severity: float = 0.5, size: float = 30.0) -> DefectRequest:
    return DefectRequest(kind=kind, x_px=90, y_px=100, size_px=size, severity=severity)


def test_its_orders_are_met(maker: Learned) -> None:
    for index, request in enumerate(orders((maker,), 48, seed=5)):
        rng = np.random.default_rng(index)
        good = surface(rng)
        sample = maker.make(good, request, rng)
        assert as_asked(request, good, sample.image, sample.mask), request


def test_the_same_seed_gives_the_same(maker: Learned) -> None:
    good = surface(np.random.default_rng(1))
    for kind in maker.kinds:
        one, two, other = (
            maker.make(good, order(kind), np.random.default_rng(s)).image for s in (3, 3, 4)
        )
        np.testing.assert_array_equal(one, two)
        assert (one != other).any()


@pytest.mark.parametrize("size", [16.0, 40.0, 90.0])  # the last is made at a lesser scale
def test_severity_is_contrast(maker: Learned, size: float) -> None:
    good = surface(np.random.default_rng(2)) // 4 + 90
    for kind in maker.kinds:
        made = [
            maker.make(good, order(kind, s, size), np.random.default_rng(6))
            for s in (0.1, 0.5, 0.9)
        ]
        change = [np.abs(m.image.astype(float) - good)[m.mask].mean() for m in made]
        assert change[0] < change[1] <= change[2]


def test_the_contrast_that_is_asked_for_is_made(maker: Learned) -> None:
    surroundings = np.random.default_rng(7).normal(0, 0.3, (PATCH_PX, PATCH_PX)).astype(np.float32)
    away = np.hypot(*(np.mgrid[:PATCH_PX, :PATCH_PX] - PATCH_PX / 2))
    mask = away < 9
    cover = mask.astype(np.float32)
    for wanted in (1.0, 2.0, 4.0):
        residual = maker.residual(Ordered(surroundings, cover, 0, wanted), np.random.default_rng(8))
        got = patches.contrast(surroundings + cover * residual, mask)
        assert got == pytest.approx(wanted, rel=0.35)


def test_quantiles_of_contrast() -> None:
    card = KindCard(name="a", outline="disc", contrasts=(1.0, 2.0, 6.0))
    assert [card.contrast(s) for s in (0.25, 0.5, 0.75, 1.0)] == [1.5, 2.0, 4.0, 6.0]


def test_noise_has_a_fine_and_a_coarse_plane() -> None:
    drawn = noise(np.random.default_rng(9))
    assert drawn.shape == (NOISE, PATCH_PX, PATCH_PX) and drawn.dtype == np.float32
    fine, coarse = (np.corrcoef(p[:, :-1].ravel(), p[:, 1:].ravel())[0, 1] for p in drawn)
    assert abs(fine) < 0.1 and coarse > 0.8


def test_its_file_is_small_and_its_card_tells_of_simulation_alone() -> None:
    card = parse_manifest((WEIGHTS / "manifest.json").read_bytes(), WEIGHTS).models[SHIPPED]
    assert card.bytes < 1_000_000
    assert "simulated station" in card.data
    assert card.score["error"] < 0.7 * card.score["error_of_nothing"]
    assert card.score["contrast_off_factor"] < 1.2


def test_an_unknown_kind_is_told_the_known_ones(maker: Learned) -> None:
    with pytest.raises(RequestError, match="pit, scratch, stain"):
        maker.make(surface(np.random.default_rng(1)), order("wear"), np.random.default_rng(1))


def test_other_files_are_no_generators(tmp_path: Path) -> None:
    features = (WEIGHTS / "surface_features.onnx").read_bytes()
    (tmp_path / "features.onnx").write_bytes(features)
    with pytest.raises(ModelError, match=r"features\.onnx: the model is no defect generator"):
        from_file(tmp_path / "features.onnx")
    (tmp_path / "text.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"text\.onnx"):
        from_file(tmp_path / "text.onnx")


def test_a_copy_of_the_shipped_file_is_taken(maker: Learned, tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes((WEIGHTS / f"{SHIPPED}.onnx").read_bytes())
    own = from_file(tmp_path / "own.onnx")
    assert (own.kinds, own.identity) == (maker.kinds, maker.identity)
