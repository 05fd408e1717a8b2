"""Imaging from a line's own frames: what a strobe adds to the room light, one radiance of an
exposure series, the events of a passing part.

Without the camera's gain the unit is digital numbers a microsecond, DN/us, and nothing is said of
noise: an estimate needs the gain's value only for its sigma, and for what read noise weighs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from inspection.imaging.ambient import Timed, difference
from inspection.imaging.events import EventMode, count_on_part
from inspection.imaging.hdr import brackets, fuse
from inspection.imaging.noise import Estimate, NoiseModel, Shot
from inspection.imaging.shots import Frame, ShotsError, Taken, opened, read_table
from inspection.imaging.strobed import timed

F32 = NDArray[np.float32]

MOST_EXPOSURES = 64
MOST_FRAMES = 20_000
MOST_VALUES = 100_000_000  # pixels of exposures that are held at once
MOST_TO_STREAM = 20_000_000_000  # pixels of frames that are read one by one
MOST_EVENTS = 20_000_000
WELL_LIT = 0.05  # of the scale: from here on a pixel is well lit
FEWEST_LIT = 0.01  # of the pixels, for an exposure to be compared
RANGE = (0.1, 99.9)  # per cent of the pixels that the told range leaves out at either end


@dataclass(frozen=True, slots=True)
class Camera:
    """What digital numbers mean.

    black_level_dn: what a covered lens reads. saturation_dn: from here on a number says "at
    least"; None is 255 of 8 bits, and not known of 16. dn_per_e: system gain; None where it is not
    known. read_noise_e: standard deviation in electrons (in DN without a gain).
    """

    black_level_dn: float
    saturation_dn: float | None = None
    dn_per_e: float | None = None
    read_noise_e: float = 0.0

    @property
    def unit(self) -> str:
        """Of radiance."""
        return "DN/us" if self.dn_per_e is None else "e/us"

    def noise(self, frame: Frame, path: Path) -> NoiseModel:
        """The model for frames of this depth. ShotsError where values are none of a camera's;
        `path` is for the message."""
        saturation_dn = self.saturation_dn
        if saturation_dn is None:
            if frame.dtype != np.uint8:
                told = "16 bits may hold 10, 12 or 14: say from which number on it is saturated"
                raise ShotsError(path, f"{told} (--saturation-dn)")
            saturation_dn = 255.0
        try:
            return NoiseModel(
                1.0 if self.dn_per_e is None else self.dn_per_e,
                self.read_noise_e,
                self.black_level_dn,
                saturation_dn,
            )
        except ValueError as error:
            raise LingnanError(f"the camera cannot be as it is told: {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A radiance and what is told of it. radiance: in told["unit"]. picture: (H, W) for the eye or
    for a job; told: numbers for people, JSON values."""

    radiance: Estimate
    picture: Frame
    told: dict[str, Any]


def strobe(folder: Path, table: Path, camera: Camera, flicker_hz: float | None = None) -> Seen:
    """The strobe's own radiance of exposures with it and without; ShotsError says what is wrong.

    The picture is of the frames' depth: what the camera would show of the strobe alone at the first
    strobed exposure's time, with its black level; what is saturated is at the end of the scale.
    """
    lines = read_table(table, ("exposure_us", "strobe"), MOST_EXPOSURES)
    darks = sum(not line.strobe for line in lines)
    if darks > 1 or flicker_hz is not None:
        for line in lines:
            if line.time_s is None:
                why = "has no time_s: with several dark exposures the room light's drift is solved"
                raise ShotsError(table, f"{line.file!r} {why}")
    shots, noise = _shots(folder, lines, camera)
    with_strobe = [s for s, line in zip(shots, lines, strict=True) if line.strobe]
    without = [s for s, line in zip(shots, lines, strict=True) if not line.strobe]
    try:
        dark = timed(without, noise) if without else []
        alone = difference(timed(with_strobe, noise) if with_strobe else [], dark, flicker_hz)
    except ValueError as error:
        raise ShotsError(table, str(error)) from None
    told: dict[str, Any] = {
        "n_strobed": len(with_strobe),
        "n_dark": len(without),
        "exposure_us": with_strobe[0].exposure_us,
        "median": float(np.median(alone.value)),
        "median_room": _median(dark),
    }
    picture = _as_shown(alone, with_strobe[0], noise)
    return Seen(alone, picture, {**_about(alone, camera), **told})


