"""Calibration data: an array file, or a folder of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MOST_BYTES = 2 << 30


def load(path: Path, shape: tuple[int, int, int], limit: int = 256) -> list[NDArray[np.float32]]:
    """Samples (1, C, H, W) float32, at most `limit`; of more pictures every k-th.

    path: .npy of float32 (N, C, H, W), or a folder of pictures of H x W pixels, taken as grey
    (C = 1) or red, green, blue (C = 3) in 0..1. EdgeError names what does not fit.
    """
    if path.is_dir():
        files = pictures(path)
        return [picture(file, shape) for file in files[:: -(-len(files) // limit)]]
    return list(array(path, shape)[:limit, None])


def pictures(folder: Path) -> list[Path]:
    """The picture files at any depth of a folder, by name. EdgeError where there is none."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise EdgeError(f"{folder}: no pictures ({', '.join(SUFFIXES)})")
    return files


def array(path: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Samples (N, C, H, W) of an .npy. EdgeError where it is not that."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise EdgeError(f"{path}: more than {MOST_BYTES >> 30} GiB")
        samples = np.load(path, allow_pickle=False)
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror or error}") from None
    except (ValueError, EOFError):
        raise EdgeError(f"{path}: not an array file; give .npy of float32 (N, C, H, W)") from None
    is_array = isinstance(samples, np.ndarray)
    if not is_array or samples.dtype != np.float32 or samples.shape[1:] != shape:
        raise EdgeError(f"{path}: the network takes float32 (N, {', '.join(map(str, shape))})")
    return np.asarray(samples)


def picture(file: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """A sample (1, C, H, W) of a picture file of H x W px. EdgeError where it is not that."""
    import cv2

    channels, height, width = shape
    if channels not in (1, 3):
        raise EdgeError(f"the network takes {channels} channels; give .npy instead of pictures")
    pixels = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR)
    if pixels is None:
        raise EdgeError(f"{file}: not a picture that can be read")
    if pixels.shape[:2] != (height, width):
        raise EdgeError(
            f"{file}: {pixels.shape[1]} x {pixels.shape[0]} px, the network takes "
            f"{width} x {height}; resize the pictures as the program around it does"
        )
    planes = pixels[None] if channels == 1 else pixels[..., ::-1].transpose(2, 0, 1)
    sample: NDArray[np.float32] = planes[None].astype(np.float32) / np.float32(255)
    return sample
