"""A line's own frames: a folder of pictures, and a table of how each was taken.

The table is CSV whose heading names its columns, or JSON {"file.png": {"exposure_us": 40}, ...}:

    file          picture in the folder
    exposure_us   how long it was exposed
    time_s        when the exposure began, on any clock
    strobe        on or off

Only what is proportional to light can be computed with: one grey channel of 8 or 16 bits, nothing
lossy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from inspection.imaging import listfile
from inspection.layouts.base import LayoutError
from inspection.layouts.imagesize import image_size
from inspection.relief.tiffsize import tiff_size

Frame = NDArray[np.uint8] | NDArray[np.uint16]
Column = Literal["exposure_us", "time_s", "strobe"]

COLUMNS: tuple[Column, ...] = ("exposure_us", "time_s", "strobe")
MOST_BYTES = 1_000_000  # of a table
MOST_FILE_BYTES = 256 << 20  # of a picture; 40 Mpx of 16 bits are 80 MB
LONGEST_US = 1e9
LATEST_S = 1e11  # beyond any clock that counts seconds
STROBE = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}
TIFF = (b"II*\0", b"MM\0*")


class ShotsError(LingnanError):
    """Frames or their table cannot be used; the message names the file and what is wrong."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True)
class Taken:
    """How a frame was taken. exposure_us, time_s, strobe: None where the table does not say."""

    file: str
    exposure_us: float | None = None
    time_s: float | None = None
    strobe: bool | None = None


def read_table(path: Path, needs: Iterable[Column], most: int) -> list[Taken]:
    """The table's lines in its order, each with all that `needs` names; `most` at most. ShotsError
    says what is wrong."""
    told = listfile.read(path, MOST_BYTES, ShotsError)
    rows = _named(path, told) if isinstance(told, dict) else _headed(path, told)
    found: dict[str, Taken] = {}
    for name, values in rows:
        if name in found:
            raise ShotsError(path, f"{name!r} is named twice")
        found[name] = _taken(path, name, values)
        for column in needs:
            if getattr(found[name], column) is None:
                raise ShotsError(path, f"{name!r} has no {column}, which is needed")
    if not 1 <= len(found) <= most:
        raise ShotsError(path, f"names {len(found)} frames; 1 to {most} are read")
    return list(found.values())


def _named(path: Path, told: dict[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    if not all(isinstance(one, dict) for one in told.values()):
        raise ShotsError(path, 'must hold an object {"file.png": {"exposure_us": 40}, ...}')
    return list(told.items())


def _headed(path: Path, rows: list[list[str]]) -> list[tuple[str, Mapping[str, Any]]]:
    heading = rows[0] if rows else []
    if heading[:1] != ["file"] or len(set(heading)) < len(heading):
        raise ShotsError(path, f"needs a heading, file and then any of {', '.join(COLUMNS)}")
    found: list[tuple[str, Mapping[str, Any]]] = []
    for row in rows[1:]:
        if len(row) != len(heading):
            raise ShotsError(path, f"{','.join(row)[:60]!r} is not {','.join(heading)[:60]}")
        found.append((row[0], dict(zip(heading[1:], row[1:], strict=True))))
    return found


def _taken(path: Path, name: str, values: Mapping[str, Any]) -> Taken:
    if unknown := sorted(set(values) - set(COLUMNS)):
        raise ShotsError(path, f"{unknown[0][:60]!r} is none of {', '.join(COLUMNS)}")
    exposure_us = _number(path, name, "exposure_us", values)
    if exposure_us is not None and not 0 < exposure_us <= LONGEST_US:
        raise ShotsError(path, f"{name!r}: exposure_us is {exposure_us:g}, it must be > 0")
    time_s = _number(path, name, "time_s", values)
    if time_s is not None and not abs(time_s) <= LATEST_S:
        raise ShotsError(path, f"{name!r}: time_s is {time_s:g}, no time in seconds")
    said = str(values.get("strobe", "")).lower()
    if said and said not in STROBE:
        raise ShotsError(path, f"{name!r}: strobe is {said[:20]!r}, neither on nor off")
    return Taken(name, exposure_us, time_s, STROBE.get(said))


def _number(path: Path, name: str, column: Column, values: Mapping[str, Any]) -> float | None:
    value = values.get(column, "")
    if value == "":
        return None
    try:
        if isinstance(value, bool):
            raise ValueError("a truth value")
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ShotsError(path, f"{name!r}: {column} is {str(value)[:20]!r}, no number") from None


@dataclass(frozen=True, slots=True)
class Frames:
    """Pictures of one size, looked at but not decoded yet; iterate for (H, W) frames in turn, all
    of the first one's depth. ShotsError names the one that is broken, coloured or of another
    depth."""

    paths: tuple[Path, ...]
    width_px: int
    height_px: int

    def __iter__(self) -> Iterator[Frame]:
        depth = None
        for path in self.paths:
            frame = _decoded(path, (self.height_px, self.width_px))
            depth = depth or frame.dtype
            if frame.dtype != depth:
                raise ShotsError(path, f"has {frame.dtype} pixels, the first frame {depth}")
            yield frame


def opened(folder: Path, names: Sequence[str], most_values: int) -> Frames:
    """The folder's pictures of these names. ShotsError names one that is missing, outside the
    folder, of another format or size, or that makes it too many pixels in all."""
    if not folder.is_dir():
        raise ShotsError(folder, "no such folder")
    paths, home = tuple(folder / name for name in names), folder.resolve()
    size = None
    for path in paths:
        if not _is_inside(path, home):
            raise ShotsError(path, "lies outside the folder of frames")
        here = _size(path)
        size = size or here
        if here != size:
            told = f"{here[0]} x {here[1]} px, {paths[0].name} {size[0]} x {size[1]}"
            raise ShotsError(path, f"differs in size: {told}")
    width, height = size or (0, 0)
    if width * height * len(paths) > most_values:
        told = f"{len(paths)} frames of {width} x {height} px are over {most_values:,} px in all"
        raise ShotsError(folder, told)
    return Frames(paths, width, height)


def _is_inside(path: Path, home: Path) -> bool:
    try:
        return path.resolve().is_relative_to(home)
    except (OSError, ValueError, RuntimeError):  # no name of a file, or links in a loop
        return False


def _size(path: Path) -> tuple[int, int]:
    """(width, height) by the header."""
    try:
        if path.exists() and not path.is_file():
            raise ShotsError(path, "is no file")
        with path.open("rb") as file:
            head = file.read(4)
        if path.stat().st_size > MOST_FILE_BYTES:
            raise ShotsError(path, f"over {MOST_FILE_BYTES >> 20} MiB is no frame of 40 Mpx")
        if head.startswith(b"\xff\xd8"):
            raise ShotsError(path, "JPEG is lossy: give frames as PNG, TIFF or BMP")
        if head in TIFF:
            return tiff_size(path)
        return image_size(path)
    except LayoutError as error:
        raise ShotsError(path, error.reason) from None
    except OSError as error:
        raise ShotsError(path, f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ShotsError(path, str(error)) from None


def _decoded(path: Path, shape: tuple[int, int]) -> Frame:
    try:
        frame = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        frame = None
    if frame is None or frame.shape[:2] != shape:
        raise ShotsError(path, "cannot be decoded: the picture is broken")
    if frame.ndim != 2:
        raise ShotsError(path, "is coloured: frames have one grey channel")
    if frame.dtype not in (np.uint8, np.uint16):
        raise ShotsError(path, f"has {frame.dtype} pixels: frames have 8 or 16 bits")
    return np.asarray(frame)
