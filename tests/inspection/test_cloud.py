"""The point cloud that other programs read, read back by open3d and held against its map."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from common.types.heightmap import HeightMap
from inspection.relief.classify import shipped
from inspection.relief.pipeline import inspect
from inspection.relief.recipes import recipe

pytestmark = pytest.mark.inspection
open3d = pytest.importorskip("open3d", exc_type=ImportError)  # it may lack libGL
from common.errors import LingnanError  # noqa: E402
from inspection.relief.cloud import MARK, library, write_ply  # noqa: E402


def tilted(shape: tuple[int, int] = (60, 80)) -> HeightMap:
    """A plane that rises by 0.1 along x and falls by 0.05 down the rows; a corner was not seen."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    height = (0.5 * columns - 0.25 * rows).astype(np.float32)
    height[:5, :7] = np.nan
    return HeightMap(height, 5.0)


def test_its_points_are_the_maps_in_millimetres(tmp_path: Path) -> None:
    seen = tilted()
    write_ply(tmp_path / "plane.ply", seen)
    cloud = open3d.io.read_point_cloud(str(tmp_path / "plane.ply"))
    points = np.asarray(cloud.points)
    assert len(points) == 60 * 80 - 35
    assert points[:, 0].max() == pytest.approx(79 * 5e-3)
    assert points[:, 1].min() == pytest.approx(-59 * 5e-3)  # y is up, away from the rows
    (a, b, c, d), inside = cloud.segment_plane(1e-5, 3, 200)  # open3d's own fit
    normal = np.array([a, b, c]) * np.sign(c)
    assert normal == pytest.approx(
        np.array([-0.1, -0.05, 1]) / np.linalg.norm([0.1, 0.05, 1]), abs=1e-4
    )
    assert len(inside) == len(points) and abs(d) < 1e-4


def test_what_was_found_is_red_where_it_lies(tmp_path: Path) -> None:
    rng = np.random.default_rng(31)
    height = rng.normal(0, 0.3, (160, 160)).astype(np.float32)
    height[70:80, 90:100] -= 25.0
    seen = HeightMap(height, 5.0)
    result = inspect(seen, recipe("surface"), shipped())
    assert result.flaws
    write_ply(tmp_path / "pit.ply", seen, result)
    cloud = open3d.io.read_point_cloud(str(tmp_path / "pit.ply"))
    red = np.abs(np.asarray(cloud.colors) - MARK).max(axis=1) < 0.01
    middle_mm = np.asarray(cloud.points)[red].mean(axis=0)
    assert middle_mm[:2] == pytest.approx([94.5 * 5e-3, -74.5 * 5e-3], abs=5e-3)
    assert 50 <= red.sum() <= 200


def test_a_system_without_its_libraries_is_told_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lacking:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "open3d":
                raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "open3d")
    monkeypatch.setattr(sys, "meta_path", [Lacking(), *sys.meta_path])
    with pytest.raises(LingnanError, match=r"libGL.so.1.*apt-get install libegl1 libgl1"):
        library()
