"""The target's mirrors: read as drawn, against the lobe in closed form, and what a move makes of
them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inspection.job import Job
from inspection.methods.segment import station_method
from inspection.migrate import geometry, mirror, photometry, target
from inspection.migrate.adapt import TAPS, sharpness
from inspection.migrate.artefact import TARGET
from inspection.migrate.errors import LampError
from inspection.migrate.package import Home, migrated, surveyed
from inspection.migrate.survey import Survey, survey
from inspection.sim.moving import Batch, move, shown
from inspection.sim.render import Points, shade
from inspection.sim.stations import LEVELLED_DEG, RIGS
from inspection.sim.target import MIRROR_ALPHA
from tests.inspection.migrate import drawn
from tests.inspection.migrate.drawn import Pose

pytestmark = pytest.mark.inspection

POSE = Pose(12.5, 3.0, (9.3, -7.7), radial=-0.004)
FIELD = 0.5
SMALL = TARGET.scaled(FIELD)
LAMP_RAD = np.deg2rad(6)  # half-angle of the coaxial lamp


def read(frame: drawn.Frame, artefact: object = TARGET) -> float | None:
    """What the mirrors of a target's picture show."""
    assert isinstance(artefact, type(TARGET))
    dots = target.find(frame, artefact)
    where = geometry.fit(dots, (frame.shape[0], frame.shape[1]), artefact)
    return mirror.measure(frame, where, photometry.measure(frame, dots, where, artefact), artefact)


def lobe(lamp_deg: float) -> float:
    """What a lamp that leans leaves of the mirror image: the GGX density of half its angle."""
    width2 = MIRROR_ALPHA**2 + np.tan(LAMP_RAD / 2) ** 2
    return float((1 + np.tan(np.deg2rad(lamp_deg) / 2) ** 2 / width2) ** -2)


@pytest.mark.parametrize("shine", [0.1, 0.35, 0.7])
def test_mirrors_are_read_as_reflectances_whatever_the_light_does(shine: float) -> None:
    frame = drawn.target(
        POSE, black=9.0, white=170.0, falloff=(0.06, -0.04, -0.15), noise=0.2, shine=shine
    )
    assert read(frame) == pytest.approx(shine, abs=0.01)
    bent = drawn.target(POSE, black=4.0, white=200.0, response=0.8, shine=shine)
    assert read(bent) == pytest.approx(shine, abs=0.015)


def test_a_target_without_mirrors_tells_nothing_and_is_no_error() -> None:
    frame = drawn.target(POSE, noise=0.1)
    assert read(frame) is None
    assert read(frame, replace(TARGET, mirrors=())) is None
    good = [np.full((900, 900), 80, np.uint8)] * 5
    plain = survey(frame, good)
    assert plain.mirror is None and "mirror" not in plain.to_json()
    assert Survey.from_json(plain.to_json()) == plain
    shiny = survey(drawn.target(POSE, noise=0.1, shine=0.5), good)
    assert shiny.mirror == pytest.approx(0.5, abs=0.01)
    assert Survey.from_json(shiny.to_json()) == shiny


def test_what_is_kept_is_a_ratio_where_there_was_something_to_keep() -> None:
    assert mirror.kept(0.35, 0.7) == pytest.approx(0.5)
    assert mirror.kept(None, 0.7) is None and mirror.kept(0.7, None) is None
    assert mirror.kept(0.001, 0.01) is None  # no lamp was mirrored at home


@pytest.mark.parametrize(("rig", "leans_deg"), [("B", 2.0), ("D", 4.0), ("D-levelled", 0.5)])
def test_a_lamp_that_leans_is_seen_as_the_lobe_says(rig: str, leans_deg: float) -> None:
    home, here = (read(shown(r, "glass", 1, FIELD), SMALL) for r in ("A", rig))
    found = mirror.kept(here, home)
    # the white below the leaning lamp is darker by the cosine
    assert found == pytest.approx(lobe(leans_deg) / np.cos(np.deg2rad(leans_deg)), rel=0.01)


