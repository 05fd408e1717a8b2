"""Height map files through the pipeline, and what is written of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from common.errors import LingnanError
from common.types.heightmap import HeightMap
from inspection.overlay import jpeg
from inspection.relief.classify import shipped
from inspection.relief.heightfile import read
from inspection.relief.lateral import UNKNOWN, Lateral
from inspection.relief.picture import draw
from inspection.relief.pipeline import Flaw, Result, inspect
from inspection.relief.recipes import recipe


@dataclass(frozen=True, slots=True)
class Scale:
    """What the command line tells of the files: pitch, and height of a level of an image."""

    um_per_px: float | None = None
    um_per_level: float | None = None


def run(
    files: Sequence[Path],
    name: str,
    scale: Scale,
    out: Path | None = None,
    ply: bool = False,
    sensor: Lateral = UNKNOWN,
) -> Iterator[dict[str, Any]]:
    """One record a file, in the files' order; with `out`, also a picture each; with `ply`, a point
    cloud and a view from the side.

    A file that cannot be read or shows no part is a record with the key "refused"; the others go
    on. UnknownRecipeError at once. Two files of one name would overwrite each other's picture:
    LingnanError. sensor: what it does sideways.
    """
    chosen, kinds = recipe(name), shipped()
    if out is not None:
        stems = [path.stem for path in files]
        stems += [f"{stem}_view" for stem in stems] if ply else []
        if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
            raise LingnanError(f"two files are called {twice[0]}: their pictures would be one")
        out.mkdir(parents=True, exist_ok=True)
    judge = partial(inspect, recipe=chosen, kinds=kinds, lateral=sensor)
    return (_one(path, judge, scale, out, ply) for path in files)


def _one(
    path: Path, judge: Callable[[HeightMap], Result], scale: Scale, out: Path | None, ply: bool
) -> dict[str, Any]:
    try:
        seen = read(path, scale.um_per_px, scale.um_per_level)
        result = judge(seen)
    except LingnanError as error:
        text = str(error)
        return {"file": str(path), "refused": text if str(path) in text else f"{path}: {text}"}
    if out is not None:
        (out / f"{path.stem}.jpg").write_bytes(jpeg(draw(seen, result)))
        if ply:
            from inspection.relief.cloud import write_ply
            from inspection.relief.perspective import view

            write_ply(out / f"{path.stem}.ply", seen, result)
            (out / f"{path.stem}_view.jpg").write_bytes(jpeg(view(seen, result)))
    return {"file": str(path), **record(result)}


def record(result: Result) -> dict[str, Any]:
    """A result as plain values; lengths in um, places from the middle of the map's first pixel."""
    return {
        "defective": result.is_defective,
        "reasons": list(result.reasons),
        "flaws": [_flaw(flaw) for flaw in result.flaws],
        "regions": [
            {"name": f.region.name, "level_um": _told(f.level_um), "seen": _told(f.seen, 4)}
            for f in result.faces
        ],
        "bumps_um": {name: _told(height) for name, height in result.bumps_um.items()},
    }


def _flaw(flaw: Flaw) -> dict[str, Any]:
    size = flaw.size
    return {
        "region": flaw.region,
        "kind": flaw.kind,
        "chance": _told(flaw.chances[flaw.kind], 4),
        "refused": flaw.refused,
        "over_surface": size.sign > 0,
        **{
            name: _told(getattr(size, name))
            for name in (
                "x_um", "y_um", "depth_um", "u_depth_um", "width_um", "u_width_um", "length_um",
                "u_length_um", "volume_um3", "u_volume_um3",
            )
        },
    }  # fmt: skip


def _told(value: float, digits: int = 2) -> float | None:
    """Rounded; None for what is not known, since JSON has no NaN."""
    return round(float(value), digits) if value == value else None
