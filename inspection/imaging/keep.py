"""What imaging of recorded frames leaves in a folder: pictures, arrays, and summary.json."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.rows import dump, write_atomically
from common.errors import LingnanError
from common.lock import alone
from inspection.imaging.recorded import Fired, Seen

Arrays = dict[str, NDArray[Any]]

MOST = 65535  # levels of a 16-bit picture


class KeepError(LingnanError):
    """The results cannot be written there."""


def can_be_kept(out: Path) -> None:
    """KeepError where `out` is a file or holds something: to be asked before any work is done."""
    if out.exists() and not out.is_dir():
        raise KeepError(f"{out} is no folder: name another --out")
    if out.is_dir() and any(out.iterdir()):
        raise KeepError(f"{out} is not empty: name another --out")


def keep_radiance(out: Path, seen: Seen, picture: str, with_sigma: bool) -> dict[str, Any]:
    """Write `picture`, radiance.png (16 bits), maps.npz and summary.json, which tells the radiance
    of a level of the 16-bit picture; what is told."""
    value = seen.radiance.value
    per_level = max(float(value.max()), 1e-12) / MOST
    maps: Arrays = {"radiance": value, "saturated": seen.radiance.saturated}
    if with_sigma:
        maps["sigma"] = seen.radiance.sigma
    linear = np.rint(np.clip(value / np.float32(per_level), 0, MOST)).astype(np.uint16)
    told = {**seen.told, "radiance_per_level": per_level}
    pictures = {picture: seen.picture, "radiance.png": linear}
    _keep(out, pictures, {"maps.npz": maps}, told)
    return told


def keep_events(out: Path, fired: Fired) -> dict[str, Any]:
    """Write events.png, events.npz, maps.npz and summary.json; what is told."""
    top = max(float(np.percentile(fired.on_part, 99.9)), float(fired.on_part.max()) * 0.1, 1e-9)
    picture = np.rint(np.clip(fired.on_part / np.float32(top), 0, 1) * 255).astype(np.uint8)
    each: Arrays = {
        "time_s": fired.time_s,
        "x_px": fired.x_px,
        "y_px": fired.y_px,
        "change": fired.change,
    }
    told = {**fired.told, "events_per_frame_at_255": top}
    arrays = {"events.npz": each, "maps.npz": {"events_per_frame": fired.on_part}}
    _keep(out, {"events.png": picture}, arrays, told)
    return told


def _keep(
    out: Path,
    pictures: Arrays,
    arrays: dict[str, Arrays],
    told: dict[str, Any],
) -> None:
    with alone(out):
        can_be_kept(out)
        for name, picture in pictures.items():
            write_atomically(out / name, cv2.imencode(".png", picture)[1].tobytes())
        for name, each in arrays.items():
            packed = io.BytesIO()
            np.savez_compressed(packed, **each)  # type: ignore[arg-type]
            write_atomically(out / name, packed.getvalue())
        write_atomically(out / "summary.json", dump(told))
