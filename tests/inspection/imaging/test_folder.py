"""The command: a folder of images and a file of lights, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.cli.main import run
from inspection.imaging.folder import LightsError, read_images, read_lights, write_maps
from inspection.imaging.spheres import Sphere, angles_deg
from inspection.layouts.base import LayoutError
from tests.inspection.imaging.test_photometric import lambert, ring

pytestmark = pytest.mark.inspection

COUNT = 6


def normals() -> np.ndarray:
    y, x = np.mgrid[:40, :50]
    return Sphere(25.0, 20.0, 60.0).normals(x, y)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Six 16-bit images of a dome and their lights as JSON and as CSV."""
    folder = tmp_path / "images"
    folder.mkdir()
    lights = ring(COUNT)
    names = [f"light{i}.png" for i in range(COUNT)]
    for name, image in zip(names, lambert(normals(), lights, 0.8), strict=True):
        cv2.imwrite(str(folder / name), (image * 60_000).astype(np.uint16))
    rows = dict(zip(names, lights.astype(float).tolist(), strict=True))
    (tmp_path / "lights.json").write_text(json.dumps(rows))
    lines = [f"{name},{x:.6f},{y:.6f},{z:.6f}" for name, (x, y, z) in rows.items()]
    (tmp_path / "lights.csv").write_text("file,x,y,z\n" + "\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize("name", ["lights.json", "lights.csv"])
def test_the_command_writes_maps_of_the_dome(
    scene: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = scene / "out"
    words = ["inspection", "photometric", str(scene / "images"), "--lights", str(scene / name)]
    assert run([*words, "--out", str(out), "--um-per-px", "10", "--solve-gains"]) == 0
    assert "intensity 1.000" in capsys.readouterr().out
    with np.load(out / "maps.npz", allow_pickle=False) as maps:
        assert angles_deg(maps["normals"], normals()).max() < 0.2
        inner = maps["curvature_per_mm"][8:-8, 8:-8]
        np.testing.assert_allclose(inner, 1 / 0.6, rtol=0.02)
        assert np.std(maps["albedo"]) / np.mean(maps["albedo"]) < 1e-3
    colours = cv2.imread(str(out / "normals.png"), cv2.IMREAD_UNCHANGED)
    assert colours.dtype == np.uint16
    decoded = colours[..., ::-1].astype(float) / 32767.5 - 1
    np.testing.assert_allclose(decoded, normals(), atol=5e-3)
    assert cv2.imread(str(out / "albedo.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint16
    assert cv2.imread(str(out / "curvature.png"), cv2.IMREAD_UNCHANGED).shape == (40, 50)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("[1]", "must hold an object"),
        ('{"a.png": [0, 0, 1]}', "1 lights"),
        ('{"a.png": [0, 0]}', "three finite numbers"),
        ('{"a.png": [0, 0, NaN]}', "three finite numbers"),
        ('{"a.png": ["x", 0, 1]}', "three finite numbers"),
        ('{"a.png": [0, 0, 0.5]}', "length is 0.5"),
        ('{"a.png": [0, 0, -1]}', "behind the part"),
        ("[" * 5000, "is no JSON"),
        (
            '{"a": [0, 0, 1], "b": [0.6, 0, 0.8], "c": [0.8, 0, 0.6], "d": [-0.6, 0, 0.8]}',
            "in one plane",
        ),
    ],
)
def test_bad_lights_are_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "lights.json"
    path.write_text(text)
    with pytest.raises(LightsError, match=told) as caught:
        read_lights(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a.png,0,0\n", "is not file,x,y,z"),
        ("file,x,y,z\na.png,0,zero,1\n", "is not file,x,y,z"),
        ("a.png,0,0,1\na.png,0,0,1\n", "named twice"),
        ("a.png,0,0,inf\n", "three finite numbers"),
        ("", "0 lights"),
    ],
)
def test_bad_tables_are_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "lights.csv"
    path.write_text(text)
    with pytest.raises(LightsError, match=told):
        read_lights(path)


def test_a_missing_or_huge_file_of_lights_is_told(tmp_path: Path) -> None:
    with pytest.raises(LightsError, match="cannot be read"):
        read_lights(tmp_path / "none.json")
    big = tmp_path / "big.json"
    big.write_bytes(b" " * 200_000)
    with pytest.raises(LightsError, match="over 100000 bytes"):
        read_lights(big)


def test_bad_images_are_told(scene: Path) -> None:
    lights, folder = read_lights(scene / "lights.json"), scene / "images"
    with pytest.raises(LayoutError, match="no such folder"):
        read_images(scene / "nowhere", lights)
    with pytest.raises(LayoutError, match="outside"):
        read_images(folder, {"../lights.json": (0.0, 0.0, 1.0)})
    with pytest.raises(LayoutError, match=r"none\.png"):
        read_images(folder, {**lights, "none.png": (0.0, 0.0, 1.0)})
    cv2.imwrite(str(folder / "light3.png"), np.zeros((40, 50), np.uint8))
    with pytest.raises(LayoutError, match="bit depth"):
        read_images(folder, lights)
    cv2.imwrite(str(folder / "light3.png"), np.zeros((41, 50), np.uint16))
    with pytest.raises(LayoutError, match=r"light3\.png: is not 50 x 40 px"):
        read_images(folder, lights)


def test_the_command_fails_without_a_trace(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scene / "images" / "light2.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = ["inspection", "photometric", str(scene / "images")]
    words += ["--lights", str(scene / "lights.csv"), "--out", str(scene / "out")]
    assert run(words) == 2
    told = capsys.readouterr().err
    assert "light2.png" in told and "Traceback" not in told
    assert not (scene / "out").exists()


def test_dark_images_are_flat_not_undefined(tmp_path: Path) -> None:
    lights = {f"{i}": tuple(map(float, light)) for i, light in enumerate(ring(5))}
    write_maps(np.zeros((5, 6, 7), np.float32), lights, tmp_path / "out", 10.0, True)  # type: ignore[arg-type]
    with np.load(tmp_path / "out" / "maps.npz", allow_pickle=False) as maps:
        assert (maps["albedo"] == 0).all() and (maps["normals"][..., 2] == 1).all()
