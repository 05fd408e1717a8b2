"""Target, geometry and photometry against pictures whose truth is a closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.migrate import geometry, photometry, target
from inspection.migrate.artefact import TARGET
from inspection.migrate.errors import CalibrationError, TargetError
from inspection.migrate.target import Dots
from tests.inspection.migrate import drawn
from tests.inspection.migrate.drawn import Pose

pytestmark = pytest.mark.inspection

POSES = (
    Pose(),
    Pose(12.5, 3.0, (9.3, -7.7), radial=-0.004),
    Pose(11.0, -20.0, (3.0, 4.0), is_mirrored=True, radial=0.003),
    Pose(12.0, 90.0, (0.4, 0.2)),
    Pose(12.0, 176.0, (-5.0, 2.0), is_mirrored=True),
)


@pytest.mark.parametrize("pose", POSES)
def test_the_grid_is_found_in_every_pose(pose: Pose) -> None:
    frame = drawn.target(pose)
    dots = target.find(frame)
    expected = pose.to_px(dots.at_um())
    assert np.abs(dots.at_px - expected).max() < 0.05
    found = geometry.fit(dots, frame.shape)
    assert found.um_per_px == pytest.approx(pose.um_per_px, rel=2e-4)
    assert found.is_mirrored == pose.is_mirrored
    assert found.radial == pytest.approx(pose.radial, abs=2e-4)
    assert found.residual_um < 0.5
    anywhere = np.random.default_rng(1).uniform(-3500, 3500, (200, 2))
    assert np.abs(found.to_px(anywhere) - pose.to_px(anywhere)).max() < 0.05


@settings(max_examples=30, deadline=None)
@given(
    st.floats(5, 20),
    st.floats(-180, 180),
    st.booleans(),
    st.floats(-0.01, 0.01),
    st.floats(-60, 60),
    st.floats(-60, 60),
)
def test_a_geometry_and_its_inverse_are_one(
    scale: float, turn: float, is_mirrored: bool, radial: float, x: float, y: float
) -> None:
    pose = Pose(scale, turn, (x, y), is_mirrored, radial)
    dots = Dots(pose.to_px(TARGET.nodes * 500.0), TARGET.nodes)
    found = geometry.measured(dots, (900, 900), TARGET.scaled(0.5))
    inside = np.random.default_rng(2).uniform(0, 900, (50, 2))
    assert np.abs(found.to_px(found.to_um(inside)) - inside).max() < 1e-4
    assert found.is_mirrored == is_mirrored


def test_dots_off_their_places_are_told_in_um_and_refused() -> None:
    pose = POSES[1]
    rng = np.random.default_rng(3)
    exact = pose.to_px(TARGET.nodes * 1000.0)
    off = rng.normal(0, 0.3, exact.shape)  # px, so 0.3 sqrt 2 x 12.5 um = 5.3 um together
    found = geometry.measured(Dots(exact + off, TARGET.nodes), (900, 900))
    assert found.residual_um == pytest.approx(5.3, rel=0.1)
    with pytest.raises(CalibrationError, match="um off a straight lens"):
        geometry.fit(Dots(exact + off, TARGET.nodes), (900, 900))


def test_light_is_measured_as_it_was_drawn() -> None:
    pose = POSES[1]
    frame = drawn.target(
        pose, black=9.0, white=170.0, falloff=(0.06, -0.04, -0.15), blur_um=10.0, noise=0.2
    )
    dots = target.find(frame)
    light = photometry.measure(frame, dots, geometry.fit(dots, frame.shape))
    assert light.black_dn == pytest.approx(9.0, abs=0.3)
    assert light.response == pytest.approx(1.0, abs=0.01)
    assert light.gain_dn_per_e == pytest.approx(0.2**2, rel=0.05)  # variance = 0.04 level
    assert light.blur_um == pytest.approx(10.0, rel=0.05)
    right, down = np.meshgrid(np.linspace(-1, 1, 900), np.linspace(-1, 1, 900))
    true = 1 + 0.06 * right - 0.04 * down - 0.15 * (right**2 + down**2) / 2
    assert np.abs(light.falloff((900, 900)) - true / true.mean()).max() < 0.01


def test_a_bent_response_is_found_and_made_straight() -> None:
    frame = drawn.target(POSES[0], response=0.8, black=4.0, white=200.0)
    dots = target.find(frame)
    light = photometry.measure(frame, dots, geometry.fit(dots, frame.shape))
    assert light.response == pytest.approx(0.8, abs=0.02)
    table = photometry.linear(light.response, light.black_dn, 255.0)
    assert table is not None
    shares = np.array([0.1, 0.3, 0.6])
    straight = table[np.rint(4 + 251 * shares**0.8).astype(int)]
    assert np.abs(straight - (4 + 251 * shares)).max() < 4
    assert photometry.linear(1.0, 4.0, 255.0) is None


def test_what_is_no_target_is_refused_by_name() -> None:
    frame = drawn.target(POSES[0])
    clipped = np.clip(frame.astype(int) * 2, 0, 255).astype(np.uint8)
    rng = np.random.default_rng(4)
    for picture, said in (
        (clipped, "clipped"),
        ((frame // 6).astype(np.uint8), "too dark"),
        (rng.integers(0, 200, frame.shape).astype(np.uint8), "dots found"),
        (frame[:300, :300], "dots found"),
        (np.dstack([frame] * 3), "grey 8 bit"),
    ):
        with pytest.raises(TargetError, match=said):
            target.find(picture)


def test_a_target_without_its_marks_is_refused() -> None:
    frame = drawn.target(POSES[0])
    frame[380:660, 380:720] = 150
    with pytest.raises(TargetError, match="large dots found, the target has 3"):
        target.find(frame)


def test_dirt_on_the_greys_is_refused() -> None:
    frame = drawn.target(POSES[0])
    dots = target.find(frame)
    where = geometry.fit(dots, frame.shape)
    for x, y in where.to_px(np.array(TARGET.squares())[:6, :2]).round().astype(int):
        frame[y - 25 : y + 25, x - 25 : x + 25] = 100
    with pytest.raises(CalibrationError, match="off any smooth response"):
        photometry.measure(frame, dots, where)
