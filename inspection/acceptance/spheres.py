"""Photometric stereo on real captures of two spheres, against the spheres' own geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Figure, Picture, Plot, Series
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.resampling import bootstrap
from inspection.imaging.photometric import solve
from inspection.imaging.spheres import Sphere, angles_deg
from inspection.layouts.pixels import read_image

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SET, COUNT = "psm_photometric", 12
THREE = (0, 4, 10)  # far apart: the three lights of the baseline
NOISE_DN = 1.0
PATCH_PX = 18  # pixels of one patch err alike: the bootstrap draws patches


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """Images (K, H, W) float32 of one sphere, its mask (H, W) and outline."""

    images: F32
    mask: NDArray[np.bool_]
    sphere: Sphere
    files: tuple[Path, ...]

    @classmethod
    def read(cls, folder: Path) -> Capture:
        """A folder with NAME.0.png to NAME.11.png and NAME.mask.png. LayoutError names a file."""
        name = folder.name
        files = tuple(folder / f"{name}.{i}.png" for i in range(COUNT))
        images = np.stack([read_image(f, "colour").mean(axis=2, dtype=np.float32) for f in files])
        mask_file = folder / f"{name}.mask.png"
        mask = read_image(mask_file, "grey") > 127
        return cls(images, mask, Sphere.from_mask(mask), (*files, mask_file))

    @property
    def truth(self) -> F32:
        """(P, 3) the sphere's own normals at the mask's pixels."""
        rows, columns = np.nonzero(self.mask)
        return self.sphere.normals(columns, rows)

    def normals(self, lights: F32, robust: bool, chosen: tuple[int, ...] = ()) -> F32:
        """(P, 3) recovered at the mask's pixels, by all lights or the chosen ones."""
        index = list(chosen or range(len(lights)))
        seen = self.images[index][:, self.mask][:, None]
        return np.asarray(solve(seen, lights[index], NOISE_DN, robust).normals[0], np.float32)


def measure(context: Context) -> Mapping[str, Measurement]:
    """The rows on the spheres."""
    folder = None if context.data_root is None else context.data_root / SET / "dev"
    if folder is None or not folder.is_dir():
        reason = f"the public data set {SET} is not on this machine"
        return {one.id: not_measured(reason) for one in (GRAY, CHROME)}
    gray, chrome = Capture.read(folder / "gray"), Capture.read(folder / "chrome")
    digest = context.data_hash((*gray.files, *chrome.files))
    lights = np.stack([chrome.sphere.light(image, chrome.mask) for image in chrome.images])
    return _gray_rows(gray, chrome, lights, digest, context.seed) | {
        CHROME.id: _chrome_row(gray, lights, digest, context.seed)
    }


def _gray_rows(
    gray: Capture, chrome: Capture, lights: F32, digest: str, seed: int
) -> dict[str, Measurement]:
    truth = gray.truth
    ours = gray.normals(lights, robust=True)
    error = angles_deg(ours, truth)
    plain = angles_deg(gray.normals(lights, robust=False), truth)
    three = angles_deg(gray.normals(lights, False, THREE), truth)
    own = angles_deg(gray.normals(lights_of(gray, lights), robust=True), truth)
    mirror = angles_deg(chrome.normals(lights, robust=True), chrome.truth)
    patches = _patches(gray.mask)
    note = (
        f"ours mean {error.mean():.2f}, median {np.median(error):.2f} deg, {error.size} pixels; "
        f"facing the camera within 60 deg {error[truth[:, 2] > 0.5].mean():.2f}. Plain least "
        f"squares: 12 lights mean {plain.mean():.2f}, median {np.median(plain):.2f}; 3 lights mean "
        f"{three.mean():.2f}, median {np.median(three):.2f}. With light directions fitted to the "
        f"gray sphere itself {own.mean():.2f}: the rest is how the paint reflects. Taken as if it "
        f"were dull, the chrome sphere comes out {mirror.mean():.0f} deg wrong: a mirror is "
        "outside the method"
    )
    figures = (_picture(gray, ours, error), _plot(error, plain, three))
    return {GRAY.id: _mean_over_patches(error - plain, patches, digest, seed, note, figures)}


def _chrome_row(gray: Capture, lights: F32, digest: str, seed: int) -> Measurement:
    """The chrome sphere's normals at its highlights, from lights that the gray sphere tells."""
    told = lights_of(gray, lights)
    up = np.array([0, 0, 1], np.float32)
    halves = [
        (side + up) / np.linalg.norm(side + up, axis=1, keepdims=True) for side in (told, lights)
    ]
    error = angles_deg(*halves)
    low, high = bootstrap(lambda i: float(error[i].mean()), len(error), seed=seed)
    note = (
        f"median {np.median(error):.2f}, largest {error.max():.2f} deg of {len(error)} highlights"
    )
    return Measurement(float(error.mean()), low, high, len(error), digest, note)