def hdr(folder: Path, table: Path, camera: Camera) -> Seen:
    """One radiance of exposures of different times; ShotsError says what is wrong.

    The picture is of 8 bits and logarithmic over the range that is told. told["disagreement"]: by
    what share an exposure differs from the next longer one, at most, over the pixels that both can
    tell and that are well lit in the longer; None where there are none. It is large where times or
    the black level are wrong, or the numbers are not proportional to light.
    """
    lines = read_table(table, ("exposure_us",), MOST_EXPOSURES)
    times = sorted({line.exposure_us for line in lines if line.exposure_us is not None})
    if len(times) < 2:
        raise ShotsError(table, f"fusion needs two exposure times, all are {times[0]:g} us")
    shots, noise = _shots(folder, lines, camera)
    found = fuse(shots, noise)
    low, high = _range(found)
    told: dict[str, Any] = {
        "n_exposures": len(shots),
        "shortest_us": times[0],
        "longest_us": times[-1],
        "low": low,
        "high": high,
        "range_db": 20 * float(np.log10(high / low)) if low > 0 else None,
        "disagreement": _disagreement(shots, noise, found),
    }
    return Seen(found, _logarithmic(found.value, low, high), {**_about(found, camera), **told})


@dataclass(frozen=True, slots=True)
class Mode:
    """How events are made, see `events.EventMode`. floor_dn: light below it reads as it; None is
    the level at which one digital number more is no event yet. step_px: columns that the part moves
    to the right with every frame."""

    threshold: float = 0.1
    refractory_s: float = 0.0
    floor_dn: float | None = None
    common_mode: bool = True
    step_px: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Fired:
    """Events of a sequence: time_s, x_px, y_px, change (N,), the last in thresholds, < 0 darker.
    on_part: (H, W) events of either sign at each point of the part, a mean a frame."""

    time_s: NDArray[np.float64]
    x_px: NDArray[np.uint16]
    y_px: NDArray[np.uint16]
    change: NDArray[np.int32]
    on_part: F32
    told: dict[str, Any]


def events(folder: Path, table: Path, black_level_dn: float, mode: Mode) -> Fired:
    """Events of frames that followed one another; ShotsError says what is wrong.

    Frames whose table tells exposure times, as of a camera that exposes by itself, are divided by
    them.
    """
    lines = read_table(table, ("time_s",), MOST_FRAMES)
    times = [line.time_s for line in lines if line.time_s is not None]
    exposures = [line.exposure_us for line in lines if line.exposure_us is not None]
    if len(lines) < 2:
        raise ShotsError(table, "events need two frames at least")
    if exposures and len(exposures) < len(lines):
        raise ShotsError(table, "tells exposure_us of some frames: tell it of all or of none")
    for before, after in pairwise(lines):
        if (after.time_s or 0.0) <= (before.time_s or 0.0):
            raise ShotsError(table, f"{after.file!r} is not later than {before.file!r}")
    frames = opened(folder, [line.file for line in lines], MOST_TO_STREAM)
    if abs(mode.step_px) * (len(lines) - 1) >= frames.width_px:
        told = f"a part that moves {mode.step_px} px a frame leaves {frames.width_px} px before"
        raise ShotsError(table, f"{told} the last of {len(lines)} frames")
    floor = mode.floor_dn if mode.floor_dn is not None else 1 / max(mode.threshold, 1e-9)
    by = exposures or [1.0] * len(lines)
    try:
        kept = EventMode(mode.threshold, mode.refractory_s, floor / min(by), mode.common_mode)
    except ValueError as error:
        raise LingnanError(str(error)) from None
    listed = _Listed(kept, table)
    radiance = (
        (time_s, (frame - np.float32(black_level_dn)) / np.float32(exposure_us))
        for time_s, exposure_us, frame in zip(times, by, frames, strict=True)
    )
    on_part = count_on_part(radiance, listed, mode.step_px)
    return listed.fired(on_part, times)


