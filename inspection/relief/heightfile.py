"""Height maps from files: NumPy archives, and TIFF or PNG of 16 or 32 bits.

Sizes are read from headers and bounded before anything is decoded. Every refusal names the file.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from common.errors import LingnanError
from common.types.heightmap import HeightMap
from common.types.image import MAX_PIXELS
from inspection.layouts.imagesize import image_size
from inspection.relief.tiffsize import tiff_size

F32 = NDArray[np.float32]

SMALLEST_PX = 32
FARTHEST_UM = 1e7  # ten metres: beyond, it is no height of a part


class HeightFileError(LingnanError):
    """A file is no height map that can be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def read(
    path: Path,
    um_per_px: float | None = None,
    um_per_level: float | None = None,
    max_pixels: int = MAX_PIXELS,
) -> HeightMap:
    """The height map in a file.

    .npz: arrays height_um (H, W), um_per_px () and, where the sensor tells, sigma_um (H, W); NaN
    was not seen. .tif, .tiff, .png: one channel; level times `um_per_level` is the height, 0 of an
    unsigned image was not seen. `um_per_px` is needed for images and overrules an archive's.
    max_pixels: a map with more is refused by its header.
    """
    try:
        if path.suffix.lower() == ".npz":
            height, sigma, pitch = _archive(path, max_pixels)
        elif path.suffix.lower() in (".tif", ".tiff", ".png"):
            height, sigma, pitch = _image(path, um_per_level, max_pixels), None, None
        else:
            raise ValueError("height maps are read from .npz, .tif, .tiff and .png")
        told = um_per_px if um_per_px is not None else pitch
        if told is None:
            raise ValueError("its pitch is not known; give --um-per-px")
        _believable(height, told)
        return HeightMap(height, float(told), sigma)
    except OSError as error:
        raise HeightFileError(path, f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise HeightFileError(path, str(error)) from None


def _archive(path: Path, max_pixels: int) -> tuple[F32, F32 | None, float | None]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {Path(name).stem for name in archive.namelist()}
            if "height_um" not in names:
                raise ValueError("holds no array height_um")
            height = _array(archive, "height_um", 2, max_pixels)
            sigma = _array(archive, "sigma_um", 2, max_pixels) if "sigma_um" in names else None
            pitch = float(_array(archive, "um_per_px", 0, 1)) if "um_per_px" in names else None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, KeyError) as error:
        raise ValueError(f"is no archive of NumPy arrays: {error}") from None
    return height, sigma, pitch


def _array(archive: zipfile.ZipFile, name: str, dimensions: int, most: int) -> F32:
    """An array of numbers, its header looked at first."""
    with archive.open(f"{name}.npy") as stream:
        shape, dtype = _header(stream)
        if dtype.kind not in "fiu" or len(shape) != dimensions:
            raise ValueError(f"{name} is {dtype} {shape}, not {dimensions}-dimensional numbers")
        if int(np.prod(shape, dtype=object)) > most:
            raise ValueError(f"{name} of {shape} is over {most} px")
    with archive.open(f"{name}.npy") as stream:
        values = npy.read_array(stream, allow_pickle=False)
    with np.errstate(over="ignore"):  # what no float32 holds becomes an infinity, which is refused
        return np.ascontiguousarray(values, np.float32).reshape(shape)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = npy.read_magic(stream)
    reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if reader is None:
        raise ValueError(f"NumPy format {version} is not read")
    shape, _, dtype = reader(stream)
    return shape, dtype


def _image(path: Path, um_per_level: float | None, max_pixels: int) -> F32:
    """Heights of an image; the scale is needed for whole numbers, else it is 1."""
    size = image_size(path) if path.suffix.lower() == ".png" else tiff_size(path)
    if size[0] * size[1] > max_pixels:
        raise ValueError(f"has {size[0]} x {size[1]} px, over {max_pixels}")
    try:
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(f"cannot be decoded: {error}") from None
    if pixels is None or pixels.shape[1::-1] != size:
        raise ValueError("cannot be decoded: the image is broken")
    if pixels.ndim != 2 or pixels.dtype not in (np.uint16, np.int16, np.int32, np.float32):
        raise ValueError(
            f"has {pixels.dtype} {pixels.shape}; one channel of 16 or 32 bits holds heights"
        )
    if um_per_level is None and pixels.dtype != np.float32:
        raise ValueError("its levels are whole numbers; give --um-per-level")
    height = pixels.astype(np.float32) * np.float32(um_per_level or 1.0)
    if pixels.dtype == np.uint16:
        height[pixels == 0] = np.nan
    return np.ascontiguousarray(height)


def _believable(height: F32, um_per_px: float) -> None:
    if min(height.shape) < SMALLEST_PX:
        raise ValueError(f"is {height.shape[1]} x {height.shape[0]} px; {SMALLEST_PX} are needed")
    if not 0 < um_per_px < 1e4:
        raise ValueError(f"a pitch of {um_per_px} um is none of a height map")
    known = height[~np.isnan(height)]
    if known.size == 0:
        raise ValueError("nothing in it was seen: all points are NaN")
    if float(np.abs(known).max()) > FARTHEST_UM:
        raise ValueError(f"heights reach {np.abs(known).max():.3g} um; are they in um?")
