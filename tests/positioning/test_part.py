"""A part of a row is the row's own drives, and leaves the row as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.acceptance.measurement import exact
from positioning.acceptance import EXPERIMENTS, fusion, part


def test_rows_are_asked_for_as_many_drives(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the table that the row itself reads, which is whole again afterwards."""
    asked = []

    def run(context):
        asked.append((context.size, context.seed, fusion.DRIVES["full"]))
        return {"S4-D3-R4/gospa-rain": exact(0.5, 3, "0" * 64)}

    put = [replace(one, run=run) if one.name == "fusion-rain" else one for one in EXPERIMENTS]
    monkeypatch.setattr(part, "EXPERIMENTS", tuple(put))
    before = dict(fusion.DRIVES)
    found = part.measure("S4-D3-R4/gospa-rain", 3, seed=31)
    assert asked == [("full", 31, 3)] and set(found) == {"S4-D3-R4/gospa-rain"}
    assert before == fusion.DRIVES and before["full"] > 3


def test_a_table_of_scenes_is_whole_again_where_a_drive_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(context):
        assert fusion.SCENE_DRIVES["full"] == dict.fromkeys(fusion.SCENES, 2)
        raise ZeroDivisionError

    put = [replace(one, run=run) if one.name == "fusion-scenes" else one for one in EXPERIMENTS]
    monkeypatch.setattr(part, "EXPERIMENTS", tuple(put))
    before = dict(fusion.SCENE_DRIVES["full"])
    with pytest.raises(ZeroDivisionError):
        part.measure("S4-D3-K4/", 2)
    assert fusion.SCENE_DRIVES["full"] == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["S4-D3-R4/gospa-clear", "31"], "there are 1 to 30"),
        (["S4-D3-R4/gospa-clear", "0"], "there are 1 to 30"),
        (["S4-D3-R4/gospa-fog", "2"], "no part of 'S4-D3-R4/gospa-fog'"),
        (["S4-D4-K1/rtk-open", "2"], "no part of 'S4-D4-K1/rtk-open'"),
    ],
)
def test_what_cannot_be_had_is_told(words, told, capsys) -> None:
    assert part.main(words) == 2
    assert told in capsys.readouterr().err
