"""Moving job files: pictures from disk in, a job file out."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.job import Job, can_be_written
from inspection.layouts.load import read_image
from inspection.migrate.artefact import TARGET, Artefact
from inspection.migrate.errors import MigrationError
from inspection.migrate.package import Labels, migrated, surveyed

Frame = NDArray[np.uint8]

IMAGES = frozenset({".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff"})
MOST_FRAMES = 200


def survey_file(
    job: Path,
    shown: Path,
    good: Path,
    out: Path,
    defects: Path | None = None,
    reference: Path | None = None,
    pitch_um: float = TARGET.pitch_um,
) -> dict[str, Any]:
    """Write `out`: the job with the station it was taught on. LingnanError says what is wrong.

    pitch_um: of the target's dots; targets come in sizes.
    """
    _new(out, job)
    loaded = Job.load(job)
    golden = None if reference is None else read_image(reference)
    known = [] if defects is None else marked(defects)
    made = surveyed(loaded, grey(shown), frames(good), known, golden, _target(pitch_um))
    made.save(out)
    home = made.station["home"]
    told = {name: home["known"][name] for name in ("count", "missed")}
    return {"job": str(out), **home, "known": {**told, "kept": len(home["known"]["kept"])}}


def migrate_file(
    job: Path,
    shown: Path,
    good: Path,
    out: Path,
    reference: Path | None = None,
    pitch_um: float = TARGET.pitch_um,
) -> dict[str, Any]:
    """Write `out`: the job for the station of these pictures; what was found, with the minutes
    that the computer took."""
    began = perf_counter()
    _new(out, job)
    golden = None if reference is None else read_image(reference)
    original = Job.read(job)
    made = migrated(original, grey(shown), frames(good), golden, _target(pitch_um))
    made.job.save(out)
    minutes = (perf_counter() - began) / 60
    told = made.threshold.sentence()
    return {"job": str(out), **made.to_json(), "said": told, "minutes": minutes}


def marked(folder: Path) -> list[tuple[Frame, Labels | None]]:
    """The pictures in ROOT/KIND with labels of what ROOT/masks/KIND/STEM.png marks, None where
    there is no mask. MigrationError names a mask that does not fit."""
    masks = folder.resolve().parent / "masks" / folder.resolve().name
    return [(grey(path), _labels(path, masks / f"{path.stem}.png")) for path in pictures(folder)]


def _labels(path: Path, mask: Path) -> Labels | None:
    if not mask.is_file():
        return None
    marks, picture = grey(mask), grey(path)
    if marks.shape != picture.shape:
        raise MigrationError(f"{mask}: is of {marks.shape}, the picture of {picture.shape}")
    return np.asarray(cv2.connectedComponents((marks > 0).astype(np.uint8), connectivity=8)[1])


def frames(folder: Path) -> list[Frame]:
    """The grey pictures in a folder, by name. MigrationError without any, or with too many."""
    return [grey(path) for path in pictures(folder)]


def pictures(folder: Path) -> list[Path]:
    """Where they are, by name. MigrationError without any, or with too many."""
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in IMAGES and p.is_file())
    if not paths:
        raise MigrationError(f"{folder}: no picture in this folder")
    if len(paths) > MOST_FRAMES:
        raise MigrationError(f"{folder}: {len(paths)} pictures, at most {MOST_FRAMES} are taken")
    return paths


def grey(path: Path) -> Frame:
    """One picture, (H, W) uint8; colour by its luminance."""
    pixels = read_image(path)
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def _target(pitch_um: float) -> Artefact:
    return TARGET.scaled(pitch_um / TARGET.pitch_um)


def _new(out: Path, job: Path) -> None:
    """Before any work: `out` can be written, and nothing that is stored is lost by it."""
    if out.exists() and job.exists() and out.samefile(job):
        raise MigrationError(f"{out} is the job itself: name another --out")
    if out.exists():
        raise MigrationError(f"{out} is there already: name another --out")
    can_be_written(out)
