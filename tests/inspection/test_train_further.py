"""Training that goes on from a network: where it errs, crops about such places, the command."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from common.errors import LingnanError  # noqa: E402
from inspection.sim.scene import station_scene  # noqa: E402
from inspection.train.fcn import Effort, main, make, train_further  # noqa: E402
from inspection.train.fcn_hard import hard_batch, hardest  # noqa: E402
from inspection.train.fcn_net import STRIDE, Fcn  # noqa: E402
from inspection.train.fcn_pool import LEAST_UM, Frame, crop, demanded  # noqa: E402

pytestmark = [pytest.mark.inspection, pytest.mark.train]

SIDE = 512
STRONG, FAINT, GLINT = (200, 200), (320, 104), (104, 400)  # y, x
LEVEL = 40.0  # electrons/us: about 100 of 255


class Brightness(torch.nn.Module):
    """The mean of a cell's pixels as its logit."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(x, STRIDE)


def frame() -> Frame:
    """Two defects, one bright and one as dark as its host, and a glint on good surface."""
    radiance = np.full((SIDE, SIDE), LEVEL, np.float16)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for number, (y, x) in enumerate((STRONG, FAINT), 1):
        labels[y : y + 8, x : x + 8] = number
    for y, x in (STRONG, GLINT):
        radiance[y : y + 8, x : x + 8] = 2 * LEVEL
    return Frame(radiance, labels)


def test_the_faint_defect_and_the_glint_are_the_weak_places() -> None:
    weak = hardest(Brightness(), [frame()] * 3, np.random.default_rng(0))
    assert {one.place for one in weak} == {FAINT, GLINT}


@given(
    y=st.integers(0, SIDE - 1),
    x=st.integers(0, SIDE - 1),
    side=st.sampled_from((64, 256)),
    seed=st.integers(0, 99),
)
def test_a_crop_about_a_place_holds_it(y: int, x: int, side: int, seed: int) -> None:
    radiance = np.full((SIDE, SIDE), LEVEL, np.float16)
    radiance[y, x] = 1000.0  # saturates, however the lens blurs it
    labels = np.zeros((SIDE, SIDE), np.uint8)
    image, owners = crop(Frame(radiance, labels), np.random.default_rng(seed), side, (y, x))
    assert image.shape == (side, side) and owners.shape == (side // STRIDE,) * 2
    assert image.max() > 0.8 and np.median(image) < 0.6


def test_half_of_the_crops_lie_about_weak_places() -> None:
    frames, rng = [frame()], np.random.default_rng(1)
    weak = [one for one in hardest(Brightness(), frames, rng) if one.place == FAINT]
    shown = [(hard_batch(frames, weak, rng, 1, 64).owners > 0).any() for _ in range(400)]
    # of crops anywhere, about 3 % hold either defect whole
    assert 0.4 < np.mean(shown) < 0.65


def test_it_learns_what_it_missed() -> None:
    torch.manual_seed(0)
    one = frame()
    one.radiance[FAINT[0] : FAINT[0] + 8, FAINT[1] : FAINT[1] + 8] = LEVEL / 2

    fresh = Fcn().fold()
    fresh.head.bias.data.fill_(-6.0)  # finds nothing
    before = hardest(fresh, [one], np.random.default_rng(2))[0].error
    after = train_further(fresh, [one], 12, 0, lambda text: None)
    assert hardest(after, [one], np.random.default_rng(2))[0].error < before - 0.05


def test_the_command_holds_the_network_it_went_on_from() -> None:
    first = Effort(160, 7_000, 1).command("glass")
    then = Effort(200, seed=2, further=2_500).command("glass", first)
    assert then == f"{first} && " + (
        "python -m inspection.train.fcn --material glass --parts 200 --further 2500 --seed 2"
    )


def test_the_command_tells_the_crowd_and_the_draws() -> None:
    crowd = Effort(100, seed=3, further=900, is_crowded=True, draws=5).command("eink", "first")
    assert crowd.endswith("--further 900 --seed 3 --crowded --draws 5")
    varied = Effort(100, seed=3, further=900, is_varied=True, draws=2).command("eink", "first")
    assert varied.endswith("--further 900 --seed 3 --varied --draws 2")
    moving = Effort(100, seed=3, further=900, is_moved=True).command("eink", "first")
    assert moving.endswith("--further 900 --seed 3 --stations")


@pytest.mark.parametrize("is_crowded", [False, True])
@pytest.mark.parametrize("material", ["eink", "inductor", "metal"])
def test_what_it_goes_on_with_must_be_found(material: str, is_crowded: bool) -> None:
    mix = demanded(material, is_crowded)
    assert sum(share for *_, share in mix) == pytest.approx(1)
    assert {kind for kind, _, count, _ in mix if count} == set(LEAST_UM)
    assert any(count == 0 for *_, count, _ in mix), "without good parts every texture is a defect"
    for kind, sizes, count, _ in mix:
        assert not count or (sizes and min(sizes) >= LEAST_UM[kind])


def test_a_crowd_has_more_points_a_part_and_each_its_own_number() -> None:
    dense, usual = (
        station_scene("eink", "train", 1, demanded("eink", crowd)[0][2], side_px=1024).truth(0)
        for crowd in (True, False)
    )
    assert len(dense.defects) > 1.8 * len(usual.defects)
    assert 90 < len(np.unique(dense.labels)) - 1 <= 100 < 256, "labels are bytes in the pool"


@pytest.mark.parametrize("asked", [["--crowded"], ["--varied"], ["--stations"], ["--draws", "0"]])
def test_what_would_be_ignored_is_refused(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fcn", "--material", "eink", *asked])
    with pytest.raises(SystemExit):
        main()
    assert "--crowded, --varied, --stations go with --further" in capsys.readouterr().err


def test_nothing_to_go_on_from_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LingnanError, match="train without --further first"):
        make("glass", tmp_path, Effort(further=1))