def test_a_matt_speck_on_glass_fades_by_what_the_mirrors_tell() -> None:
    """The renderer's own glass and speck, under the lamps of two stations, against the rule."""

    def contrast(rig: str) -> float:
        lamps = RIGS[rig].station().lamps({"coaxial": 1.0})
        flat = np.zeros(2, np.float32)
        albedo = np.array([0.0, 0.5], np.float32)
        f0, alpha = np.array([0.02, 0.0], np.float32), np.array([0.012, 0.5], np.float32)
        glass, speck = shade(Points(flat, flat, albedo, f0, alpha, alpha), lamps)
        return float(1 - speck / glass)

    home = read(shown("A", "glass", 1, FIELD), SMALL)
    for rig in ("B", "D", "D-levelled"):
        kept = mirror.kept(read(shown(rig, "glass", 1, FIELD), SMALL), home)
        assert kept is not None
        assert contrast(rig) == pytest.approx(1 - (1 - contrast("A")) / kept, abs=0.02)


def test_squares_as_large_as_dots_do_not_bend_the_grid() -> None:
    """On a soft station at this size a grey square has a dot's area."""
    for material, shines in (("metal", "D"), ("smd", "D-levelled")):
        dots = target.find(shown(shines, material, 1, FIELD), SMALL)
        assert len(dots.nodes) > 110


def test_a_lamp_that_leans_is_refused_then_levelled_and_the_job_moves() -> None:
    method = station_method("glass")
    good = list(Batch("glass", 900, 6, field=FIELD).shots("A"))
    known = Batch("glass", 903, 1, True, FIELD)
    job = surveyed(
        Job("segment", method.to_state(), {"value": 5.0}),
        shown("A", "glass", 1, FIELD),
        good,
        [(frame, known.truth("A", 0, True).labels) for frame in known.shots("A")],
        artefact=SMALL,
    )
    parts = Batch("glass", 901, 6, field=FIELD)
    leaning = list(parts.shots("D"))
    with pytest.raises(LampError, match="turn the coaxial lamp until") as refused:
        migrated(job.to_bytes(), shown("D", "glass", 1, FIELD), leaning, artefact=SMALL)
    assert refused.value.kept == pytest.approx(lobe(4.0), rel=0.02)
    made = move(job, "D", parts)
    assert made.kept == pytest.approx(refused.value.kept, rel=0.01)  # another picture of it
    assert made.rig == "D-levelled" and made.frames >= 2 * (1 + 6)
    told = made.migration.to_json()["mirror_kept"]
    assert told == pytest.approx(lobe(LEVELLED_DEG), rel=0.01)
    # a survey from before there were mirrors: nothing is told, and nothing is refused for it
    home = Home.of(job)
    old = replace(home, survey=replace(home.survey, mirror=None))
    before = replace(job, station={"home": old.to_json()})
    blind = migrated(before.to_bytes(), shown("D", "glass", 1, FIELD), leaning, artefact=SMALL)
    assert blind.to_json()["mirror_kept"] is None


def test_sharpness_is_given_back_as_far_as_noise_allows() -> None:
    """Blur here, filter and resampling make the blur at home; with noise to spare only."""
    good = [np.full((900, 900), 80, np.uint8)] * 5
    home = survey(drawn.target(Pose(10.0), blur_um=8.0), good)
    here = survey(drawn.target(Pose(10.0), blur_um=11.0), good)
    clean = replace(home.photometry, gain_dn_per_e=0.04, floor_dn2=1.0)
    home = replace(home, photometry=clean)
    f = np.linspace(0, 0.25, 26)  # cycles a pixel: what a point of 30 um is made of

    def passes(kernel: np.ndarray, blur_um: float) -> np.ndarray:  # type: ignore[type-arg]
        waves = np.cos(2 * np.pi * np.outer(f, np.arange(-TAPS, TAPS + 1))) @ kernel
        between = (2 + np.cos(2 * np.pi * f)) / 3
        return np.asarray(np.exp(-2 * (np.pi * f * blur_um / 10) ** 2) * waves * between)

    wanted = np.exp(-2 * (np.pi * f * home.photometry.blur_um / 10) ** 2)
    plain = np.eye(2 * TAPS + 1)[TAPS]
    quiet = replace(here, photometry=replace(here.photometry, gain_dn_per_e=1e-4, floor_dn2=1e-4))
    kernel, _ = sharpness(quiet, home, 1.0)
    blur = here.photometry.blur_um
    assert np.abs(passes(kernel, blur) - wanted).max() < 0.03
    assert np.abs(passes(plain, blur) - wanted).max() > 0.2
    noisy = replace(here, photometry=clean)
    kernel, passed = sharpness(noisy, home, 1.0)
    assert passed <= 1.05 and np.abs(kernel - plain).max() < 0.05
