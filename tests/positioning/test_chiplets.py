"""Dies on paper: what the chain itself passes on is what the model counts, and dies fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.acceptance.experiment import Context
from common.types.radar import RadarCube
from positioning.acceptance import EXPERIMENTS, chiplets
from positioning.chiplets import BIT_J, DIES, EDGE_MM, GAP_MM, links, room_mm
from positioning.radar.waveform import Waveform
from positioning.video.detector import Detector
from positioning.video.draw import jpeg
from positioning.video.partition import before

pytestmark = pytest.mark.positioning


def test_links_carry_what_the_stages_hand_over() -> None:
    carried = {(link.source, link.sink): link for link in links(Waveform(), 20.0, 30.0)}
    cube = RadarCube(np.zeros((*Waveform().shape, 2), np.int16))
    assert carried["radar front end", "radar processor"].bytes_s == 20 * cube.adc.nbytes
    picture, detector = jpeg(np.zeros((1080, 1920, 3), np.uint8), 90), Detector()
    pixels = len(before(detector, picture, "input"))
    assert carried["image processor", "network"].bytes_s == 30 * pixels
    told = carried["network", "fusion and host"].bytes_s / 30
    assert (
        len(before(detector, picture, "maps")) < told < 1.2 * len(before(detector, picture, "maps"))
    )
    assert {name for pair in carried for name in pair} == set(DIES)
    for link in carried.values():
        assert link.power_w == pytest.approx(8 * link.bytes_s * BIT_J)


@pytest.mark.parametrize(("count", "across", "down"), [(1, 1, 1), (4, 2, 2), (5, 3, 2), (9, 3, 3)])
def test_dies_fill_the_package_and_no_more(count: int, across: int, down: int) -> None:
    wide, high = room_mm(count, 30.0)
    for side, n in ((wide, across), (high, down)):
        assert 2 * EDGE_MM + n * side + (n - 1) * GAP_MM == pytest.approx(30.0)
    assert across * down >= count
    assert room_mm(count, 2 * EDGE_MM) == (0.0, 0.0)


def test_the_row_is_not_measured_and_says_why(tmp_path: Path) -> None:
    row = chiplets.measure(Context("quick", 7, None, tmp_path))["S4-D3-K2"]
    assert row.value is None and row.note.startswith("hardware:") and "not silicon" in row.note
    ids = [one.id for experiment in EXPERIMENTS for one in experiment.indicators]
    assert ids.count("S4-D3-K2") == 1 and chiplets.PACKAGE.evidence == "real-hardware"
