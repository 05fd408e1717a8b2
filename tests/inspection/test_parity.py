"""torch, ONNX fp32 and ONNX int8 decide alike, and a network that does not is refused."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra train is not installed")
onnx = pytest.importorskip("onnx", reason="the extra train is not installed")

from common.acceptance.statistics import n_for_zero_failures  # noqa: E402
from common.errors import LingnanError  # noqa: E402
from common.runtime.weights import load  # noqa: E402
from inspection.models.fcn import WEIGHTS  # noqa: E402
from inspection.models.fcn import Fcn as OnnxFcn  # noqa: E402
from inspection.models.shipped import learned, name_of, thresholds  # noqa: E402
from inspection.train import fcn_export  # noqa: E402
from inspection.train.fcn import loss  # noqa: E402
from inspection.train.fcn_calibrate import (  # noqa: E402
    FALSE,
    Seen,
    band,
    figures,
    is_learned,
    lots,
    middle,
)
from inspection.train.fcn_net import Fcn, parameters  # noqa: E402
from inspection.train.fcn_onnx import float_core, weights_of, with_uint8_input  # noqa: E402
from inspection.train.fcn_pool import Batch, cell_owners  # noqa: E402
from inspection.train.fcn_qat import rounding  # noqa: E402
from inspection.train.parity import check_set, compare, onnx_score, torch_score  # noqa: E402

pytestmark = [pytest.mark.inspection, pytest.mark.train]

SEED = 12_345  # not a seed of training, of calibration or of the export's own gate
REPEATS = 2
MATERIAL = "metal"


def torch_net(material: str) -> Fcn:
    torch.set_num_threads(1)
    return Fcn.from_weights(weights_of(WEIGHTS / f"{name_of(material, 'fp32')}.onnx"))


@pytest.fixture(scope="module")
def net() -> Fcn:
    return torch_net(MATERIAL)


@pytest.mark.slow
@pytest.mark.parametrize("material", learned())
def test_all_three_decide_alike_but_for_ties_at_the_threshold(material: str) -> None:
    cards = {name: load(WEIGHTS, name_of(material, name)) for name in ("fp32", "int8")}
    scores = {"torch": torch_score(torch_net(material))}
    scores |= {name: onnx_score(model.payload) for name, model in cards.items()}
    levels = thresholds(cards["int8"].card.score)
    assert levels == thresholds(cards["fp32"].card.score)
    assert tuple(levels) == learned()[material]
    found = compare(check_set(material, tuple(levels), SEED, REPEATS), scores, levels)
    assert found.n == 12 * REPEATS * len(levels) and found.defective > found.n / 2
    assert found.differing <= found.n * 0.02 and found.apart < 1
    assert all(card.card.score["parity_differing"] == 0 for card in cards.values())
    assert found.wrong["int8"] <= found.n * 0.03


def test_torch_and_fp32_agree_on_every_cell(net: Fcn) -> None:
    image = np.random.default_rng(0).integers(0, 256, (160, 208), dtype=np.uint8)
    with torch.no_grad():
        wanted = net(torch.from_numpy(image[None, None].astype(np.float32) / 255))[0, 0].numpy()
    got = OnnxFcn(load(WEIGHTS, name_of(MATERIAL, "fp32")).payload).logits(image)
    np.testing.assert_allclose(got, wanted, atol=2e-4)


def test_folding_the_normalisation_changes_nothing() -> None:
    torch.manual_seed(3)
    fresh = Fcn()
    x = torch.rand(4, 1, 64, 64)
    fresh.train()
    for _ in range(3):
        fresh(x)
    fresh.eval()
    before = fresh(x).detach()
    torch.testing.assert_close(fresh.fold()(x).detach(), before, atol=1e-4, rtol=1e-4)
    assert parameters(fresh) <= 25_000


def test_weights_come_back_from_the_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(4)
    fresh = Fcn().fold()
    path = tmp_path / "net.onnx"
    onnx.save(with_uint8_input(float_core(fresh.weights())), path)
    for name, value in weights_of(path).items():
        np.testing.assert_array_equal(value, fresh.weights()[name])


def test_rounding_leaves_the_weights_on_their_grid() -> None:
    torch.manual_seed(5)
    fresh = Fcn().fold()
    with rounding(fresh):
        fresh.train()
        fresh(torch.rand(1, 1, 32, 32))
    weight = fresh.near[0].conv.weight.detach()
    steps = weight / (weight.abs().amax(dim=(1, 2, 3), keepdim=True) / 64)
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)


def test_a_differing_decision_fails_the_export(net: Fcn, monkeypatch: pytest.MonkeyPatch) -> None:
    biased = copy.deepcopy(net)  # the fixture is shared with tests of the shipped weights
    torch.nn.init.constant_(biased.head.bias, 50.0)
    core = float_core(biased.weights())
    other = float_core({**biased.weights(), "head.bias": np.full(1, -50.0, np.float32)})
    models = {"fp32": with_uint8_input(core), "int8": with_uint8_input(other)}
    scores = {name: {"threshold_flat": 0.0} for name in models}
    few = itertools.islice(check_set(MATERIAL, ("flat",), 1, 1), 2)
    monkeypatch.setattr(fcn_export, "check_set", lambda *_: few)
    with pytest.raises(LingnanError, match="decisions differ"):
        fcn_export._gate(biased, MATERIAL, models, scores, lambda text: None)


def test_calibration_tells_misses_by_kind_and_leaves_out_what_is_not_learned() -> None:
    seen = Seen({"point": [9.0] * 99 + [-9.0], "stain": [5.0, -5.0]}, [-8.0, -7.0, 1.0])
    assert seen.missed(0.0) == {"point": 1, "stain": 1} and seen.false(0.0) == 1
    told = figures("arc", 0.0, seen)
    assert told["missed_stain_arc"] == 1 and told["of_point_arc"] == 100
    assert told["weakest_point_arc"] == -9.0 and told["strongest_good_arc"] == 1.0
    assert thresholds(told) == {"arc": 0.0}
    assert not is_learned(seen, 0.0)
    assert is_learned(Seen({"point": [9.0] * 99 + [-9.0]}, [-8.0]), 0.0)


def test_five_draws_bound_the_false_rate_that_is_aimed_at() -> None:
    once, often = (list(lots("inductor", "flat", draws)) for draws in (1, 5))
    assert [lot.seed for lot in once] == [lot.seed for lot in often], "more parts of the same lots"
    n = sum(lot.parts for lot in often)
    assert n >= n_for_zero_failures(FALSE) > sum(lot.parts for lot in once)


def test_the_threshold_lies_in_the_middle_of_the_widest_gap() -> None:
    assert middle([5.0, 7.0], [-3.0, 1.0]) == 3.0
    assert 5.0 < middle([-9.0, *[8.0] * 999], [0.0, *[5.0] * 99]) < 8.0


def test_the_threshold_keeps_out_of_a_gap_in_which_the_nets_may_differ() -> None:
    defects, good = [5.0, *[8.0] * 99], [-2.0] * 59 + [4.8]
    assert middle(defects, good) == pytest.approx(4.9)
    level = middle(defects, good, 0.2)
    assert min(abs(level - score) for score in (*defects, *good)) >= 0.2


@given(gap=st.floats(0.0, 20.0), apart=st.floats(0.0, 3.0), at=st.floats(-9.0, 9.0))
def test_a_gap_wider_than_the_band_keeps_its_middle(gap: float, apart: float, at: float) -> None:
    assume(gap > 2 * apart + 1e-6)
    defects, good = [at + gap, at + gap + 2.0], [at, at - 1.5]
    assert middle(defects, good, apart) == pytest.approx(at + gap / 2)


def test_the_band_holds_all_but_the_rarest_differences_of_the_nets() -> None:
    scores = [float(n) for n in range(40)]
    other = [score + 0.25 for score in scores]
    one, two = Seen({"point": scores}, [0.0]), Seen({"point": [*other[:-1], 99.0]}, [0.25])
    assert band([one, one]) == 0
    assert band([one, two]) == pytest.approx(0.25)


def test_comparison_counts_what_differs_and_the_smallest_margin() -> None:
    frames = [(np.full((2, 2), v, np.uint8), "arc", v > 5) for v in range(10)]
    scores = {"a": lambda f: float(f[0, 0]), "b": lambda f: float(f[0, 0]) + 1.0}
    found = compare(iter(frames), scores, {"arc": 5.5})
    assert (found.n, found.defective, found.differing) == (10, 4, 1)
    assert found.margin == pytest.approx(0.5) and found.wrong == {"a": 0, "b": 1}


def test_cells_around_a_defect_and_cut_defects_do_not_matter() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[24:40, 24:26] = 1  # two cells, one above the other
    labels[60:, 40] = 2  # runs out of the crop
    owner = cell_owners(labels)
    assert (owner == 1).sum() == 2 and owner[3, 3] == owner[4, 3] == 1
    assert (owner[2:6, 2] == -1).all() and owner[0, 0] == 0
    assert owner[7, 5] == -1 and 2 not in owner


def test_the_loss_falls_where_a_defect_peaks_and_rises_where_good_cells_do() -> None:
    class Fixed(torch.nn.Module):
        def __init__(self, logits: torch.Tensor) -> None:
            super().__init__()
            self.logits = logits

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.logits[None, None]

    owners = np.zeros((1, 4, 4), np.int64)
    owners[0, 0, :2] = 1
    crops = Batch(np.zeros((1, 1, 32, 32), np.float32), owners)
    quiet = torch.full((4, 4), -4.0)
    found, false = quiet.clone(), quiet.clone()
    found[0, 0] = 5.0
    false[3, 3] = 5.0
    assert loss(Fixed(found), crops) < loss(Fixed(quiet), crops) < loss(Fixed(false), crops)
