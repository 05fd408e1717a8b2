"""What `run` can inspect: images, a folder of them, a video or stream, a recording, a camera."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import Driver, EndOfStreamError
from common.drivers.registry import create
from common.errors import LingnanError
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.layouts.load import read_image

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
VIDEOS = frozenset({".mp4", ".avi", ".mkv", ".mov", ".mpg", ".mpeg", ".m4v", ".webm"})
STREAMS = ("rtsp://", "rtsps://")
MAX_CONFIG_BYTES = 1 << 20
FRAME_TIMEOUT_S = 10.0
FIRST_TIMEOUT_S = 120.0  # a simulated scene is compiled before its first frame, a camera wakes up


class SourceError(LingnanError):
    """What was named cannot be inspected."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One image to inspect. name: unique in its source. reference: the golden image beside it."""

    name: str
    sample: Stamped[Image]
    reference: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An image that could not be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """`total`: number of images, None where it is not known before the end."""

    total: int | None
    shots: Iterator[Shot | Refused]


@contextmanager
def open_source(named: str) -> Iterator[Source]:
    """The source that `named` means; a device is closed on leaving.

    A folder or image file; a video file or rtsp:// URL; an .mcap recording; a .json camera config.
    SourceError says what was expected; a driver's own errors pass through.
    """
    config = _camera_config(named)
    if config is None:
        paths = _images(Path(named))
        yield Source(len(paths), _files(paths))
        return
    driver: Driver[Image] = create(config)
    with driver:
        is_config = Path(named).suffix.lower() == ".json"
        yield Source(None, _frames(driver, by_time=is_config))


def _camera_config(named: str) -> dict[str, Any] | None:
    """Plain values of a camera's config; None where `named` is an image or a folder."""
    path = Path(named)
    suffix = "" if path.is_dir() else path.suffix.lower()
    if named.startswith(STREAMS):
        raise SourceError(f"{named}: a stream needs its size; name a camera config (.json)")
    if not path.exists():
        raise SourceError(f"{named}: no such file or folder")
    if suffix in VIDEOS:
        return {"kind": "camera", "type": "opencv", "source": named}
    if suffix == ".mcap":
        return {"kind": "camera", "type": "replay", "path": named, "pace": "fast"}
    return _json_config(path) if suffix == ".json" else None


def _json_config(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise SourceError(f"{path}: over {MAX_CONFIG_BYTES >> 20} MiB, which no camera config is")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"{path}: not a camera config: {error}") from error
    if not isinstance(values, dict) or not isinstance(values.get("type"), str):
        raise SourceError(f"{path}: a camera config is an object with `type` and its settings")
    if values.setdefault("kind", "camera") != "camera":
        raise SourceError(f"{path}: the config of no camera, but of kind {values['kind']!r}")
    return values


def _images(path: Path) -> list[Path]:
    if path.is_file():
        if path.suffix.lower() not in IMAGES:
            raise SourceError(
                f"{path}: not an image, video, .mcap recording or .json camera config"
            )
        return [path]
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGES and p.is_file())
    shown = [p for p in found if not _is_companion(p)]
    if not shown:
        raise SourceError(f"{path}: no image in this folder ({', '.join(sorted(IMAGES))})")
    return shown


def _is_companion(path: Path) -> bool:
    """Whether the file belongs to another: a golden image or a mask."""
    return path.stem.endswith(("_temp", "_label", "_mask"))


def _files(paths: list[Path]) -> Iterator[Shot | Refused]:
    for seq, path in enumerate(paths):
        try:
            pixels = read_image(path)
            golden = path.with_name(path.name.replace("_test.", "_temp."))
            reference = read_image(golden) if golden != path and golden.is_file() else None
        except LingnanError as error:
            yield Refused(str(path), str(error).removeprefix(f"{path}: "))
            continue
        image = Image(pixels, "mono8" if pixels.ndim == 2 else "bgr8")
        when = path.stat().st_mtime_ns
        yield Shot(str(path), Stamped(seq, when, when, "camera_optical", image), reference)


def _frames(driver: Driver[Image], *, by_time: bool) -> Iterator[Shot | Refused]:
    """A file's frames are known by their number; a camera's by when they came, so that a run that
    goes on takes none of them for one of an earlier day."""
    timeout_s = FIRST_TIMEOUT_S
    while True:
        try:
            sample = driver.read(timeout_s=timeout_s)
        except EndOfStreamError:
            return
        timeout_s = FRAME_TIMEOUT_S
        name = f"{sample.host_time_ns}" if by_time else f"{sample.seq:06d}"
        yield Shot(f"frame-{name}", sample)
