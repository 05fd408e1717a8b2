"""The relief rows: counts of what is known, draws that meet no other, the size of the full run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.acceptance.experiment import Context
from common.acceptance.figures import Picture, Plot
from common.acceptance.statistics import n_for_zero_failures
from inspection.acceptance import (
    EXPERIMENTS,
    relief,
    relief_clearance,
    relief_figures,
    relief_strained,
    relief_surfaces,
)
from inspection.acceptance.relief import GRID, SIZES, Judged, Tally, lots, rows
from inspection.relief.measure import Size
from inspection.relief.pipeline import Flaw as Found
from inspection.relief.recipes import PRODUCTS
from inspection.sim.relief.flaws import Flaw

pytestmark = pytest.mark.inspection

ROWS = (relief, relief_strained, relief_surfaces, relief_clearance)


def found(kind: str, depth: float, refused: bool = True) -> Found:
    window = (slice(0, 4), slice(0, 4))
    size = Size(0, 0, depth, 1.0, 20, 1, 20, 1, 1, 1, 0, -1, 0, 0, (window, np.ones((4, 4), bool)))
    return Found("face", kind, {kind: 1.0}, size, 12.0, refused)


def tally() -> Tally:
    pit = Flaw("pit", 0, 0, 30, 20)
    counted = Tally(good={p.name: [()] for p in PRODUCTS})
    counted.good["smd-chip"].append(("body: pit",))
    for product in PRODUCTS:
        counted.judged += [Judged(product.name, pit, found("pit", 21), True)]
        counted.judged += [Judged(product.name, Flaw("scratch", 0, 0, 30, 8, 300), None, True)]
        counted.shown[product.name] = Picture(b"\x89PNG\r\n\x1a\n", "drawn")
    counted.judged += [Judged("wafer-die", pit, found("dent", 26), False)]
    counted.judged += [Judged("wafer-die", pit, found("pit", 4, refused=False), False)]
    counted.grid = [Judged("wafer-die", Flaw("pit", 0, 0, w, 5), None, False) for w in (10, 30)]
    return counted


def test_rows_count_what_was_missed_misnamed_and_wrongly_refused() -> None:
    measured = rows(tally(), "0" * 64)
    assert measured["S4-D2-K1/miss"].value == pytest.approx(5 / 10)
    assert measured["S4-D2-K1/accuracy"].value == pytest.approx((4 + 4) / (10 + 5))
    assert measured["S4-D2-K2/pit-30x30x20"].value == 0 and measured["S4-D2-K2/scratch"].value == 1
    assert measured["S4-D2-R3/confusion"].value == pytest.approx(5 / 10)
    assert "pit as dent" in measured["S4-D2-R3/confusion"].note
    assert measured["S4-D2-K3/smd-chip-false"].value == pytest.approx(1 / 2)
    assert measured["S4-D2-K3/wafer-die-false"].value == 0
    assert "depth error +1.0 um" in measured["S4-D2-K3/smd-chip"].note
    assert set(measured) == {row.id for row in relief.indicators()}


def test_the_figures_hold_every_cell() -> None:
    curve = relief_figures.pod(tally().grid)
    assert isinstance(curve, Plot) and list(curve.series[0].x) == [10, 30]
    assert isinstance(relief_figures.confusion(tally().judged), Picture)
    drawn = relief_figures.depths(tally().judged)
    assert isinstance(drawn, Plot) and {s.name for s in drawn.series} >= {"pit"}


def test_full_size_holds_the_n_that_the_bounds_need() -> None:
    full, needed = list(lots(SIZES["full"], 7)), n_for_zero_failures(relief.MISS)
    pits = {
        lot.recipe.name: lot.parts
        * sum(isinstance(w, Flaw) and w.kind == "pit" for w in lot.wanted)
        for lot in full
        if lot.wanted and lot.seed % 1_000 != GRID
    }
    assert len(pits) >= 4 and min(pits.values()) >= needed
    assert sum(lot.parts for lot in full if not lot.wanted) >= needed


def test_judged_seeds_and_shapes_are_not_those_of_teaching() -> None:
    from inspection.train import relief_kinds

    taught = list(relief_kinds.lots())
    judged = [lot for seed in range(5) for lot in lots(SIZES["quick"], seed)]
    judged += [lot for seed in range(5) for lot in relief_strained.lots(1, 1.0, seed)]
    assert {lot.family for lot in taught} == {"spectral"}
    assert {lot.family for lot in judged} == {"event"}
    assert not {lot.seed for lot in taught} & {lot.seed for lot in judged}
    assert len({lot.seed for lot in judged}) == len(judged)


def test_every_row_is_in_the_report_once() -> None:
    ids = [row.id for experiment in EXPERIMENTS for row in experiment.indicators]
    ours = [row.id for module in ROWS for e in module.EXPERIMENTS for row in e.indicators]
    assert len(ids) == len(set(ids)) and set(ours) <= set(ids)
    for product in PRODUCTS:
        assert f"S4-D2-K3/{product.name}" in ids


def test_without_real_maps_the_row_says_so(tmp_path: Path) -> None:
    told = relief_surfaces.measure(Context("quick", 1, tmp_path, tmp_path))[relief_surfaces.ID]
    assert told.value is None and "absent" in told.note


@pytest.mark.data
def test_real_maps_keep_their_heights_at_the_new_pitch(real_data: Path) -> None:
    pytest.importorskip("SurfaceTopography", exc_type=ImportError)
    from inspection.sim.relief.backgrounds import FOLDER, PITCH_UM, backgrounds

    if not (real_data / FOLDER).is_dir():
        pytest.skip(f"the data set {FOLDER} is absent")
    used, unused = backgrounds(real_data)
    fields = {b.path.name: np.array(b.height_um.shape) * PITCH_UM for b in used}
    assert np.allclose(fields["plu-1.plu"], (956, 1275), atol=PITCH_UM)  # PROVENANCE.md
    assert np.ptp(used[1].height_um) == pytest.approx(10, abs=1)
    assert all(u.reason for u in unused) and len(used) + len(unused) == 8
