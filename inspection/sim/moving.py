"""Teaching a job on one simulated station and moving it to another, frames from the camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log10
from time import process_time

import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SimCameraConfig
from common.drivers.camera.sim import SimCamera
from inspection.job import Job
from inspection.methods.segment import Segment
from inspection.migrate.artefact import TARGET
from inspection.migrate.errors import ExposureError, LampError, TooFewPartsError
from inspection.migrate.package import Migration, migrated, surveyed
from inspection.sim.scene import Truth
from inspection.sim.stations import RIGS, camera, levelled, rig_scene
from inspection.sim.trial import split

Frame = NDArray[np.uint8]

PARTS = "inspection.sim.stations:rig_scene"
TARGET_SCENE = "inspection.sim.target:target_scene"
GOOD_PARTS = 10
MOST_PARTS = 30  # that a person lays in where the first ones do not suffice
MOST_TRIES = 3  # exposures set anew before it is given up
_ANOTHER = 500_000  # to the seed of further parts


@dataclass(frozen=True, slots=True)
class Batch:
    """Parts of one draw: every station sees the same ones. has_defects: points of 30 um, 49 on a
    whole field. field: share of each side of the part and of every camera's view."""

    material: str
    seed: int
    parts: int
    has_defects: bool = False
    field: float = 1.0

    def camera(self, rig: str) -> SimCameraConfig:
        """The station's camera over these parts."""
        return camera(
            rig,
            PARTS,
            self.seed,
            self.field,
            material=self.material,
            has_defects=self.has_defects,
        )

    def shots(self, rig: str, gain_db: float = 0.0) -> Iterator[Frame]:
        """The parts' frames on a station whose gain was changed by so much."""
        yield from taken(self.camera(rig), self.parts, gain_db)

    def truth(self, rig: str, part: int, on_drawing: bool) -> Truth:
        """Labels on the grid of station A, or on this station's own."""
        scene = rig_scene(rig, self.material, self.seed, self.has_defects, field=self.field)
        return scene.truth(part, on_drawing)


def taken(config: SimCameraConfig, count: int, gain_db: float = 0.0) -> Iterator[Frame]:
    """Frames of a camera, one a trigger, so that it takes none in vain; the next is on its way
    while one is looked at."""
    changes = {"gain_db": config.gain_db + gain_db, "trigger": "hardware"}
    with SimCamera(config.model_copy(update=changes)) as source:
        for number in range(count):
            for _ in range((number == 0) + (number + 1 < count)):
                source.trigger()
            yield source.read(timeout_s=300.0).value.pixels


def shown(rig: str, material: str, seed: int, field: float, gain_db: float = 0.0) -> Frame:
    """The calibration target on a station, under the light that inspects the material."""
    (frame,) = taken(camera(rig, TARGET_SCENE, seed, field, material=material), 1, gain_db)
    return frame


def taught(method: Segment, threshold: float, known: Batch, seed: int) -> Job:
    """The station's job on station A with what a move needs; `known` are its known defects."""
    job = Job("segment", method.to_state(), {"value": threshold})
    field, material = known.field, known.material
    good = list(Batch(material, seed, GOOD_PARTS, field=field).shots("A"))
    marked = (
        (frame, known.truth("A", part, on_drawing=True).labels)
        for part, frame in enumerate(known.shots("A"))
    )
    target = shown("A", material, seed, field)
    return surveyed(job, target, good, marked, artefact=TARGET.scaled(field))


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """A move that was made. rig: the station as it was moved to. frames: taken for it. kept: of the
    mirror image, where a lamp had to be levelled first. gain_db: what the camera's was changed by.
    cpu_s: of working it out, without the simulator."""

    migration: Migration
    rig: str
    kept: float | None
    frames: int
    gain_db: float
    cpu_s: float


def move(job: Job, rig: str, parts: Batch) -> Move:
    """Move a job to a station as a person would: where the camera is said to be set otherwise or
    the coaxial lamp to be levelled, it is, and the pictures are taken again; where more good parts
    are asked for, as many again are laid in. MigrationError when it does not go."""
    original, gain_db, cpu_s, tries, frames = job.to_bytes(), 0.0, 0.0, 1, 0
    kept: float | None = None
    artefact = TARGET.scaled(parts.field)
    good: list[Frame] = []
    while True:
        if not good:
            target = shown(rig, parts.material, parts.seed, parts.field, gain_db)
            frames += 1
        further = replace(parts, seed=parts.seed + _ANOTHER * (len(good) // parts.parts))
        good += further.shots(rig, gain_db)
        frames += parts.parts
        began = process_time()
        try:
            moved = migrated(original, target, good, artefact=artefact)
        except TooFewPartsError:
            cpu_s += process_time() - began
            if len(good) >= MOST_PARTS:
                raise
        except LampError as error:
            cpu_s += process_time() - began
            if kept is not None or levelled(rig) not in RIGS:
                raise
            rig, kept, good = levelled(rig), error.kept, []
        except ExposureError as error:
            cpu_s += process_time() - began
            if tries == MOST_TRIES:
                raise
            gain_db += 20 * log10(error.factor * 0.97)
            tries, good = tries + 1, []
        else:
            cpu_s += process_time() - began
            return Move(moved, rig, kept, frames, gain_db, cpu_s)


@dataclass(slots=True)
class Outcome:
    """Scores of one way to judge a batch. beside: of each part, away from its defects."""

    threshold: float
    scores: list[float]
    beside: list[float]
    frame: Frame | None = None

    @classmethod
    def empty(cls, threshold: float) -> Outcome:
        """Nothing judged yet."""
        return cls(threshold, [], [])

    def add(self, logits: NDArray[np.float32], truth: Truth) -> None:
        """One part."""
        scores, beside, _ = split(logits, truth)
        self.scores.extend(map(float, scores))
        self.beside.append(beside)

    @property
    def missed(self) -> int:
        """Defects under the threshold."""
        return sum(score < self.threshold for score in self.scores)

    @property
    def rejected(self) -> NDArray[np.bool_]:
        """(parts,) whether a find lies away from every defect."""
        return np.array(self.beside) >= self.threshold
