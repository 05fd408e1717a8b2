"""A sensor's lateral transfer as a small JSON file: measured once, told with every part after."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from math import isfinite
from pathlib import Path
from typing import Any

from common.errors import LingnanError
from inspection.relief.lateral import Lateral

MAX_BYTES = 1 << 16
NAMES = tuple(field.name for field in fields(Lateral))


class SensorFileError(LingnanError):
    """The file tells no sensor's lateral transfer."""


def write(path: Path, sensor: Lateral) -> None:
    """Write the file; an existing one is replaced."""
    try:
        path.write_text(json.dumps(asdict(sensor), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SensorFileError(f"{path}: cannot be written: {error.strerror}") from None


def read(path: Path) -> Lateral:
    """The file's sensor. SensorFileError names the file and what is wrong."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SensorFileError(f"{path}: over {MAX_BYTES >> 10} KiB, no sensor's file is")
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SensorFileError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SensorFileError(
            f"{path}: {error}; `lingnan inspection relief-sensor` writes such a file"
        ) from None


def parse(told: Any) -> Lateral:
    """From JSON values. ValueError says what is wrong."""
    if not isinstance(told, dict) or not {"blur_px2", "u_blur_px2"} <= set(told) <= set(NAMES):
        raise ValueError(f"it is an object of blur_px2, u_blur_px2 and of what is known of {NAMES}")
    for name, value in told.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ValueError(f"{name} is not a finite number")
        if value < 0 and name not in ("focus_um", "uneven"):
            raise ValueError(f"{name} is negative")
    if told["blur_px2"] < 1e-6:
        raise ValueError("blur_px2 is at least a pixel's own, 1/12")
    if not abs(told.get("uneven", 0)) < 1:
        raise ValueError("uneven is a share between -1 and 1")
    if told.get("wall_px2", 0) and not 0 < told.get("gentle_px", 0) < told.get("wall_px", 0):
        raise ValueError("a wall rises wall_px, more than gentle_px, and both are above 0")
    return Lateral(**{name: float(value) for name, value in told.items()})
