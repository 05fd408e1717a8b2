"""Probability that a fix is wrong, and a protection level, of a coupled solution.

The probability is a logistic one of what is known about the fix: how far it is from the coupled
place, how it was doubted, the ratio test, the phases' misfit. The protection level is the told
standard deviation times a factor that development drives seldom exceed (`calibrate.seldom`). In
real time an estimate that had no fix yet errs by reflections, of which its deviation knows little:
such epochs have a factor of their own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from positioning.gnss import geodesy
from positioning.gnss.coupled.outcome import Coupled
from positioning.gnss.rtk.report import Integrity
from positioning.gnss.solution import Quality, Solution

F64 = NDArray[np.float64]

Mode = Literal["realtime", "batch"]
KINDS: dict[Mode, tuple[str, ...]] = {
    "batch": ("float", "fix"),
    "realtime": ("float", "fix", "before any fix"),
}
"""Of epochs; the index is what a factor is told by."""

FEATURES = ("one", "apart", "believed", "ratio", "misfit", "phases", "spread")
PUBLISHED: dict[Mode, Path] = {
    "batch": Path(__file__).with_name("calibration.json"),
    "realtime": Path(__file__).with_name("calibration_realtime.json"),
}
_LARGEST_BYTES = 1 << 16
_APART_M = 0.05
_FLOOR_M = 0.01


class CalibrationError(LingnanError):
    """The calibration file is not one; the message names what is wrong."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """weights: (7,) of FEATURES. horizontal, vertical: factors on the told sigma, by KINDS.
    risk: for each of these, the chance that a drive like those it comes from exceeds it at all.
    drives, command: what it comes from."""

    weights: tuple[float, ...]
    horizontal: tuple[float, ...]
    vertical: tuple[float, ...]
    risk: float
    drives: str
    command: str

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="ascii")


def read(mode: Mode = "batch", path: Path | None = None) -> Calibration:
    """An estimator's calibration, published or in a file. CalibrationError names what is wrong."""
    path = path or PUBLISHED[mode]
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise CalibrationError(f"{path} is larger than {_LARGEST_BYTES} bytes")
        told = json.loads(path.read_bytes())
        made = Calibration(
            tuple(map(float, told["weights"])), _factors(told["horizontal"], mode),
            _factors(told["vertical"], mode), float(told["risk"]), str(told["drives"]),
            str(told["command"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CalibrationError(f"{path} is no calibration of integrity: {error!r}") from error
    if len(made.weights) != len(FEATURES) or not np.all(np.isfinite(made.weights)):
        raise CalibrationError(f"{path}: weights are {len(FEATURES)} finite numbers")
    return made


def _factors(told: list[float], mode: Mode) -> tuple[float, ...]:
    factors = tuple(map(float, told))
    if len(factors) != len(KINDS[mode]) or not np.all(np.isfinite(factors)):
        raise ValueError(f"factors are {len(KINDS[mode])} finite numbers, by kind of epoch")
    return factors


def kinds(quality: NDArray[np.int8], mode: Mode) -> NDArray[np.int64]:
    """(E,) index into KINDS[mode] of a coupled solution's epochs."""
    is_fixed = quality == Quality.FIX
    before = np.cumsum(is_fixed) == 0
    return np.where(is_fixed, 1, np.where(before & (mode == "realtime"), 2, 0))


def features(coupled: Coupled, about: Integrity) -> F64:
    """(E, 7) in the order FEATURES, finite."""
    horizontal, _ = sigmas(coupled.solution)
    apart = np.nan_to_num(coupled.apart_m, nan=1e3)
    columns = (
        np.ones(len(apart)), np.log1p(apart / _APART_M), coupled.believed,
        np.log(np.clip(np.nan_to_num(about.ratio), 1, 100)),
        np.log1p(np.clip(np.nan_to_num(about.phase_misfit), 0, 100)),
        np.log1p(np.nan_to_num(about.phases_used)), np.log(horizontal),
    )  # fmt: skip
    return np.column_stack(columns)


def sigmas(solution: Solution) -> tuple[F64, F64]:
    """(E,) horizontal (larger axis) and vertical sigma, with a floor of a centimetre."""
    latitude, longitude, _ = geodesy.to_geodetic(solution.position_m)
    axes = geodesy.enu_axes(latitude, longitude)
    local = axes @ solution.covariance_m2 @ axes.swapaxes(1, 2)
    flat = local[:, :2, :2]
    middle = (flat[:, 0, 0] + flat[:, 1, 1]) / 2
    apart = np.hypot((flat[:, 0, 0] - flat[:, 1, 1]) / 2, flat[:, 0, 1])
    floor = _FLOOR_M**2
    return np.sqrt(middle + apart + floor), np.sqrt(local[:, 2, 2] + floor)


def probability(weights: F64, told: F64) -> F64:
    """(E,) logistic."""
    return np.asarray(1 / (1 + np.exp(-np.clip(told @ weights, -30, 30))))


def assess(coupled: Coupled, about: Integrity, mode: Mode = "batch") -> Solution:
    """The solution with wrong_fix_probability, NaN where there is no fix, and protection levels.

    mode: which estimator told it, by whose drives it is calibrated.
    """
    made = read(mode)
    solution = coupled.solution
    is_fixed = solution.quality == Quality.FIX
    wrong = probability(np.array(made.weights), features(coupled, about))
    kind = kinds(solution.quality, mode)
    horizontal, vertical = sigmas(solution)
    levels = np.column_stack(
        (horizontal * np.array(made.horizontal)[kind], vertical * np.array(made.vertical)[kind])
    )
    return replace(
        solution,
        wrong_fix_probability=np.where(is_fixed, wrong, np.nan).astype(np.float32),
        protection_level_m=levels.astype(np.float32),
    )
