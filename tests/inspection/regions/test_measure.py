"""Sizes of drawn shapes against what was drawn."""

from __future__ import annotations

import numpy as np
import pytest

from inspection.regions.describe import FEATURES, describe
from inspection.regions.measure import measure, outline
from tests.inspection.regions.drawn import bar, disc, marked, seen

pytestmark = pytest.mark.inspection


@pytest.mark.parametrize("contrast", [-70.0, 60.0])
@pytest.mark.parametrize("diameter_px", [4.0, 7.5, 15.0, 48.0])
def test_a_disc_has_its_diameter(diameter_px: float, contrast: float) -> None:
    cover = disc(diameter_px, 79.3, 81.6)
    got = measure(outline(seen(cover, 120, contrast, 2.0), marked(cover))).diameter
    assert got.px == pytest.approx(diameter_px, rel=0.03, abs=0.3)  # of a pixel
    assert 0 < got.u_px < 0.2 * diameter_px


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.3])
def test_a_bar_has_its_length_and_width(turn: float) -> None:
    cover = bar(90, 5, turn)
    got = measure(outline(seen(cover, 120, -60, 2.0), marked(cover)))
    assert got.length.px == pytest.approx(90, rel=0.04)
    assert got.width.px == pytest.approx(5, abs=0.5)
    assert got.spread_px == pytest.approx(got.width.px, rel=0.3)  # straight


def test_a_ring_is_filled_for_its_diameter() -> None:
    cover = disc(40, 80, 80)
    hollow = cover - disc(30, 80, 80)
    found = outline(seen(hollow, 120, -60, 2.0), marked(cover))
    assert measure(found).diameter.px == pytest.approx(40, rel=0.05)
    assert describe(marked(cover), found, measure(found))[FEATURES.index("hollow")] > 0.4


def test_a_slope_of_the_light_does_not_shift_the_size() -> None:
    cover, ramp = disc(8, 80, 80), np.linspace(0, 40, 160)[None]
    sloped = np.clip(seen(cover, 100, -50, 1.5) + ramp, 0, 255).astype(np.uint8)
    assert measure(outline(sloped, marked(cover))).diameter.px == pytest.approx(8, rel=0.08)


def test_noise_makes_the_stated_uncertainty_larger() -> None:
    cover = disc(6, 80, 80)
    calm, loud = (
        measure(outline(seen(cover, 120, -60, noise), marked(cover))).diameter.u_px
        for noise in (1.0, 8.0)
    )
    assert loud > 1.5 * calm


def test_a_border_of_the_host_is_not_taken_for_the_point() -> None:
    cover = disc(5, 70, 80)
    image = seen(cover, 80, -50, 1.5)
    image[:, 84:] += 90
    got = measure(outline(image, marked(cover)))
    assert got.diameter.px == pytest.approx(5, rel=0.15)


def test_features_have_their_meaning() -> None:
    dark, light = disc(10, 80, 80), bar(80, 4, 0.3)
    rows = []
    for cover, contrast in ((dark, -50.0), (light, 50.0)):
        one, found = marked(cover), outline(seen(cover, 100, contrast, 2.0), marked(cover))
        rows.append(dict(zip(FEATURES, describe(one, found, measure(found)), strict=True)))
    spot, line = rows
    assert spot["brightness"] < -0.9 and line["brightness"] > 0.9
    assert line["log_length_over_width"] > spot["log_length_over_width"] + 1.5
    assert spot["contrast_over_host"] == pytest.approx(0.5, abs=0.1)
    assert all(np.isfinite(list(row.values())).all() for row in rows)


@pytest.mark.parametrize("value", [0, 255])
def test_a_frame_without_contrast_gives_finite_features(value: int) -> None:
    cover = disc(10, 80, 80)
    found = outline(np.full((160, 160), value, np.uint8), marked(cover))
    assert np.isfinite(describe(marked(cover), found, measure(found))).all()


@pytest.mark.parametrize("at", [(1.0, 1.0), (158.0, 80.0)])
def test_a_region_at_the_frames_edge_is_measured(at: tuple[float, float]) -> None:
    cover = disc(12, *at)
    got = measure(outline(seen(cover, 120, -60, 2.0), marked(cover)))
    seen_px = 2 * np.sqrt(cover.sum() / np.pi)  # of what lies within the frame
    assert 0.5 * seen_px < got.diameter.px < 1.5 * seen_px
