"""The view from the side: shading by the law of cosines, occlusion, finds where they lie."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from common.errors import LingnanError
from common.types.heightmap import HeightMap
from inspection.relief.classify import shipped
from inspection.relief.pipeline import inspect
from inspection.relief.recipes import recipe
from inspection.relief.run import Scale, run

pytestmark = pytest.mark.inspection
pytest.importorskip("open3d", exc_type=ImportError)  # it may lack libGL
from inspection.relief import perspective as room  # noqa: E402


def seen_of(canvas: np.ndarray) -> np.ndarray:
    """Pixels that show the surface; the line of text is left out."""
    return np.asarray((canvas[40:] != room.BACKGROUND).any(axis=-1))


def test_a_plane_is_as_bright_all_over_as_its_tilt_says() -> None:
    rows, columns = np.mgrid[:200, :300]
    height = (0.5 * columns + 0.2 * rows).astype(np.float32)  # um, at 1 um a point
    seen = HeightMap(height, 1.0)
    factor = room.exaggeration(seen)
    assert factor == 1
    canvas = room.view(seen)[40:]
    shown = canvas[seen_of(room.view(seen))]
    normal = np.array([-0.5, 0.2, 1.0]) / np.linalg.norm([0.5, 0.2, 1.0])  # y is up the picture
    light = room.LIGHT / np.linalg.norm(room.LIGHT)
    bright = room.AMBIENT + (1 - room.AMBIENT) * float(normal @ light)
    assert len(shown) > 0.1 * canvas[..., 0].size
    assert shown == pytest.approx(
        np.broadcast_to(255 * bright * np.array(room.SURFACE)[::-1], shown.shape), abs=1.01
    )


def test_heights_are_drawn_to_about_the_same_part_of_the_edge() -> None:
    height = np.zeros((100, 100), np.float32)
    height[50:] = 3.0
    assert room.exaggeration(HeightMap(height, 5.0)) == 20  # 15 % of 500 um are 75, 25 times 3
    assert room.exaggeration(HeightMap(height * 100, 5.0)) == 1
    assert room.exaggeration(HeightMap(np.zeros((9, 9), np.float32), 5.0)) == room.FACTORS[-1]


def test_a_wall_hides_what_lies_behind_it() -> None:
    """Seen at an elevation e, a wall of height h hides h / tan(e) of the ground behind."""
    flat = np.zeros((120, 120), np.float32)
    ground, wall = HeightMap(flat, 10.0), HeightMap(flat.copy(), 10.0)
    wall.height_um[70:74] = 300.0
    vertices, triangles = room.mesh(wall, 1, 1.0)
    assert len(triangles) == 2 * 119 * 119 and vertices[:, 2].max() == pytest.approx(0.3)
    lit = room.view(wall)
    assert seen_of(lit).sum() >= seen_of(room.view(ground)).sum() * 0.9
    dark = (lit[40:] < 0.5 * 255 * np.array(room.SURFACE)[::-1]).all(axis=-1) & seen_of(lit)
    assert dark.any(), "the wall's front, which faces away from the light, is darker"


def test_what_was_not_seen_is_a_hole_and_finds_are_red() -> None:
    rng = np.random.default_rng(31)
    height = rng.normal(0, 0.3, (160, 160)).astype(np.float32)
    height[70:80, 90:100] -= 25.0
    seen = HeightMap(height, 5.0)
    result = inspect(seen, recipe("surface"), shipped())
    canvas = room.view(seen, result)
    red = (canvas[..., 2] > 2 * canvas[..., 0].astype(int)) & (canvas[..., 2] > 60)
    assert red.any()
    assert np.argwhere(red)[:, 1].mean() > room.WIDTH_PX / 2, "the pit lies right of the middle"
    holed = HeightMap(np.where(np.arange(160) < 80, np.nan, height).astype(np.float32), 5.0)
    assert seen_of(room.view(holed)).sum() < 0.7 * seen_of(canvas).sum()
    nothing = HeightMap(np.full((20, 20), np.nan, np.float32), 5.0)
    assert not seen_of(room.view(nothing)).any()


def test_a_run_writes_it_beside_the_cloud(tmp_path: Path) -> None:
    height = np.zeros((64, 64), np.float32)
    np.savez(tmp_path / "part.npz", height_um=height, um_per_px=5.0)
    (record,) = run([tmp_path / "part.npz"], "surface", Scale(), tmp_path / "out", ply=True)
    assert "refused" not in record
    shown = cv2.imread(str(tmp_path / "out" / "part_view.jpg"))
    assert shown is not None and shown.shape == (room.HEIGHT_PX, room.WIDTH_PX, 3)
    assert (tmp_path / "out" / "part.ply").stat().st_size > 1000


def test_a_file_that_would_take_the_views_name_is_refused(tmp_path: Path) -> None:
    files = [tmp_path / "part.npz", tmp_path / "part_view.npz"]
    with pytest.raises(LingnanError, match="part_view"):
        run(files, "surface", Scale(), tmp_path / "out", ply=True)
    assert not (tmp_path / "out").exists()
