"""The simulated frames for `strobe`, `hdr` and `events`: one part, seen three ways."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.cli.main import run
from inspection.sim.exposures import STEP_PX, TRAVEL_PX

pytestmark = pytest.mark.inspection


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMD parts under room light of five times the strobes', through all three commands."""
    root = tmp_path_factory.mktemp("exposures")
    order = ["--material", "smd", "--seed", "33", "--room", "5"]
    assert run(["inspection", "exposures", str(root / "in"), *order]) == 0
    told = json.loads((root / "in" / "station.json").read_text())
    camera = [
        word
        for name in ("black_level_dn", "saturation_dn", "dn_per_e", "read_noise_e")
        for word in (f"--{name.replace('_', '-')}", str(told[name]))
    ]
    for command, folder, words in (
        ("strobe", "strobe", [*camera, "--flicker-hz", "100"]),
        ("hdr", "hdr", camera),
        ("events", "belt", [*camera[:2], "--step-px", str(STEP_PX)]),
    ):
        source, out = root / "in" / folder, root / command
        table = ["--exposures", str(source / "exposures.csv"), "--out", str(out)]
        assert run(["inspection", command, str(source), *table, *words]) == 0
    return root


def maps(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "maps.npz", allow_pickle=False) as found:
        return dict(found)


def test_it_says_that_it_is_simulated(part: Path) -> None:
    assert json.loads((part / "in" / "station.json").read_text())["simulated"] is True


def test_differencing_and_fusion_tell_one_radiance(part: Path) -> None:
    """The strobes' own, five times weaker than the room, and without it: equal within the noise
    that both tell of."""
    one, two = maps(part / "strobe"), maps(part / "hdr")
    seen = ~(one["saturated"] | two["saturated"])
    assert seen.mean() > 0.95
    off = (one["radiance"] - two["radiance"])[seen]
    sigma = np.hypot(one["sigma"], two["sigma"])[seen]
    assert np.mean((off / sigma) ** 2) == pytest.approx(1, abs=0.15)
    assert off.sum() / two["radiance"][seen].sum() == pytest.approx(0, abs=0.005)
    told = json.loads((part / "hdr" / "summary.json").read_text())
    assert told["disagreement"] < 0.01


def test_defects_fire_where_they_lie_on_the_part(part: Path) -> None:
    truth = cv2.imread(str(part / "in" / "truth.png"), cv2.IMREAD_UNCHANGED)
    assert truth is not None
    mask = truth[:, TRAVEL_PX:] > 0
    per_frame = maps(part / "events")["events_per_frame"]
    near = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9))) > 0
    assert mask.any() and per_frame[near].mean() > 2 * per_frame[~near].mean()


def test_a_folder_that_holds_something_is_refused(
    part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspection", "exposures", str(part / "in")]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert run(["inspection", "exposures", str(tmp_path / "a"), "--material", "wood"]) == 2
    assert "'wood' is not one of metal" in capsys.readouterr().err
