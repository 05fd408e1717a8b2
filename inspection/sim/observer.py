"""What light can tell of points: python -m inspection.sim.observer --material inductor

A linear observer (Hotelling; Barrett and Myers 2004, Foundations of Image Science, 13.2.12) that
knows where to look, and learns on some parts of the judging regime what it is asked on others: the
pixels of a neighbourhood, weighted by their inverse covariance. What it tells apart the light
shows; what a network misses beyond that is the network's, or the textures' that it learned from.

Points of 30 um. E-ink, pits and bumps on white and on black: under the recipe's coaxial strobe, and
in a pair of exposures that adds light from the east and takes as much from the west away, in which
relief stays and pigment cancels. Inductors, inclusions too: under the recipe's panel with light
from a ring, and with as much from the east, whose shadows are deeper.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.camera import sensor
from common.drivers.camera.config import SensorModel
from inspection.sim.scene import EXPOSURE_US, FULL_WELL_E, PIXEL_UM, Truth, station_scene

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Strobes = Mapping[str, F32]

REACH = 4  # pixels to each side of the place
PLACES = 4_000  # good ones a part and host
FALSE = 1e-4  # of good places
FAINTEST = 0.02  # the quantile of the defects that is told
LEAST_DN = 6.0  # a neighbourhood's median counts as this at least


def one(strobes: Strobes, rng: np.random.Generator) -> F32:
    """The recipe's exposure: coaxial light, the part's median at half of the well."""
    return _exposed(strobes["coaxial"], _factor(strobes["coaxial"], 0.5), rng)


def pair(strobes: Strobes, rng: np.random.Generator) -> F32:
    """Coaxial with twice the light from the east, less an exposure of as much from the west."""
    bright = strobes["coaxial"] + 2 * strobes["east"]
    factor = _factor(bright, 0.7)
    return _exposed(bright, factor, rng) - _exposed(2 * strobes["west"], factor, rng)


def beside_panel(strobe: str, strobes: Strobes, rng: np.random.Generator) -> F32:
    """The inductors' exposure with 0.7 of this strobe beside the panel, the median at 0.4."""
    both = strobes["panel"] + np.float32(0.7) * strobes[strobe]
    return _exposed(both, _factor(both, 0.4), rng)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a material. strobes: rendered one by one. looks: how pictures are taken with
    them. hosts: zones of the surface and their names. forms: of points."""

    strobes: tuple[str, ...]
    looks: Mapping[str, Callable[[Strobes, np.random.Generator], F32]]
    hosts: Mapping[int, str]
    forms: tuple[str, ...]


QUESTIONS = {
    "eink": Question(
        ("coaxial", "east", "west"),
        {"one exposure": one, "pair of exposures": pair},
        {2: "white", 1: "black"},
        ("pit", "bump"),
    ),
    "inductor": Question(
        ("panel", "ring", "east"),
        {f"panel and {name}": partial(beside_panel, name) for name in ("ring", "east")},
        {1: "solder mask", 2: "moulded body", 3: "ferrite"},
        ("pit", "bump", "inclusion"),
    ),
}


@dataclass(slots=True)
class Seen:
    """Neighbourhoods (n, d): of defects by form, of good places; of even and of odd parts."""

    defects: dict[tuple[str, int], list[F64]] = field(default_factory=dict)
    good: dict[int, list[F64]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """In standard deviations of good places: the level that FALSE of them reach, and the score that
    FAINTEST of the defects stay below. n, missed: defects, and those below that level."""

    level: float
    faintest: float
    missed: int
    n: int


def hotelling(good: F64, defects: F64) -> F64:
    """Weights (d,) of the linear observer of most contrast, from neighbourhoods (n, d)."""
    spread = np.cov(good.T) + np.cov(defects.T) / 3
    spread += 1e-5 * np.trace(spread) / len(spread) * np.eye(len(spread))
    return np.linalg.solve(spread, defects.mean(axis=0) - good.mean(axis=0))


def told(seen: Seen, form: str) -> Told:
    """Weights of either half of the parts, judged on the other half."""
    scores, beside = [], []
    for half in (0, 1):
        good, defects = (np.concatenate(v) for v in (seen.good[half], seen.defects[form, half]))
        weights = hotelling(good, defects)
        others = np.concatenate(seen.good[1 - half]) @ weights
        found = np.concatenate(seen.defects[form, 1 - half]) @ weights
        beside.append((others - others.mean()) / others.std())
        scores.append((found - others.mean()) / others.std())
    every = np.concatenate(scores)
    level = float(np.quantile(np.concatenate(beside), 1 - FALSE))
    faintest = float(np.quantile(every, FAINTEST))
    return Told(level, faintest, int((every < level).sum()), len(every))


def observe(parts: int, seed: int, material: str = "eink") -> Iterator[tuple[str, str, str, Told]]:
    """(look, host, form, what is told) of so many parts with 49 points each; nothing of a host that
    the even or the odd parts lack."""
    asked = QUESTIONS[material]
    scene = station_scene(material, "judge", seed, 49, ("point",), (30.0,))
    seen = {(look, zone): Seen() for look in asked.looks for zone in asked.hosts}
    for part in range(parts):
        strobes = {name: scene.alone(part, name) for name in asked.strobes}
        zones, truth = scene.zones(part), scene.truth(part)
        for number, (look, take) in enumerate(asked.looks.items()):
            rng = np.random.default_rng([seed, part, number])
            image = take(strobes, rng)
            for zone in asked.hosts:
                _add(seen[look, zone], part % 2, image, zones == zone, truth, rng)
    for (look, zone), found in seen.items():
        for form in asked.forms:
            if not all((form, half) in found.defects and half in found.good for half in (0, 1)):
                continue
            yield look, asked.hosts[zone], form, told(found, form)


def _add(
    seen: Seen,
    half: int,
    image: F32,
    host: NDArray[np.bool_],
    truth: Truth,
    rng: np.random.Generator,
) -> None:
    """The defects on this host, and good places of it away from all defects."""
    for defect in truth.defects:
        y, x = int(defect.y_um / PIXEL_UM), int(defect.x_um / PIXEL_UM)
        if host[y, x]:
            seen.defects.setdefault((defect.form, half), []).append(_around(image, [(y, x)]))
    near = cv2.dilate(truth.mask.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    free = np.argwhere(host & ~near)
    if len(free):
        places = free[rng.integers(len(free), size=PLACES)]
        seen.good.setdefault(half, []).append(_around(image, places))


def _around(image: F32, places: NDArray[np.intp] | list[tuple[int, int]]) -> F64:
    """Neighbourhoods (n, (2 REACH + 1)^2), each less and over its median."""
    padded = np.pad(image, REACH, mode="reflect")
    side = 2 * REACH + 1
    cut = np.array([padded[y : y + side, x : x + side].ravel() for y, x in places], np.float64)
    middle = np.median(cut, axis=1, keepdims=True)
    return np.asarray((cut - middle) / np.maximum(np.abs(middle), LEAST_DN))


def _factor(radiance: F32, fill: float) -> float:
    return fill * FULL_WELL_E / EXPOSURE_US / float(np.median(radiance))


def _exposed(radiance: F32, factor: float, rng: np.random.Generator) -> F32:
    model = SensorModel(full_well_e=FULL_WELL_E)
    frame = sensor.expose(radiance * np.float32(factor), EXPOSURE_US, 0.0, model, rng)
    return frame.astype(np.float32)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--material", choices=QUESTIONS, default="eink")
    parser.add_argument("--parts", type=int, default=24)
    parser.add_argument("--seed", type=int, default=31)
    asked = parser.parse_args()
    told_of = f"{asked.parts} parts of {asked.material}, seed {asked.seed}"
    print(f"{told_of}; level of 1 in {1 / FALSE:.0f} good places")
    for look, host, form, one_told in observe(asked.parts, asked.seed, asked.material):
        print(
            f"{look}, {form} on {host}: {one_told.missed} of {one_told.n} below the level "
            f"{one_told.level:.1f}; {FAINTEST:.0%} score below {one_told.faintest:.1f}"
        )


if __name__ == "__main__":
    main()
