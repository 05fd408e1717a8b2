"""lingnan inspection relief, relief-sensor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from common.types.heightmap import HeightMap

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
Edge = Annotated[float, Parameter(validator=Number(gt=0, lt=1e6))]  # um; a metre is no pixel


def relief(
    heightmap: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    recipe: str,
    out: Path | None = None,
    um_per_px: Edge | None = None,
    um_per_level: Edge | None = None,
    sensor: Path | None = None,
    ply: Annotated[bool, Parameter(negative="")] = False,
    json: AsJson = False,
) -> None:
    """Find flaws in three dimensions on every HEIGHTMAP.

    Parameters
    ----------
    heightmap:
        .npz with height_um (H, W) and um_per_px, or TIFF or PNG of 16 or 32 bits.
    recipe:
        smd-chip, wafer-die, connector-pin, battery-tab, or surface for any that fills the map.
    out:
        Folder for a picture of each map.
    um_per_px:
        Pitch of the map in micrometres, for images.
    um_per_level:
        Height of a level in micrometres, for images of whole numbers.
    sensor:
        What the sensor does sideways, as `relief-sensor` measured it; without it, a blur of 0 to 1
        px is assumed, and depths of narrow flaws are told with that much doubt.
    ply:
        Write a point cloud of each map and a view from the side as well; needs the extra 3d and
        --out.
    json:
        Print one line of JSON a map.
    """
    import json as codec

    from common.errors import LingnanError
    from inspection.relief.lateral import UNKNOWN
    from inspection.relief.run import Scale
    from inspection.relief.run import run as inspect
    from inspection.relief.sensorfile import read

    if ply and out is None:
        raise LingnanError("--ply needs a folder: give --out")
    refused, scale = [], Scale(um_per_px, um_per_level)
    known = UNKNOWN if sensor is None else read(sensor)
    for record in inspect(heightmap, recipe, scale, out, ply, known):
        if json:
            print(codec.dumps(record, ensure_ascii=False))
        elif "refused" not in record:
            _print_relief(record)
        if "refused" in record:
            refused.append(record["refused"])
    if refused:
        raise LingnanError("\n".join(refused))


def _print_relief(record: dict[str, Any]) -> None:
    verdict = "defective" if record["defective"] else "good"
    print(f"{record['file']}: {verdict}, {len(record['flaws'])} finds")
    for reason in record["reasons"]:
        print(f"  {reason}")


def relief_sensor(
    *,
    step: Annotated[list[tuple[Path, float]], Parameter(negative="")],
    block: Annotated[list[tuple[Path, float, float]], Parameter(negative="")],
    out: Path,
    um_per_px: Edge | None = None,
    um_per_level: Edge | None = None,
) -> None:
    """Measure what a height sensor does sideways, on maps of steps and of gauge blocks.

    Parameters
    ----------
    step:
        A map of a step whose edge runs through its middle, and the turn of the edge's normal from
        +x in degrees; give several turns, off the pixels' rows, and several heights; low steps,
        of half a pixel or so, tell how gentle relief is blurred, tall ones what walls do.
    block:
        A map of a gauge block whose walls lie along the rows, its width and its height in um.
    out:
        The file to write, for `relief --sensor`.
    um_per_px:
        Pitch of the maps in micrometres, for images.
    um_per_level:
        Height of a level in micrometres, for images of whole numbers.
    """
    from common.outputs import check_output
    from inspection.relief.heightfile import read
    from inspection.relief.lateral import lateral
    from inspection.relief.sensorfile import write

    def seen(path: Path) -> HeightMap:
        return read(path, um_per_px, um_per_level)

    maps = [one[0] for one in step] + [one[0] for one in block]
    check_output(out, *maps)
    _measurable(step, block)
    steps = [(seen(path), turn_deg) for path, turn_deg in step]
    blocks = [(seen(path), width_um, height_um) for path, width_um, height_um in block]
    found = lateral(steps, blocks, [str(path) for path in maps])
    write(out, found)
    print(
        f"{out}: blur {found.blur_px2**0.5:.2f} px in focus at {found.focus_um:.0f} um, rim "
        f"{found.rim_px:.1f} px, shade {found.shade:.2f}"
    )


def _measurable(step: list[tuple[Path, float]], block: list[tuple[Path, float, float]]) -> None:
    """LingnanError names the map whose turn, width or height is none."""
    from common.errors import LingnanError

    for path, turn_deg in step:
        if not abs(turn_deg) <= 360:
            raise LingnanError(f"{path}: a turn is -360 to 360 degrees, got {turn_deg}")
    for path, width_um, height_um in block:
        if not (0 < width_um < 1e6 and 0 < height_um < 1e6):
            raise LingnanError(
                f"{path}: a block's width and height are over 0 um, got {width_um} and {height_um}"
            )
