"""A job that knows its station, and the same job on another one.

`surveyed` writes a station into a job that was taught on it: optics, the scores of good parts, and
known defects or else the scores of probes. `migrated` measures another station the same way and
gives the job for it. Only `Job.station` and the threshold differ from the original, whose bytes the
new file holds untouched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.job import Job
from inspection.methods.base import Method
from inspection.migrate import known, mirror, probe, threshold
from inspection.migrate.adapt import Adapter, adapter
from inspection.migrate.artefact import TARGET, Artefact
from inspection.migrate.errors import ExposureError, LampError, MigrationError
from inspection.migrate.known import Shown
from inspection.migrate.planted import planted
from inspection.migrate.survey import Survey, survey
from inspection.migrate.threshold import Moved

Frame = NDArray[np.uint8]
F64 = NDArray[np.float64]
Labels = NDArray[np.integer[Any]]

MORE_CLIPPED = 0.005  # beyond what was clipped where the job was taught
TIMES = 3  # that each known defect is shown
STEP_DOWN = 0.8  # of the light, where good parts are no brighter and yet more clipped
CURE = "write its station into it first: lingnan inspection survey"


@dataclass(frozen=True, slots=True)
class Home:
    """The station a job was taught on: its survey, good parts' scores, known defects, and where
    there are none the probes' contrast with their mean scores a part."""

    survey: Survey
    good: tuple[float, ...]
    known: Shown
    contrast: float
    probes: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """As a job holds it."""
        plain: dict[str, Any] = {
            "good": list(self.good),
            "probes": list(self.probes),
            "contrast": self.contrast,
        }
        return {"survey": self.survey.to_json(), "known": self.known.to_json(), **plain}

    @classmethod
    def of(cls, job: Job) -> Home:
        """From a job. MigrationError when it knows no station."""
        values = job.station.get("home")
        if not isinstance(values, dict):
            raise MigrationError(f"the job does not know the station it was taught on; {CURE}")
        try:
            good, probes = (tuple(map(float, values[name])) for name in ("good", "probes"))
            known, contrast = Shown.from_json(values["known"]), float(values["contrast"])
            found = Survey.from_json(values["survey"])
            if not all(one.is_within(found.geometry.shape_px) for one in known.kept):
                raise ValueError("a known defect lies beyond the station's frame")
            if not (known.kept or probes):
                raise ValueError("neither known defects nor probes")
            return cls(found, good, known, contrast, probes)
        except (KeyError, TypeError, ValueError) as error:
            raise MigrationError(f"the job's station is not one ({error!r}); {CURE}") from error


@dataclass(frozen=True, slots=True, eq=False)
class Migration:
    """A moved job with what was found on the way."""

    job: Job
    here: Survey
    home: Home
    adapter: Adapter
    threshold: Moved

    def to_json(self) -> dict[str, Any]:
        """What was found, for people and machines."""
        where, light = self.here.geometry, self.here.photometry
        old = self.home.survey
        return {
            "um_per_px": where.um_per_px,
            "scale": where.um_per_px / old.geometry.um_per_px,
            "angle_deg": where.angle_deg - old.geometry.angle_deg,
            "mirrored": where.is_mirrored != old.geometry.is_mirrored,
            "radial": where.radial,
            "residual_um": where.residual_um,
            "black_dn": light.black_dn,
            "response": light.response,
            "gain": light.gain_dn_per_e / max(old.photometry.gain_dn_per_e, 1e-9),
            "level": self.here.level_dn / old.level_dn,
            "uniformity": self.here.uniformity(),
            "blur_um": light.blur_um,
            "noise_dn": self.adapter.noise_dn,
            "mirror_kept": mirror.kept(self.here.mirror, old.mirror),
            "parts": self.here.parts,
            "threshold": self.threshold.to_json(),
        }


def surveyed(
    job: Job,
    shown: Frame,
    good: Sequence[Frame],
    defects: Iterable[tuple[Frame, Labels | None]] = (),
    reference: Frame | None = None,
    artefact: Artefact = TARGET,
) -> Job:
    """The job with the station it was taught on. MigrationError names what is wrong.

    shown, good: (H, W) uint8, the target and good parts on that station. defects: parts with known
    defects there, with labels (H, W) of them or without, see `known.shown`.
    """
    if job.station:
        raise MigrationError("the job knows its station already: survey the job as it was taught")
    found, method = survey(shown, good, artefact), job.method()
    plain = _scores(method, good, reference)
    before = float(job.threshold["value"])
    parts = _of_shape(defects, found.geometry.shape_px)
    told = known.shown(method, before, parts, reference)
    contrast, probes = 0.0, np.zeros(0)
    if not told.kept:
        contrast, probes = _probed(method, good, found, before, reference)
    home = Home(found, tuple(map(float, plain)), told, contrast, tuple(map(float, probes)))
    return replace(job, station={"home": home.to_json()})


