"""From a frame of one station to a frame of another, on pictures in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.migrate.adapt import adapter, crossed, grid
from inspection.migrate.errors import CalibrationError
from inspection.migrate.probe import SIZE_UM, probes
from inspection.migrate.survey import Survey, survey
from tests.inspection.migrate import drawn
from tests.inspection.migrate.drawn import Pose

pytestmark = pytest.mark.inspection

HOME = Pose(12.5, 0.0, (0.0, 0.0), side=700)
OTHER = Pose(11.0, 5.0, (6.0, -4.0), is_mirrored=True, radial=-0.004, side=900)
FALLOFF = (0.08, -0.05, -0.12)


def part(pose: Pose, gain: float = 1.0, black: float = 6.0, shift: float = 0.0) -> drawn.Frame:
    """A part that is a smooth function of the place: what both stations must agree on."""
    um = drawn.looks_at(pose)
    level = 90 + 25 * np.sin(um[..., 0] / 300 + shift) * np.cos(um[..., 1] / 410)
    right, down = np.meshgrid(*2 * [np.linspace(-1, 1, pose.side)])
    if pose is OTHER:
        level = level * (1 + 0.08 * right - 0.05 * down - 0.12 * (right**2 + down**2) / 2)
    return np.clip(np.rint(black + gain * level), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def stations() -> tuple[Survey, Survey]:
    """Surveys of the other station and of home."""
    there = survey(drawn.target(HOME, noise=0.1), [part(HOME, shift=s) for s in range(6)])
    shown = drawn.target(OTHER, black=14.0, white=190.0, falloff=FALLOFF, noise=0.1)
    here = survey(shown, [part(OTHER, 1.4, 14.0, shift=s) for s in range(6)])
    return here, there


def test_a_frame_becomes_what_home_would_have_taken(stations: tuple[Survey, Survey]) -> None:
    adapt = adapter(*stations)
    made = adapt(part(OTHER, 1.4, 14.0, shift=9.0)).astype(int)
    error = made - part(HOME, shift=9.0)
    assert made.shape == (700, 700)
    assert np.abs(error).max() <= 4
    assert float(np.sqrt((error**2).mean())) < 1.2
    raw = part(OTHER, 1.4, 14.0, shift=9.0)[:700, :700].astype(int) - part(HOME, shift=9.0)
    assert float(np.sqrt((raw**2).mean())) > 20  # what would be compared without it


def test_a_bent_camera_is_made_straight(stations: tuple[Survey, Survey]) -> None:
    def bent(frame: drawn.Frame) -> drawn.Frame:
        level = np.maximum(frame - 14.0, 0) / 241
        return np.rint(14 + 241 * level**0.8).astype(np.uint8)

    shown = bent(drawn.target(OTHER, black=14.0, white=190.0, falloff=FALLOFF))
    here = survey(shown, [bent(part(OTHER, 1.4, 14.0, shift=s)) for s in range(6)])
    made = adapter(here, stations[1])(bent(part(OTHER, 1.4, 14.0, shift=9.0))).astype(int)
    error = made - part(HOME, shift=9.0)
    assert float(np.sqrt((error**2).mean())) < 1.8
    with pytest.raises(CalibrationError, match="response is bent"):
        adapter(stations[1], here)


def test_home_to_home_changes_nothing_but_rounding(stations: tuple[Survey, Survey]) -> None:
    _, home = stations
    frame = part(HOME, shift=3.0)
    adapt = adapter(home, home)
    assert np.abs(adapt(frame).astype(int) - frame).max() <= 1


def test_adapting_is_repeatable_to_the_bit(stations: tuple[Survey, Survey]) -> None:
    frame = part(OTHER, 1.4, 14.0)
    here, home = (Survey.from_json(s.to_json()) for s in stations)
    adapt = adapter(here, home)
    made = adapt(frame)
    assert np.array_equal(adapter(*stations)(frame), made)
    assert np.array_equal(adapt(np.dstack([frame] * 3))[..., 1], made)


def test_the_noise_of_an_adapted_frame_is_as_told(stations: tuple[Survey, Survey]) -> None:
    here, home = stations
    adapt = adapter(here, home)
    rng = np.random.default_rng(8)
    flat = here.falloff() * here.level_dn
    sigma = np.sqrt(here.photometry.gain_dn_per_e * flat + 1.0)
    frames = [
        np.clip(np.rint(14 + flat + sigma * rng.standard_normal(flat.shape)), 0, 255)
        for _ in range(12)
    ]
    stack = np.stack([adapt(frame.astype(np.uint8)) for frame in frames]).astype(float)
    scatter = stack.std(axis=0, ddof=1)[200:500, 200:500]
    noise = here.photometry.noise_dn(here.level_dn)
    told = adapt.noise_dn * np.sqrt((noise**2 + 1.0) / noise**2)
    assert 0.5 * told < scatter.mean() < 1.15 * told


def test_boxes_and_maps_go_back_to_where_things_were(stations: tuple[Survey, Survey]) -> None:
    here, home = stations
    adapt = adapter(here, home)
    spot = np.array([[300.0, 420.0]])
    x, y = crossed(home, here, spot)[0]
    (box,) = adapt.boxes_here(np.array([[296.0, 416.0, 305.0, 425.0]], np.float32))
    assert box[0] < x + 0.5 < box[2] and box[1] < y + 0.5 < box[3]
    assert 9 < box[2] - box[0] < 14
    heat = np.zeros((700, 700), np.float32)
    heat[418:423, 298:303] = 1
    moved = adapt.map_here(heat)
    assert moved.shape == (900, 900)
    rows, columns = np.nonzero(moved)
    assert abs(rows.mean() - y) < 0.5 and abs(columns.mean() - x) < 0.5


def test_a_station_that_sees_too_little_is_refused(stations: tuple[Survey, Survey]) -> None:
    here, home = stations
    shifted = replace(
        home,
        geometry=replace(home.geometry, affine=((0.08, 0.0, 200.0), (0.0, 0.08, 349.5))),
    )
    with pytest.raises(CalibrationError, match="of the field that the job looks at"):
        adapter(shifted, home)
    with pytest.raises(ValueError, match="takes frames of"):
        adapter(here, home)(np.zeros((5, 5), np.uint8))


def test_crossing_there_and_back_is_the_identity(stations: tuple[Survey, Survey]) -> None:
    here, home = stations
    at = grid(50, 50) * 10
    back: NDArray[np.float64] = crossed(here, home, crossed(home, here, at))
    assert np.abs(back - at).max() < 1e-4


def test_a_probe_takes_the_light_of_its_disk(stations: tuple[Survey, Survey]) -> None:
    """What a blurred disk takes away in all is its area, whatever the blur."""
    for station, pose in zip(stations, (OTHER, HOME), strict=True):
        points = probes(station, stations[1])
        area_px = np.pi * (SIZE_UM / 2) ** 2 / pose.um_per_px**2
        for _, share in points.patches[20:30]:
            assert share.sum() == pytest.approx(area_px, rel=0.05)
        frame = np.full((pose.side, pose.side), 120, np.uint8)
        assert np.array_equal(points.planted(frame, 0.0), frame)
        assert points.planted(frame, 0.5).min() < 110


def test_parts_that_agree_on_nothing_add_no_falloff() -> None:
    rng = np.random.default_rng(9)
    shown = drawn.target(HOME)
    tilts = rng.normal(0, 0.02, 10)
    x = np.linspace(-1, 1, 700)
    tilted = [
        np.tile(np.rint(6 + 100 * (1 + t * x)), (700, 1)).astype(np.uint8)
        for t in tilts - tilts.mean()
    ]
    assert np.abs(survey(shown, tilted).part_profile).max() < 0.003
    agreed = [np.tile(np.rint(6 + 100 * (1 + 0.05 * x)), (700, 1)).astype(np.uint8)] * 10
    assert survey(shown, agreed).part_profile[1] == pytest.approx(0.05, abs=0.005)
