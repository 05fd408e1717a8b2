"""A height map as a point cloud file for other programs, through open3d."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from common.errors import LingnanError, MissingExtraError
from common.types.heightmap import HeightMap
from inspection.relief.picture import shaded
from inspection.relief.pipeline import Result

MARK = (0.9, 0.2, 0.15)  # RGB of what was found


def library() -> Any:
    """open3d. MissingExtraError without it; LingnanError where the system lacks what it loads."""
    try:
        import open3d
    except ModuleNotFoundError as error:
        raise MissingExtraError("open3d", "3d") from error
    except ImportError as error:
        raise LingnanError(
            f"open3d cannot be loaded: {error}; sudo apt-get install libegl1 libgl1"
        ) from error
    return open3d


def write_ply(path: Path, seen: HeightMap, result: Result | None = None) -> None:
    """Binary PLY: x right, y up (away from the rows), z towards the sensor, in mm; what was not
    seen is left out, finds are red. MissingExtraError without open3d."""
    open3d = library()
    rows, columns = np.nonzero(seen.valid)
    z = seen.height_um[rows, columns]
    points = np.stack([columns * seen.um_per_px, -rows * seen.um_per_px, z], 1) / 1e3
    span = float(np.ptp(z)) if z.size else 1.0
    colours = shaded(seen.height_um, max(span, 1e-3))[..., ::-1] / 255.0
    for flaw in result.flaws if result else ():
        (down, right), half = flaw.size.half
        colours[down, right][half] = MARK
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    cloud.colors = open3d.utility.Vector3dVector(colours[rows, columns])
    if not open3d.io.write_point_cloud(path, cloud):
        raise LingnanError(f"{path}: the point cloud cannot be written")
