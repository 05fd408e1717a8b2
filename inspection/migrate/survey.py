"""What is known of a station for one job: its optics from the target, its parts from good ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.migrate import geometry, mirror, photometry, target
from inspection.migrate.artefact import TARGET, Artefact
from inspection.migrate.errors import CalibrationError, MigrationError
from inspection.migrate.geometry import Geometry
from inspection.migrate.photometry import Photometry, clipped_share, linear, polynomial, powers

Frame = NDArray[np.uint8]
F64 = NDArray[np.float64]

FEWEST_PARTS = 5
CELLS = 16  # blocks a side that a part's own falloff is read from
PART_TERMS = 6  # of its polynomial: up to the second degree
SAME_SIZE = "the target and the good parts are to be taken by one camera"


@dataclass(frozen=True, slots=True)
class Survey:
    """A station as one job sees it.

    level_dn: median of good parts above black, the mean over parts, of a straight response.
    clipped: share of their pixels at the end of the scale. parts: how many there were.
    part_profile: what the light's falloff is on these parts beyond that on the target, a polynomial
    of the second degree in the logarithm. mirror: what the target's mirrors show, as a reflectance;
    None where it had none.
    """

    geometry: Geometry
    photometry: Photometry
    level_dn: float
    clipped: float
    parts: int
    part_profile: tuple[float, ...]
    mirror: float | None = None

    @property
    def noise_dn(self) -> float:
        """Standard deviation of a pixel of a good part."""
        return self.photometry.noise_dn(self.level_dn)

    def falloff(self) -> NDArray[np.float32]:
        """(H, W) how bright these parts are over the frame, mean 1."""
        shape = self.geometry.shape_px
        y, x = (np.linspace(-1, 1, n) for n in shape)
        own = np.exp(polynomial(x[None], y[:, None], self.part_profile)).astype(np.float32)
        both = self.photometry.falloff(shape) * own
        return np.asarray(both / both.mean(), np.float32)

    def uniformity(self) -> float:
        """The darkest place of the frame as a share of the brightest."""
        falloff = self.falloff()
        return float(falloff.min() / falloff.max())

    def to_json(self) -> dict[str, Any]:
        """As a job holds it."""
        plain = {name: getattr(self, name) for name in ("level_dn", "clipped", "parts")}
        if self.mirror is not None:
            plain["mirror"] = self.mirror
        return {
            "geometry": self.geometry.to_json(),
            "photometry": self.photometry.to_json(),
            "part_profile": list(self.part_profile),
            **plain,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Survey:
        """From `to_json`. MigrationError when a job holds something else."""
        try:
            return cls(
                Geometry.from_json(values["geometry"]),
                Photometry.from_json(values["photometry"]),
                float(values["level_dn"]),
                float(values["clipped"]),
                int(values["parts"]),
                tuple(map(float, values["part_profile"])),
                float(values["mirror"]) if "mirror" in values else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise MigrationError(
                f"the job's survey of its station is not one ({error!r}): survey it again"
            ) from error


def survey(shown: Frame, good: Sequence[Frame], artefact: Artefact = TARGET) -> Survey:
    """Measure a station on one picture of the target and some of good parts.

    shown, good: (H, W) uint8 of one camera. MigrationError names what is wrong with them.
    """
    if len(good) < FEWEST_PARTS:
        raise CalibrationError(f"{len(good)} good parts, at least {FEWEST_PARTS} are needed")
    if any(frame.shape != shown.shape or frame.dtype != np.uint8 for frame in good):
        raise CalibrationError(f"the good parts' frames are not of {shown.shape}: {SAME_SIZE}")
    dots = target.find(shown, artefact)
    where = geometry.fit(dots, (shown.shape[0], shown.shape[1]), artefact)
    light = photometry.measure(shown, dots, where, artefact)
    clipped, table = clipped_share(list(good)), linear(light.response, light.black_dn, 255.0)
    if table is not None:
        good = [np.asarray(cv2.LUT(frame, table), np.uint8) for frame in good]
    levels = [float(np.median(frame)) - light.black_dn for frame in good]
    if min(levels) <= 0:
        raise CalibrationError("a good part's frame is black: was the light on?")
    profile = part_profile(good, light, where.shape_px)
    shine = mirror.measure(shown, where, light, artefact)
    return Survey(where, light, float(np.mean(levels)), clipped, len(good), profile, shine)


def part_profile(
    good: Sequence[Frame], light: Photometry, shape: tuple[int, int]
) -> tuple[float, ...]:
    """The falloff on good parts beyond that on the target, as far as the parts agree on it.

    A part's own coefficients are a least-squares fit to the logarithm of its blocks' medians; the
    mean over the parts is shrunk by what its own scatter makes of it (James and Stein 1961,
    positive part), so that ten different parts that share nothing give nothing.
    """
    falloff = cv2.resize(light.falloff(shape), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    middle = (np.arange(CELLS) + 0.5) / CELLS * 2 - 1
    x, y = np.meshgrid(middle, middle)
    basis = np.stack([x**i * y**j for i, j in powers(PART_TERMS)], axis=-1).reshape(-1, PART_TERMS)
    solver = np.linalg.pinv(basis)
    found = np.stack(
        [solver @ np.log(_blocks(frame, light.black_dn) / falloff).ravel() for frame in good]
    )
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    kept = mean * np.maximum(0, 1 - (error / np.maximum(np.abs(mean), 1e-9)) ** 2)
    return (0.0, *map(float, kept[1:]))  # the level is `level_dn`


def _blocks(frame: Frame, black_dn: float) -> F64:
    """(CELLS, CELLS) medians above black, at least a digital number."""
    height, width = (n // CELLS * CELLS for n in frame.shape)
    cells = frame[:height, :width].reshape(CELLS, height // CELLS, CELLS, width // CELLS)
    medians = np.median(cells.swapaxes(1, 2).reshape(CELLS, CELLS, -1), axis=-1)
    return np.asarray(np.maximum(medians - black_dn, 1.0), np.float64)
