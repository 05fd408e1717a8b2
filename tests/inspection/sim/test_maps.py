"""A simulated height sensor's maps: what the truth says is there, and nothing on good parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.cli.main import run
from inspection.relief.classify import shipped
from inspection.relief.heightfile import read
from inspection.relief.pipeline import inspect
from inspection.relief.recipes import recipe
from inspection.relief.sensorfile import read as read_sensor
from inspection.sim import maps
from inspection.sim.maps import MapOrder, measured

pytestmark = pytest.mark.inspection


def take(out: Path, *words: str) -> int:
    return run(["inspection", "relief-station", str(out), "--seed", "31", *words])


def test_the_maps_are_judged_as_their_truth_says(tmp_path: Path) -> None:
    out = tmp_path / "chips"
    assert take(out, "--product", "smd-chip", "--good", "1", "--defective", "2") == 0
    lines = [json.loads(line) for line in (out / "truth.jsonl").read_text().splitlines()]
    sensor, chip = read_sensor(out / "sensor.json"), recipe("smd-chip")
    assert [len(line["flaws"]) > 0 for line in lines] == [False, True, True]
    for line in lines:
        seen = read(out / line["file"])
        assert seen.um_per_px == 5.0 and seen.sigma_um is not None
        found = inspect(seen, chip, shipped(), sensor).flaws
        for flaw in line["flaws"]:
            away = [np.hypot(f.size.x_um - flaw["x_um"], f.size.y_um - flaw["y_um"]) for f in found]
            assert min(away) < flaw["width_um"] + flaw["length_um"] + 30
    assert json.loads((out / "station.json").read_text())["simulated"] is True
    assert take(out, "--product", "smd-chip") == 2  # nothing is written over


def test_an_interrupted_order_begins_anew_and_another_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, flaws = next(measured(MapOrder("battery-tab", 1, 0, 31)))
    done = [(seen, flaws)] * 2

    def parts(order: MapOrder, cut: int) -> Iterator[Any]:
        yield from done[:cut]
        if cut < len(done):
            raise KeyboardInterrupt

    out, words = tmp_path / "tabs", ("--product", "battery-tab", "--good", "2", "--defective", "0")
    monkeypatch.setattr(maps, "measured", lambda order: parts(order, 1))
    assert take(out, *words) == 130
    assert not (out / "truth.jsonl").exists()
    monkeypatch.setattr(maps, "measured", lambda order: parts(order, 2))
    assert take(out, *words[:-1], "1") == 2
    assert take(out, *words) == 0
    assert len((out / "truth.jsonl").read_text().splitlines()) == 2
    assert take(out, *words) == 2  # finished: nothing is written over


def test_an_order_gives_the_same_parts_and_another_seed_others() -> None:
    (first, _), (again, _), (other, _) = (
        next(measured(MapOrder("battery-tab", 1, 0, seed))) for seed in (31, 31, 32)
    )
    assert np.array_equal(first.height_um, again.height_um, equal_nan=True)
    assert not np.array_equal(first.height_um, other.height_um, equal_nan=True)


def test_an_unknown_product_is_told_the_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(tmp_path / "a", "--product", "surface") == 2
    assert "wafer-die" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
