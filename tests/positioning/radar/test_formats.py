"""Public recordings: their layout, their sense of direction, and what is told of broken ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from positioning.radar import polar
from positioning.radar.formats import comma2k19, radiate

pytestmark = pytest.mark.positioning

SEQUENCE = "data/radiate/tiny_foggy"
SEGMENT = "Example_1/b0c9d2329ad1606b_2018-08-02--08-34-47/40"


def made(folder: Path) -> Path:
    """A sequence of one frame with a wall of noise and a bright car 20 m ahead, 5 m to the left."""
    (folder / "Navtech_Polar").mkdir()
    (folder / "annotations").mkdir()
    rng = np.random.default_rng(0)
    image = np.clip(40 + 20 * np.log10(rng.exponential(1.0, (576, 400))), 0, 255)
    turn = np.arctan2(-5.0, 20.0) % (2 * np.pi) / (2 * np.pi) * 400
    row, column = round(np.hypot(20, 5) / 100 * 576), round(turn)
    image[row - 9 : row + 9, column - 2 : column + 3] = 200
    cv2.imwrite(str(folder / "Navtech_Polar/000001.png"), image.astype(np.uint8))
    (folder / "Navtech_Polar.txt").write_text("Frame: 000001 Time: 1574859771.744660272\n")
    metre = 1152 / 200
    box = [576 - 5 * metre - 6, 576 - 20 * metre - 13, 12, 26]
    item = {"id": 1, "class_name": "car", "bboxes": [{"position": box, "rotation": 0.0}]}
    (folder / "annotations/annotations.json").write_text(json.dumps([item]))
    return folder


def test_a_made_sequence_comes_back(tmp_path: Path) -> None:
    (frame,) = radiate.read(made(tmp_path))
    (box,) = frame.boxes
    assert (box.x_m, box.y_m) == pytest.approx((20.0, 5.0), abs=0.01)
    assert (box.length_m, box.width_m) == pytest.approx((26 * 200 / 1152, 12 * 200 / 1152))
    inside = [o for o in polar.objects(frame.polar(), 100.0) if box.holds(o.xy_m[None], 0.5)[0]]
    assert len(inside) == 1 and inside[0].may_be_vehicle


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("Navtech_Polar.txt", "Frame 1\n", "line 1"),
        ("annotations/annotations.json", "{", "annotations.json"),
        ("annotations/annotations.json", "{}", "not a list"),
        ("annotations/annotations.json", '[{"id": 1}]', "frame 1"),
        ("Navtech_Polar/000001.png", "not a png", "grey"),
    ],
)
def test_a_broken_sequence_is_named(tmp_path: Path, name: str, content: str, told: str) -> None:
    folder = made(tmp_path)
    (folder / name).write_text(content)
    with pytest.raises(radiate.RadiateError, match=told):
        radiate.read(folder)[0].polar()


def test_a_missing_sequence_is_named(tmp_path: Path) -> None:
    with pytest.raises(radiate.RadiateError, match=r"Navtech_Polar\.txt"):
        radiate.read(tmp_path)


@pytest.mark.data
def test_radiates_two_images_agree_on_ahead_and_clockwise(real_data: Path) -> None:
    folder = real_data / "radiate_tiny" / SEQUENCE
    if not folder.is_dir():
        pytest.skip("the data set radiate_tiny is absent")
    frames = radiate.read(folder)
    assert len(frames) == 18 and sum(len(f.boxes) for f in frames) == 42
    assert np.diff([f.time_s for f in frames]) == pytest.approx(0.24, abs=0.03)
    flat = cv2.imread(str(folder / "Navtech_Cartesian/000003.png"), cv2.IMREAD_GRAYSCALE)
    x, y = np.meshgrid(np.arange(1152) - 575.5, 575.5 - np.arange(1152))
    turn = (np.arctan2(x, y) % (2 * np.pi)) / (2 * np.pi) * 400 - 0.5
    bins = np.hypot(x, y).astype(np.float32)
    laid = cv2.remap(frames[2].polar(), turn.astype(np.float32), bins, cv2.INTER_LINEAR)
    inner = bins < 570
    assert np.corrcoef(laid[inner], flat[inner])[0, 1] > 0.9


@pytest.mark.data
def test_comma2k19s_relative_speed_is_the_slope_of_the_distance(real_data: Path) -> None:
    """Tracks of 3 s: the slope of a line through the distance, RMS within 0.3 m/s."""
    segment = real_data / "comma2k19" / SEGMENT
    if not segment.is_dir():
        pytest.skip("the data set comma2k19 is absent")
    tracks = comma2k19.radar(segment)
    assert len(tracks.time_s) == 10_100
    errors = []
    for address in np.unique(tracks.address):
        own = np.flatnonzero(tracks.address == address)
        for part in np.split(own, np.flatnonzero(tracks.is_new[own])):
            part = part[tracks.time_s[part] < tracks.time_s[part[:1]] + 3] if len(part) else part
            if len(part) >= 20:
                since = tracks.time_s[part] - tracks.time_s[part[0]]
                slope = np.polyfit(since, tracks.ahead_m[part], 1)[0]
                errors.append(slope - tracks.relative_mps[part].mean())
    assert len(errors) > 50
    assert np.sqrt(np.mean(np.square(errors))) < 0.3


@pytest.mark.data
def test_pose_and_wheels_of_a_recorded_drive_agree(real_data: Path) -> None:
    segment = real_data / "comma2k19" / SEGMENT
    if not segment.is_dir():
        pytest.skip("the data set comma2k19 is absent")
    time, place, velocity = comma2k19.pose(segment)
    speed = np.linalg.norm(velocity, axis=1)
    driven = np.linalg.norm(np.diff(place, axis=0), axis=1).sum()
    assert driven == pytest.approx(np.trapezoid(speed, time), rel=0.01)
    assert np.abs(np.interp(time, *comma2k19.speed(segment)) - speed).max() < 0.5


def test_a_damaged_pose_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "global_pose"
    folder.mkdir()
    for name, value in (("times", np.zeros(3)), ("positions", np.zeros((3, 3)))):
        np.save(tmp_path / "x.npy", value)
        shutil.move(tmp_path / "x.npy", folder / f"frame_{name}")
    np.save(tmp_path / "x.npy", np.zeros((2, 3)))
    shutil.move(tmp_path / "x.npy", folder / "frame_velocities")
    with pytest.raises(comma2k19.Comma2k19Error, match=r"velocities.*|\(2, 3\)"):
        comma2k19.pose(tmp_path)


def test_a_damaged_segment_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "processed_log/CAN/radar"
    folder.mkdir(parents=True)
    with pytest.raises(comma2k19.Comma2k19Error, match="radar/t"):
        comma2k19.radar(tmp_path)
    for name, value in (("t", np.zeros(3)), ("value", np.zeros((3, 5)))):
        np.save(tmp_path / "x.npy", value)
        shutil.move(tmp_path / "x.npy", folder / name)
    with pytest.raises(comma2k19.Comma2k19Error, match=r"\(3, 5\)"):
        comma2k19.radar(tmp_path)
