"""lingnan inspection strobe, hdr, events: imaging of a line's own frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

AGREE = 0.05  # share; a camera's own times and linearity are good to a per cent or two
AsJson = Annotated[bool, Parameter(name="--json", negative="")]
Level = Annotated[float, Parameter(validator=Number(gte=0, lt=1e6))]
Above = Annotated[float, Parameter(validator=Number(gt=0, lt=1e6))]
Contrast = Annotated[float, Parameter(validator=Number(gte=1e-3, lte=5))]
Step = Annotated[int, Parameter(validator=Number(gt=-10_000, lt=10_000))]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What digital numbers mean.

    Parameters
    ----------
    black_level_dn:
        What the camera reads with its lens covered.
    saturation_dn:
        The number from which on a pixel is saturated; 255 without it for 8 bits, needed for 16.
    dn_per_e:
        The camera's gain, numbers an electron: radiance is then in e/us, and its noise told.
    read_noise_e:
        The camera's read noise in electrons; in numbers where the gain is not told.
    """

    black_level_dn: Level
    saturation_dn: Above | None = None
    dn_per_e: Above | None = None
    read_noise_e: Level = 0.0


def strobe(
    images: Path,
    *,
    exposures: Path,
    out: Path,
    numbers: Numbers,
    flicker_hz: Above | None = None,
    json: AsJson = False,
) -> None:
    """Take the room light out of IMAGES of one scene, exposed with strobe and without.

    Parameters
    ----------
    images:
        Folder of grey PNG, TIFF or BMP of 8 or 16 bits and one size, numbers proportional to light.
    exposures:
        CSV with the heading file,exposure_us,time_s,strobe, or JSON {"file.png": {"exposure_us":
        40, "time_s": 0.01, "strobe": "on"}, ...}; strobe is on or off, time_s the start. One dark
        exposure tells a steady room light and needs no time_s; two or more tell its drift.
    out:
        New folder: strobe.png (as the camera would show the strobe alone), radiance.png (16 bit),
        maps.npz, summary.json.
    numbers:
        What they mean.
    flicker_hz:
        Of the room's lamps, twice the mains frequency; asks for four dark exposures at least.
    json:
        Print the summary as JSON.
    """
    from inspection.imaging import recorded
    from inspection.imaging.keep import can_be_kept, keep_radiance

    can_be_kept(out)
    camera = recorded.Camera(**asdict(numbers))
    seen = recorded.strobe(images, exposures, camera, flicker_hz)
    told = keep_radiance(out, seen, "strobe.png", numbers.dn_per_e is not None)
    _tell(
        told,
        f"{out}: {told['n_strobed']} exposures with strobe less {told['n_dark']} without, "
        f"{told['width_px']} x {told['height_px']} px; median of the strobe {told['median']:.4g} "
        f"{told['unit']}, of the room light {told['median_room']:.4g} {told['unit']}, "
        f"{told['saturated_share']:.2%} saturated.",
        json,
    )


def hdr(
    images: Path,
    *,
    exposures: Path,
    out: Path,
    numbers: Numbers,
    json: AsJson = False,
) -> None:
    """Fuse IMAGES of one scene, exposed for different times, into one radiance.

    Parameters
    ----------
    images:
        Folder of grey PNG, TIFF or BMP of 8 or 16 bits and one size, numbers proportional to light.
    exposures:
        CSV with the heading file,exposure_us or JSON {"file.png": {"exposure_us": 40}, ...}; two
        different times at least.
    out:
        New folder: picture.png (logarithmic, for the eye), radiance.png (16 bit), maps.npz,
        summary.json.
    numbers:
        What they mean.
    json:
        Print the summary as JSON.
    """
    from inspection.imaging import recorded
    from inspection.imaging.keep import can_be_kept, keep_radiance

    can_be_kept(out)
    camera = recorded.Camera(**asdict(numbers))
    seen = recorded.hdr(images, exposures, camera)
    told = keep_radiance(out, seen, "picture.png", numbers.dn_per_e is not None)
    decibels = "" if told["range_db"] is None else f" ({told['range_db']:.0f} dB)"
    _tell(
        told,
        f"{out}: {told['n_exposures']} exposures of {told['shortest_us']:g} to "
        f"{told['longest_us']:g} us fused, {told['width_px']} x {told['height_px']} px; "
        f"{told['low']:.4g} to {told['high']:.4g} {told['unit']}{decibels}, "
        f"{told['saturated_share']:.2%} saturated in every one{_agreement(told['disagreement'])}.",
        json,
    )


def _agreement(off: float | None) -> str:
    if off is None:
        return ""
    if off <= AGREE:
        return f"; the exposures agree within {off:.2%}"
    return (
        f"; the exposures disagree by {off:.0%}: a time or the black level is wrong, something "
        "moved, or the numbers are not proportional to light"
    )


def events(
    images: Path,
    *,
    exposures: Path,
    out: Path,
    black_level_dn: Level,
    threshold: Contrast = 0.1,
    refractory_s: Level = 0.0,
    floor_dn: Above | None = None,
    common_mode: bool = True,
    step_px: Step = 0,
    json: AsJson = False,
) -> None:
    """Tell where and when the light changed over IMAGES, as an event camera would.

    Parameters
    ----------
    images:
        Folder of grey PNG, TIFF or BMP of 8 or 16 bits and one size, numbers proportional to light.
    exposures:
        CSV with the heading file,time_s or JSON {"file.png": {"time_s": 0.01}, ...}, in the order
        of time; with exposure_us too where the camera sets its exposure by itself.
    out:
        New folder: events.npz (time_s, x_px, y_px and change of every event), events.png (how often
        each point fired), maps.npz, summary.json.
    black_level_dn:
        What the camera reads with its lens covered.
    threshold:
        Change of the light's natural logarithm that fires; 0.1 is about 10 %.
    refractory_s:
        How long a pixel is blind after an event.
    floor_dn:
        Light below this many numbers reads as it; without it 1 / threshold, where one number more
        is no event yet. Raise it where the dark fires by its noise.
    common_mode:
        Take out what changes everywhere at once, such as the room light.
    step_px:
        Columns that the part moves to the right with every frame: events are summed on the part.
    json:
        Print the summary as JSON.
    """
    from inspection.imaging import recorded
    from inspection.imaging.keep import can_be_kept, keep_events

    can_be_kept(out)
    mode = recorded.Mode(threshold, refractory_s, floor_dn, common_mode, step_px)
    told = keep_events(out, recorded.events(images, exposures, black_level_dn, mode))
    _tell(
        told,
        f"{out}: {told['n_frames']} frames of {told['width_px']} x {told['height_px']} px over "
        f"{told['span_s']:.4g} s; "
        f"{told['n_events']:,} events of {threshold:g} (natural logarithm), {told['n_brighter']:,} "
        f"brighter and {told['n_darker']:,} darker.",
        json,
    )


def _tell(told: dict[str, Any], sentence: str, as_json: bool) -> None:
    import json as codec

    print(codec.dumps(told, indent=1) if as_json else sentence)
