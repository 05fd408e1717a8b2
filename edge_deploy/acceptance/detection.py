"""Defects found where nobody says they are, and named: from three samples, and from none.

What is found is what stands out of a surface of which three good pictures were shown (one class);
what it is, either three samples of each kind tell or what the kinds are said to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, rate
from edge_deploy.acceptance.fewshot import ASKED, GUIDE, MOST_FALSE, SHOTS, row
from edge_deploy.acceptance.patches import MATERIALS, PIXEL_UM, SIZES_UM, Frame, told_of
from edge_deploy.fewshot.attributes import Description, named
from edge_deploy.fewshot.discriminant import told_apart
from edge_deploy.fewshot.episodes import Episode
from edge_deploy.fewshot.patches import Surface, standing_out
from edge_deploy.fewshot.regions import FEATURES, describe

IDS = tuple(f"S4-D9-K1/{word}" for word in ("detected-3-shot", "false-detections", "zero-shot"))
FOUND, FALSE, ZERO = IDS
NEAR_PX = 10  # that a region may lie from the defect's centre
LARGE_UM, LONG = 100.0, 3.0
SAID = {
    "point": Description(size_um=(0.0, LARGE_UM), elongation=(1.0, LONG)),
    "scratch": Description(elongation=(LONG, np.inf)),
    "stain": Description(size_um=(LARGE_UM, np.inf), elongation=(1.0, LONG)),
}

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """region: what stands out, None where nothing does. told: its twelve bytes. there: whether it
    is where the defect is."""

    region: U8 | None
    told: U8
    there: bool


def measure(
    frames: Mapping[str, Sequence[Frame]], shown: int, count: int, seed: int, digest: str
) -> dict[str, Measurement]:
    """frames: of every material in turn. From the first `shown` good ones of each material three at
    a time are drawn; each of the others is judged by what such three told."""
    first = shown * len(MATERIALS)
    good = [frame.pixels for frame in frames["good"]]
    good, told = good[first:], told_of(good[:first], SHOTS, len(good) // len(MATERIALS), seed)
    seen = {
        kind: [_seen(frame, told[at % len(told)]) for at, frame in enumerate(frames[kind])]
        for kind in SIZES_UM
    }
    alarms = [standing_out(one, told[at % len(told)]) is not None for at, one in enumerate(good)]
    there = np.concatenate([[one.there for one in own] for own in seen.values()])
    note = (
        f"{count} episodes of {len(there) // len(seen)} pictures a kind, {SHOTS} learned and "
        f"{ASKED} asked each; in {there.mean():.1%} of all pictures the defect was found at its "
        f"place; learned are pictures in which it was; each is judged by {SHOTS} good pictures of "
        f"its material, drawn from {shown}"
    )
    found = [sum(alarms[at :: len(MATERIALS)]) for at in range(len(MATERIALS))]
    by = ", ".join(f"{n} on {material}" for n, material in zip(found, MATERIALS, strict=True))
    return {
        FOUND: row(_episodes(list(seen.values()), count, seed), seed, digest, note),
        FALSE: rate(sum(alarms), len(alarms), digest, f"as many of each material: {by}"),
        ZERO: _unseen(seen, digest),
    }


def _seen(frame: Frame, surface: Surface) -> Seen:
    region = standing_out(frame.pixels, surface)
    if region is None:
        return Seen(None, np.zeros(FEATURES, np.uint8), False)
    rows, columns = np.nonzero(region)
    away = np.hypot(columns - frame.x, rows - frame.y).min()
    return Seen(region, describe(frame.pixels, region > 0), bool(away <= NEAR_PX))


def _episodes(kinds: Sequence[Sequence[Seen]], count: int, seed: int) -> F64:
    """Of each episode the share found at its place and named rightly."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(len(kinds)), ASKED)
    shares = []
    for _ in range(count):
        learned, asked = [], []
        for own in kinds:
            order = [own[at] for at in rng.permutation(len(own))]
            first = [one for one in order if one.there][:SHOTS]
            learned.append(np.stack([one.told for one in first]))
            asked += [one for one in order if not any(one is used for used in first)][:ASKED]
        told = np.stack([one.told for one in asked])
        named_rightly = told_apart(Episode(np.stack(learned), told, label)) == label
        shares.append((named_rightly & [one.there for one in asked]).mean())
    return np.array(shares)


def _unseen(seen: Mapping[str, Sequence[Seen]], digest: str) -> Measurement:
    right = total = 0
    for kind, own in seen.items():
        total += len(own)
        right += sum(
            one.region is not None and one.there and named(one.region, PIXEL_UM, SAID) == kind
            for one in own
        )
    note = (
        f"point: below {LARGE_UM:.0f} um and less than {LONG:.0f} times longer than wide; scratch: "
        "longer than that; stain: larger than a point and no scratch"
    )
    return rate(right, total, digest, note)


INDICATORS = (
    Indicator(
        FOUND,
        "From 3 good pictures and 3 samples a kind, defects are found at their place and named.",
        GUIDE,
        "fraction",
        ">=",
        0.95,
        "simulated",
        "Frames of 1.3 mm from inspection's simulated station, points and scratches of 40 um, "
        "stains of 300 um; nobody says where. What stands out of the surface by more than one good "
        "picture in 25 does, told from the three, is a region, whose twelve bytes a discriminant "
        "of the samples and the integer head name. Bootstrap over episodes, which draw from one "
        "pool.",
    ),
    Indicator(
        FALSE,
        "In less than 5 % of pictures of good surface a defect is found.",
        GUIDE,
        "fraction",
        "<=",
        MOST_FALSE,
        "simulated",
        "Further good frames of the same three materials, as many of each; each is judged by what "
        "3 good frames of its material told, drawn anew for it from a pool. How spreads from part "
        "to part are distributed was found on other parts of two of these materials and of a "
        "fourth. The bounds take the frames for independent.",
    ),
    Indicator(
        ZERO,
        "Without a sample, defects are found and named by what the kinds are said to be.",
        "零训练样本",
        "fraction",
        ">=",
        0.95,
        "simulated",
        "The same frames. A kind is said by ranges of size and elongation, written down from what "
        "the words mean and not fitted; what is found is of the kind whose description it "
        "contradicts least. Target: the one of three samples.",
    ),
)