def lights_of(gray: Capture, start: F32) -> F32:
    """(K, 3) directions by regression of the gray sphere's shading on its own normals.

    Pixels that face away by `start`, are bright as a highlight or lie near the outline are left
    out.
    """
    truth = gray.truth
    found = []
    for image, direction in zip(gray.images, start, strict=True):
        seen = image[gray.mask]
        good = (truth @ direction > 0.2) & (seen < 200) & (truth[:, 2] > 0.4)
        light = np.linalg.lstsq(truth[good], seen[good], rcond=None)[0]
        found.append(light / np.linalg.norm(light))
    return np.array(found, np.float32)


def _patches(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    rows, columns = np.nonzero(mask)
    return np.asarray((rows // PATCH_PX) * 1000 + columns // PATCH_PX, np.int64)


def _mean_over_patches(
    values: F64,
    patches: NDArray[np.int64],
    digest: str,
    seed: int,
    note: str,
    figures: tuple[Figure, ...],
) -> Measurement:
    """The mean over pixels with bounds that draw patches."""
    _, index = np.unique(patches, return_inverse=True)
    sums, counts = np.bincount(index, values), np.bincount(index)

    def mean(drawn: NDArray[np.int64]) -> float:
        return float(sums[drawn].sum() / counts[drawn].sum())

    low, high = bootstrap(mean, len(sums), seed=seed)
    return Measurement(float(values.mean()), low, high, len(sums), digest, note, figures)


def _picture(gray: Capture, normals: F32, error: F64) -> Picture:
    """One image, the recovered normals as colours, and the error up to 15 degrees."""
    shape = (*gray.mask.shape, 3)
    photo = np.repeat(gray.images[0][..., None], 3, axis=2).astype(np.uint8)
    colours = np.full(shape, 255, np.uint8)
    colours[gray.mask] = (127.5 + 127.5 * normals[:, ::-1]).astype(np.uint8)
    wrong = np.zeros(gray.mask.shape, np.uint8)
    wrong[gray.mask] = np.clip(error / 15 * 255, 0, 255).astype(np.uint8)
    heat = np.asarray(cv2.applyColorMap(wrong, cv2.COLORMAP_VIRIDIS), np.uint8)
    heat[~gray.mask] = 255
    sheet = np.concatenate([photo, colours, heat], axis=1)
    data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return Picture(data, "Gray sphere: one of 12 images, recovered normals, error 0 to 15 degrees")


def _plot(ours: F64, plain: F64, three: F64) -> Plot:
    share = np.linspace(0, 1, 101)
    named = (("robust, 12 lights", ours), ("least squares, 12", plain), ("least squares, 3", three))
    series = tuple(Series(name, np.quantile(error, share), share) for name, error in named)
    title = "Angular error of the gray sphere's normals"
    return Plot(title, "error [deg]", "share of pixels at or below", series)


HOW = (
    "Real captures of a gray and a chrome sphere under the same 12 lights (course images of the "
    "University of Washington, psm_photometric). Light directions from the chrome sphere's "
    "highlights; intensities taken as equal. "
)
GRAY = Indicator(
    "S4-D1-R1/spheres",
    "Rejecting highlights and shadows recovers a real sphere better than least squares does.",
    "动态光照…新体制快速特征成像",
    "deg",
    "<",
    0.0,
    "public-data",
    f"{HOW}Angle between recovered normals and those of the outline's sphere, ours less that of "
    "plain least squares over the same 12 images, mean over the whole mask; n: patches of 18 px.",
)
CHROME = Indicator(
    "S4-D1-R1/spheres-chrome",
    "A real chrome sphere's normals agree with the lights that the gray sphere's shading tells.",
    GRAY.guide,
    "deg",
    "<=",
    2.0,
    "public-data",
    f"{HOW}Light directions are solved from the gray sphere's shading and geometry alone; half-way "
    "between each and the camera is the chrome normal at the highlight, which is compared with the "
    "chrome sphere's geometry there. Mean angle over 12 highlights. Target: one pixel of highlight "
    "is 0.5 deg, the highlight is 10 px wide.",
)
EXPERIMENTS = (Experiment("imaging-spheres", (GRAY, CHROME), measure),)