def _of_shape(
    parts: Iterable[tuple[Frame, Labels | None]], shape: tuple[int, int]
) -> Iterator[tuple[Frame, Labels | None]]:
    for frame, labels in parts:
        if frame.shape != shape or (labels is not None and labels.shape != shape):
            raise MigrationError(
                f"a known defect's picture is of {frame.shape}, the target's of {shape}: both are "
                "to be taken by one camera"
            )
        yield frame, labels


def _probed(
    method: Method, good: Sequence[Frame], found: Survey, level: float, reference: Frame | None
) -> tuple[float, F64]:
    """The strongest contrast whose probes score `level` or less, and their scores."""
    points = probe.probes(found, found)
    kept: tuple[float, F64] | None = None
    for contrast in probe.CONTRASTS:
        probes = probe.scores(method, good, points, contrast, reference=reference)
        if kept is not None and probes.mean() > level:
            break
        kept = (contrast, probes)
    assert kept is not None  # there are contrasts
    return kept


def migrated(
    original: bytes,
    shown: Frame,
    good: Sequence[Frame],
    reference: Frame | None = None,
    artefact: Artefact = TARGET,
) -> Migration:
    """The job of these bytes on the station of these frames.

    shown, good: (H, W) uint8, the target and good parts on the new station. LampError or
    ExposureError when a lamp or the camera is to be set first; MigrationError when the station does
    not fit the job.
    """
    job = Job.from_bytes(original)
    if job.origin is not None:
        raise MigrationError("the job was moved already: move the original that it holds")
    home = Home.of(job)
    here = survey(shown, good, artefact)
    kept = mirror.kept(here.mirror, home.survey.mirror)
    if kept is not None and kept < mirror.LEAST_KEPT:
        raise LampError(kept)
    if here.clipped > home.survey.clipped + MORE_CLIPPED:
        raise ExposureError(here.clipped, home.survey.clipped, _dimmer(here, home.survey))
    adapt = adapter(here, home.survey)
    method = job.method()
    frames = [adapt(frame) for frame in good]
    before = float(job.threshold["value"])
    good_here = _scores(method, frames, reference)
    if home.known.kept:
        there = np.array([one.score for one in home.known.kept])
        seen = _shown_here(method, good, home, here, adapt, reference)
        known_all = (home.known.missed, home.known.count)
        fall = threshold.by_known(before, there, seen, *known_all, good_here)
    else:
        points = probe.probes(here, home.survey)
        probes = probe.scores(method, good, points, home.contrast, adapt, reference)
        fall = threshold.by_probes(before, np.array(home.probes), probes)
    rule = threshold.moved(before, fall, np.array(home.good), good_here)
    own = {**home.to_json(), "known": Shown().to_json()}  # the original holds their pictures
    station: dict[str, Any] = {"home": own, "here": here.to_json(), "moved": rule.to_json()}
    station["origin_sha256"] = sha256(original).hexdigest()
    new = {**job.threshold, "value": rule.value}
    moved_job = replace(job, threshold=new, station=station, origin=original)
    return Migration(moved_job, here, home, adapt, rule)


def _shown_here(
    method: Method,
    good: Sequence[Frame],
    home: Home,
    here: Survey,
    adapt: Adapter,
    reference: Frame | None,
) -> F64:
    """(N,) scores of the known defects, each as this station shows it in its good parts: the middle
    of TIMES, for what a faint one gets depends on the noise that it happens to have."""
    count = len(home.known.kept)
    rng, scores = np.random.default_rng(count), np.zeros((TIMES, count))
    for time, number in np.ndindex(scores.shape):
        one, part = home.known.kept[number], good[(time + number) % len(good)]
        finding = method.inspect(adapt(planted(part, one, here, home.survey, rng)), reference)
        scores[time, number] = known.score_at(finding, one.box)
    return np.asarray(np.median(scores, axis=0))


def _dimmer(here: Survey, home: Survey) -> float:
    """What clipped frames are to be multiplied by: back to the old station's brightness, and where
    that is no less light, a step down. Mirror-like parts are clipped by how the lamps stand, at
    any brightness of the rest."""
    return min(home.level_dn / here.level_dn, STEP_DOWN)


def _scores(method: Method, frames: Sequence[Frame], reference: Frame | None) -> F64:
    return np.array([method.inspect(frame, reference).score for frame in frames])
