"""lingnan inspection clearance: a head's path over a measured part, refused where it comes near."""

from __future__ import annotations

import csv
import json as codec
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from common.errors import LingnanError
from inspection.relief.clearance import OBJECTIVE, Clearance, Disc, Head, Point, check, raster
from inspection.relief.heightfile import read

HEADS: dict[str, Head] = {"objective": OBJECTIVE, "nozzle": (Disc(100, 0),)}
MAX_BYTES, MAX_POINTS = 1 << 22, 100_000

Length = Annotated[float, Parameter(validator=Number(gt=0, lt=1e6))]
Height = Annotated[float, Parameter(validator=Number(gt=-1e6, lt=1e6))]


def clearance(
    heightmap: Path,
    *,
    tip_um: Height | None = None,
    path: Path | None = None,
    head: Literal["objective", "nozzle"] = "objective",
    needed_um: Length = 1000.0,
    step_um: Length = 500.0,
    unseen_um: Height | None = None,
    um_per_px: Length | None = None,
    um_per_level: Length | None = None,
    json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Tell how far a moving head stays clear of a measured part; refuse a path that comes nearer.

    Nothing is moved. Exit code 2: the path is refused, and the message says where and by how much
    it is to be raised.

    Parameters
    ----------
    heightmap:
        The part: .npz with height_um (H, W) and um_per_px, or TIFF or PNG of 16 or 32 bits.
    tip_um:
        Height of the head's tip for a meander over the whole map, in um of the map.
    path:
        Instead: CSV lines x,y,z in um, from the middle of the map's first pixel; straight moves.
    head:
        objective: nose cone 3 mm, barrel 8 mm, mount 28 mm wide. nozzle: its tip alone, 0.2 mm.
    needed_um:
        The gap that the path must keep.
    step_um:
        Between the lines of the meander.
    unseen_um:
        Height that points which the sensor did not see stay under; needed where there are any.
    um_per_px:
        Pitch of the map in micrometres, for images.
    um_per_level:
        Height of a level in micrometres, for images of whole numbers.
    json:
        Print what was found as JSON.
    """
    if (tip_um is None) == (path is None):
        raise LingnanError("name either --tip-um, for a meander, or a --path")
    seen = read(heightmap, um_per_px, um_per_level)
    if path is None:
        width, height = ((n - 1) * seen.um_per_px for n in seen.height_um.shape[::-1])
        if 2 * (height / step_um + 1) > MAX_POINTS:
            raise LingnanError(
                f"--step-um {step_um:g}: over {MAX_POINTS // 2:,} lines on {height:.0f} um; "
                "put them farther apart"
            )
        points = raster(width, height, step_um, float(tip_um or 0.0))
    else:
        points = read_path(path)
    found = check(seen, points, HEADS[head], needed_um, unseen_um)
    if json:
        print(codec.dumps(_told(found), indent=1))
        return
    if found.gap_um == float("inf"):
        print("The head passes beside the part.")
        return
    x, y, z = found.part
    print(
        f"{found.gap_um:.1f} um clear at the least, of the part's point x {x:.0f}, y {y:.0f}, "
        f"z {z:.0f} um."
    )


def read_path(file: Path) -> tuple[Point, ...]:
    """Points x, y, z [um] of a CSV; LingnanError names the line that is none."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise LingnanError(f"{file}: over {MAX_BYTES >> 20} MiB, too large for a path")
        lines = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    except OSError as error:
        raise LingnanError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, csv.Error) as error:
        raise LingnanError(f"{file}: not CSV: {error}") from None
    points: list[Point] = []
    for number, line in enumerate(lines, 1):
        try:
            x, y, z = map(float, line)
            if not all(abs(one) < 1e9 for one in (x, y, z)):
                raise ValueError
        except ValueError:
            raise LingnanError(f"{file}, line {number}: no three numbers, x,y,z in um") from None
        points.append((x, y, z))
    if not 2 <= len(points) <= MAX_POINTS:
        raise LingnanError(f"{file}: a path has 2 to {MAX_POINTS:,} points, got {len(points)}")
    return tuple(points)


def _told(found: Clearance) -> dict[str, Any]:
    """Beside the part nothing is near: null, since JSON has no infinity."""
    is_beside = found.gap_um == float("inf")
    return {
        "gap_um": None if is_beside else found.gap_um,
        "move": found.move + 1,
        "disc": found.disc + 1,
        "tip_um": list(found.tip),
        "part_um": None if is_beside else list(found.part),
    }