@dataclass(slots=True)
class _Listed:
    """An event mode whose events are kept in a list."""

    mode: EventMode
    table: Path
    kept: list[tuple[Any, ...]] = field(default_factory=list)
    count: int = 0

    def step(self, radiance: F32, time_s: float) -> NDArray[np.int32]:
        fired = self.mode.step(radiance, time_s)
        y, x = np.nonzero(fired)
        self.count += len(x)
        if self.count > MOST_EVENTS:
            told = f"over {MOST_EVENTS:,} pixels fired: raise the threshold or the floor"
            raise ShotsError(self.table, told)
        self.kept.append(
            (np.full(len(x), time_s), x.astype(np.uint16), y.astype(np.uint16), fired[y, x])
        )
        return fired

    def fired(self, on_part: F32, times: Sequence[float]) -> Fired:
        time_s, x, y, change = (np.concatenate(one) for one in zip(*self.kept, strict=True))
        height, width = on_part.shape
        told: dict[str, Any] = {
            "width_px": width,
            "height_px": height,
            "n_frames": len(times),
            "span_s": times[-1] - times[0],
            "n_events": int(np.abs(change).sum()),
            "n_brighter": int(change[change > 0].sum()),
            "n_darker": int(-change[change < 0].sum()),
            "n_pixels_fired": len(change),
        }
        return Fired(time_s, x, y, change, on_part, told)


def _shots(folder: Path, lines: Sequence[Taken], camera: Camera) -> tuple[list[Shot], NoiseModel]:
    frames = opened(folder, [line.file for line in lines], MOST_VALUES)
    shots = list(_each(iter(frames), lines))
    return shots, camera.noise(shots[0].frame, frames.paths[0])


def _each(frames: Iterator[Frame], lines: Sequence[Taken]) -> Iterator[Shot]:
    for frame, line in zip(frames, lines, strict=True):
        yield Shot(frame, line.exposure_us or 0.0, line.time_s or 0.0)


def _about(radiance: Estimate, camera: Camera) -> dict[str, Any]:
    height, width = radiance.value.shape
    saturated = float(radiance.saturated.mean())
    return {
        "width_px": width,
        "height_px": height,
        "unit": camera.unit,
        "saturated_share": saturated,
    }


def _median(dark: Sequence[Timed]) -> float:
    return float(np.median([np.median(one.estimate.value) for one in dark]))


def _as_shown(radiance: Estimate, shot: Shot, noise: NoiseModel) -> Frame:
    """The radiance as the camera would number it at the shot's exposure."""
    digital = radiance.value * np.float32(shot.exposure_us * noise.dn_per_e)
    digital += np.float32(noise.black_level_dn)
    white = min(noise.saturation_dn, float(np.iinfo(shot.frame.dtype).max))
    digital[radiance.saturated] = white
    return np.asarray(np.rint(np.clip(digital, 0, white)), shot.frame.dtype)


def _range(radiance: Estimate) -> tuple[float, float]:
    low, high = np.percentile(radiance.value, RANGE)
    return float(low), float(high)


def _logarithmic(value: F32, low: float, high: float) -> NDArray[np.uint8]:
    high = max(high, 1e-12)
    low = min(max(low, high * 1e-6), high * 0.999)
    share = np.log(np.clip(value, low, high) / np.float32(low)) / np.log(high / low)
    return np.asarray(np.rint(np.clip(share, 0, 1) * 255), np.uint8)


def _disagreement(shots: Sequence[Shot], noise: NoiseModel, fused: Estimate) -> float | None:
    """Sums over pixels are compared, as a pixel of the shorter exposure may be mostly noise; they
    are chosen by the fused radiance, as to choose bright ones of one exposure would favour noise.
    """
    full = (noise.saturation_dn - noise.black_level_dn) / noise.dn_per_e
    rising = sorted(
        zip(shots, brackets(shots, noise), strict=True), key=lambda one: one[0].exposure_us
    )
    off = []
    for (_, short), (shot, long) in pairwise(rising):
        lit = fused.value * np.float32(shot.exposure_us) > WELL_LIT * full
        lit &= ~(short.saturated | long.saturated)
        if lit.mean() >= FEWEST_LIT:
            sums = [float(one.value[lit].sum(dtype=np.float64)) for one in (short, long)]
            off.append(abs(sums[0] / sums[1] - 1))
    return max(off, default=None)
