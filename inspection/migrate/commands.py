"""lingnan inspection survey, migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
Edge = Annotated[float, Parameter(validator=Number(gt=0, lt=1e6))]  # um


def survey(
    job: Path,
    *,
    target: Path,
    good: Path,
    out: Path,
    defects: Path | None = None,
    reference: Path | None = None,
    pitch_um: Edge = 1000.0,
    json: AsJson = False,
) -> None:
    """Write into JOB what is known of the station it was taught on, so that it can be moved.

    Parameters
    ----------
    job:
        The job file.
    target:
        A picture of the calibration target on that station.
    good:
        Folder of pictures of good parts on that station.
    out:
        The job file to write.
    defects:
        Folder ROOT/KIND of pictures with known defects on that station, marked in
        ROOT/masks/KIND/NAME.png or where the job looks most. The job carries the weakest with it;
        without any, the threshold of a moved job falls farther.
    reference:
        The golden image, for jobs that compare.
    pitch_um:
        Distance of the target's dots in micrometres.
    json:
        Print what was found as JSON.
    """
    from inspection.migrate.files import survey_file

    found = survey_file(job, target, good, out, defects, reference, pitch_um)
    if json:
        _print_json(found)
        return
    where = found["survey"]["geometry"]
    print(
        f"{out}: knows its station from {where['dots']} dots (residual "
        f"{where['residual_um']:.2f} um), {found['survey']['parts']} good parts and "
        f"{found['known']['count']} known defects, of which it misses {found['known']['missed']}."
    )


def migrate(
    job: Path,
    *,
    target: Path,
    good: Path,
    out: Path,
    reference: Path | None = None,
    pitch_um: Edge = 1000.0,
    json: AsJson = False,
) -> None:
    """Make JOB run on another station, from one picture of the target and some good parts there.

    Light or exposure that is to be set first is told, and how; so is why a job cannot be moved. A
    target without mirrors, here or in the survey, tells nothing of a leaning lamp.

    Parameters
    ----------
    job:
        The job file, with its own station in it (`survey`).
    target:
        A picture of the calibration target on the new station.
    good:
        Folder of pictures of good parts on the new station, ten or so.
    out:
        The job file to write; it holds the original's bytes.
    reference:
        The golden image, for jobs that compare.
    pitch_um:
        Distance of the target's dots in micrometres.
    json:
        Print what was found as JSON.
    """
    from inspection.migrate.files import migrate_file

    found = migrate_file(job, target, good, out, reference, pitch_um)
    if json:
        _print_json(found)
        return
    mirrored = ", mirrored" if found["mirrored"] else ""
    print(f"{out}: moved with {found['parts']} good parts; {found['said']}.")
    print(
        f"Scale {found['scale']:.4f} ({found['um_per_px']:.3f} um a pixel), angle "
        f"{found['angle_deg']:.3f} deg{mirrored}, residual {found['residual_um']:.2f} um."
    )
    print(
        f"Gain {found['gain']:.3f}, black level {found['black_dn']:.1f} DN, uniformity "
        f"{found['uniformity']:.1%}, blur {found['blur_um']:.1f} um; "
        f"{found['minutes']:.2f} minutes of computing."
    )
    kept = found["mirror_kept"]
    print(
        "No mirror is on both pictures of the target: of a lamp that leans nothing is told."
        if kept is None
        else f"The lamp's mirror image keeps {kept:.2f} of its share in the light."
    )


def _print_json(found: dict[str, object]) -> None:
    import json as codec

    print(codec.dumps(found, indent=1, ensure_ascii=False))
