"""Known defects go with a job, and look on another station as optics in closed form say."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspection.job import MAX_RECIPE_BYTES
from inspection.methods.base import Finding
from inspection.migrate.errors import MigrationError
from inspection.migrate.files import marked
from inspection.migrate.known import AROUND_PX, KEPT, MOST_PX, Known, Shown, score_at, shown
from inspection.migrate.planted import planted
from inspection.migrate.survey import Survey, survey
from tests.inspection.migrate import drawn
from tests.inspection.migrate.drawn import Pose

pytestmark = pytest.mark.inspection

HOME = Pose(12.5, 0.0, (0.0, 0.0), side=700)
OTHER = Pose(14.0, 5.0, (6.0, -4.0), is_mirrored=True, radial=-0.004, side=760)
SHARP_UM, SOFT_UM = 8.0, 15.0
AT_UM = np.array([900.0, -700.0])
DENT_UM, DEEP = 20.0, 0.6  # a Gaussian's deviation, and the share of light that its middle lacks


def part(pose: Pose, blur_um: float, gain: float, black: float, dent: float = 0.0) -> drawn.Frame:
    """An even part with one dent: Gaussian, so that a Gaussian lens widens it in closed form."""
    um = drawn.looks_at(pose)
    wide2 = DENT_UM**2 + blur_um**2
    away2 = ((um - AT_UM) ** 2).sum(axis=-1)
    seen = 1 - dent * DENT_UM**2 / wide2 * np.exp(-away2 / (2 * wide2))
    return np.clip(np.rint(black + gain * 100 * seen), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def stations() -> tuple[Survey, Survey]:
    """Surveys of the other station and of home."""
    home = survey(drawn.target(HOME, blur_um=SHARP_UM), [part(HOME, SHARP_UM, 1.0, 6.0)] * 5)
    target = drawn.target(OTHER, black=14.0, white=190.0, blur_um=SOFT_UM)
    return survey(target, [part(OTHER, SOFT_UM, 1.4, 14.0)] * 5), home


def cut() -> Known:
    """The dent as home shows it."""
    frame = part(HOME, SHARP_UM, 1.0, 6.0, DEEP)
    x, y = (int(v) for v in np.rint(HOME.to_px(AT_UM)))
    rows, columns = slice(y - 60, y + 60), slice(x - 60, x + 60)
    return Known(frame[rows, columns].copy(), x - 60, y - 60, (x - 2, y - 2, x + 3, y + 3), 9.0)


def test_a_dent_looks_on_a_softer_station_as_its_lens_would_show_it(
    stations: tuple[Survey, Survey],
) -> None:
    """Its place through two cameras, its depth and width by a lens of 15 um for one of 8."""
    good, wanted = (part(OTHER, SOFT_UM, 1.4, 14.0, dent) for dent in (0.0, DEEP))
    quiet = [replace(s, photometry=_silent(s)) for s in stations]
    seen = planted(good, cut(), quiet[0], quiet[1], np.random.default_rng(0))
    error = seen.astype(int) - wanted
    assert np.abs(good.astype(int) - wanted).max() > 40
    assert np.abs(error).max() <= 4
    assert float(np.sqrt((error**2).mean())) < 0.6
    sharp = replace(quiet[0].photometry, blur_um=stations[1].photometry.blur_um)
    blind = planted(
        good, cut(), replace(quiet[0], photometry=sharp), quiet[1], np.random.default_rng(0)
    )
    assert np.abs(blind.astype(int) - wanted).max() > 10, "without the blur it is another dent"


def _silent(one: Survey) -> Any:
    return replace(one.photometry, gain_dn_per_e=0.0, floor_dn2=0.0)


def test_it_has_the_noise_of_the_station_that_shows_it(stations: tuple[Survey, Survey]) -> None:
    here, home = stations
    noisy = replace(here, photometry=replace(here.photometry, gain_dn_per_e=0.08, floor_dn2=4.0))
    good = part(OTHER, SOFT_UM, 1.4, 14.0)
    rng = np.random.default_rng(1)
    flat = replace(cut(), picture=part(HOME, SHARP_UM, 1.0, 6.0)[:120, :120].copy())
    x, y = (int(v) for v in np.rint(OTHER.to_px(AT_UM)))
    patches = [
        planted(good, flat, noisy, home, rng)[y - 30 : y + 30, x - 30 : x + 30].astype(float)
        for _ in range(20)
    ]
    expected = np.sqrt(0.08 * 140 + 4.0)
    assert float(np.std(np.stack(patches), axis=0).mean()) == pytest.approx(expected, rel=0.08)


def test_nothing_but_its_surroundings_changes(stations: tuple[Survey, Survey]) -> None:
    good = part(OTHER, SOFT_UM, 1.4, 14.0)
    before = good.copy()
    seen = planted(good, cut(), *stations, np.random.default_rng(2))
    np.testing.assert_array_equal(good, before)
    y, x = np.nonzero(seen != good)
    at = OTHER.to_px(AT_UM)
    reach = 60 * np.sqrt(2) * HOME.um_per_px / OTHER.um_per_px + 2
    assert len(x) and np.hypot(x - at[0], y - at[1]).max() < reach


class Darkness:
    """Scores every pixel by how dark it is."""

    def inspect(self, image: drawn.Frame, reference: drawn.Frame | None = None) -> Finding:
        heat = 255 - image.astype(np.float32)
        return Finding(float(heat.max()), score_map=heat)


def frame(*depths: int) -> tuple[drawn.Frame, np.ndarray]:  # type: ignore[type-arg]
    """Dark squares in a row on 200, and their labels."""
    image, labels = np.full((300, 900), 200, np.uint8), np.zeros((300, 900), np.int16)
    for number, depth in enumerate(depths):
        where = slice(140, 144), slice(40 * number + 20, 40 * number + 25)
        image[where], labels[where] = 200 - depth, number + 1
    return image, labels


def test_the_weakest_are_kept_and_all_are_counted() -> None:
    depths = list(range(1, 21))
    found = shown(Darkness(), 55 + 3.5, [frame(*depths), frame(*depths), frame(*depths)])  # type: ignore[arg-type]
    assert (found.count, found.missed) == (60, 9)
    assert [one.score - 55 for one in found.kept] == sorted(depths * 3)[:KEPT]
    one = found.kept[0]
    assert one.box == (20, 140, 25, 144)
    assert one.picture.shape == (4 + 2 * AROUND_PX, 25 + AROUND_PX) and (one.x, one.y) == (0, 20)
    np.testing.assert_array_equal(one.picture, frame(*depths)[0][20:264, :145])


def test_without_labels_it_is_where_the_method_looks_most() -> None:
    (one,) = shown(Darkness(), 0.0, [(frame(3, 9, 5)[0], None)]).kept  # type: ignore[arg-type]
    assert one.box[:2] == (60, 140) and one.score == 55 + 9
    finding = Darkness().inspect(frame(3, 9, 5)[0])
    assert score_at(finding, (20, 140, 25, 144)) == 55 + 3, "the neighbour is farther than 8 px"


def test_they_come_back_from_a_job_as_they_were() -> None:
    found = shown(Darkness(), 60.0, [frame(*range(1, 9))])  # type: ignore[arg-type]
    again = Shown.from_json(found.to_json())
    assert (again.count, again.missed) == (found.count, found.missed)
    for one, other in zip(found.kept, again.kept, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)
        assert (one.x, one.y, one.box, one.score) == (other.x, other.y, other.box, other.score)


def png(*shape: int, cut: int | None = None) -> str:
    """A black picture of this shape as a job holds it, or its first bytes."""
    packed = cv2.imencode(".png", np.zeros(shape, np.uint8))[1].tobytes()
    return b64encode(packed[:cut]).decode()


@pytest.mark.parametrize(
    "changed",
    [
        {"png": "no base 64!"},
        {"png": b64encode(b"JFIF" * 20).decode()},
        {"png": png(2, MOST_PX + 1)},
        {"png": png(9, 9, 3)},
        {"png": png(9, 9, cut=40)},
        {"box": [1, 2, 3]},
        {"score": None},
        {"score": float("nan")},
        {"at": [1]},
    ],
)
def test_what_is_no_defect_is_refused(changed: dict[str, Any]) -> None:
    told = {**cut().to_json(), **changed}
    with pytest.raises((ValueError, KeyError, TypeError)):
        Known.from_json(told)


@pytest.mark.parametrize(
    "changed", [{"x": -1}, {"y": 690}, {"box": (5, 5, 5, 9)}, {"box": (0, 0, 9, 701)}]
)
def test_what_lies_beyond_the_frame_is_told(changed: dict[str, Any]) -> None:
    assert cut().is_within((700, 700))
    assert not replace(cut(), **changed).is_within((700, 700))


def test_pictures_are_read_with_their_masks(tmp_path: Path) -> None:
    (tmp_path / "point").mkdir()
    (tmp_path / "masks" / "point").mkdir(parents=True)
    image, labels = frame(5, 7)
    for name in ("a", "b"):
        cv2.imwrite(str(tmp_path / "point" / f"{name}.png"), image)
    mask = tmp_path / "masks" / "point" / "a.png"
    cv2.imwrite(str(mask), (labels > 0).astype(np.uint8) * 255)
    (_, first), (_, second) = marked(tmp_path / "point")
    assert second is None and first is not None
    np.testing.assert_array_equal(first, labels)
    cv2.imwrite(str(mask), np.zeros((9, 9), np.uint8))
    with pytest.raises(MigrationError, match=r"a\.png: is of \(9, 9\)"):
        marked(tmp_path / "point")


def test_as_many_as_are_kept_have_room_in_a_job() -> None:
    """Of the largest pictures, with nothing in them that could be packed."""
    rng = np.random.default_rng(4)
    noise = rng.integers(0, 256, (MOST_PX, MOST_PX), dtype=np.uint8)
    told = Shown((Known(noise, 0, 0, (0, 0, 9, 9), 1.0),) * KEPT, KEPT, 0).to_json()
    assert len(json.dumps(told)) < 0.9 * MAX_RECIPE_BYTES
