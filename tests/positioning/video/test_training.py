"""What the detector's training promises: no step lost by going on, crops around bodies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from positioning.sim.video.scene import Boxes  # noqa: E402
from positioning.train.detector import COOL, WARM, overlap, share_of_rate  # noqa: E402
from positioning.train.detector_export import fed_with_bytes, float_core  # noqa: E402
from positioning.train.detector_net import RoadUsers, take_over  # noqa: E402
from positioning.train.detector_pool import (  # noqa: E402
    WITHIN,
    Frame,
    _crop,
    column,
    crowd,
    end_on,
    passing,
    target,
)

pytestmark = [pytest.mark.positioning, pytest.mark.train]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporter
def test_a_network_goes_on_where_an_exported_one_stopped() -> None:
    torch.manual_seed(5)
    first, second = RoadUsers(), RoadUsers()
    images = torch.rand(2, 3, 64, 128)
    for _ in range(20):  # its normalisations learn what they see
        first.train()(images)
    with torch.no_grad():
        wanted = first.eval()(images)
    take_over(second, fed_with_bytes(float_core(first)).SerializeToString(), images)
    with torch.no_grad():
        for mode in (True, False):
            for one, other in zip(second.train(mode)(images), wanted, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_the_widest_level_begins_without_a_say() -> None:
    """So that a network without it goes on where it stopped."""
    torch.manual_seed(6)
    net, images = RoadUsers().eval(), torch.rand(1, 3, 64, 128)
    with torch.no_grad():
        before = net(images)
        for weight in net.widest.parameters():
            weight.normal_()
        for one, other in zip(net(images), before, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_who_stands_in_a_column_does_not_stand_in_another() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        actors = column(rng, 3)
        assert [actor.number for actor in actors] == list(range(3, 3 + len(actors)))
        big = [actor for actor in actors if actor.shape.kind not in ("pedestrian", "cyclist")]
        ends = [(a.motion.position_m(0.0)[0], a.shape.length_m / 2) for a in big]
        for (x, half), (beyond, other) in itertools.pairwise(ends):
            assert x + half < beyond - other
        numbers = [actor.number for actor in crowd(rng).actors]
        assert numbers == list(range(len(numbers)))


def test_who_passes_is_cut_by_the_pictures_side_and_never_around_the_camera() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        ego_y = float(rng.uniform(-3, 3))
        actors = passing(rng, 5, ego_y)
        sides = []
        for actor in actors:
            x, y = actor.motion.position_m(0.0)
            sides.append(np.sign(y - ego_y))
            assert abs(y - ego_y) - actor.shape.width_m / 2 >= 0.7
            assert -actor.shape.length_m / 2 <= x <= 8.0
        assert len(set(sides)) == len(actors) == len({actor.number for actor in actors})


def test_riders_and_walkers_go_along_the_road() -> None:
    rng = np.random.default_rng(4)
    every = [actor for _ in range(100) for actor in end_on(rng, 0)]
    kinds = [actor.shape.kind for actor in every]
    assert set(kinds) == {"cyclist", "pedestrian"}
    assert 0.5 < kinds.count("cyclist") / len(kinds) < 0.7
    slant = [abs(np.sin(actor.motion.yaw_rad)) for actor in every]
    assert np.mean(slant) < 0.2 and max(slant) < 0.7


def test_a_body_that_a_crop_cuts_counts_neither_way() -> None:
    pixels = np.zeros((512, 960, 3), np.uint8)
    sides = np.array([[300.0, 100.0, 500.0, 300.0]], np.float32)
    boxes = Boxes(np.zeros(1, np.int64), np.zeros(1, np.int64), sides, np.ones(1))
    rng, shown = np.random.default_rng(1), set()
    for _ in range(60):
        _, cut, _, visible = _crop(Frame(pixels, boxes), rng, (256, 320))
        for box, seen in zip(cut, visible, strict=True):
            left = float((box[2:] - box[:2]).prod() / (200 * 200))
            assert (seen == 1.0) == (left > WITHIN)
            shown.add(bool(seen == 1.0))
    assert shown == {True, False}


def test_a_longer_training_begins_as_a_shorter_one() -> None:
    short, long = ([share_of_rate(done, steps) for done in range(steps)] for steps in (4000, 6000))
    assert short[: 4000 - COOL] == long[: 4000 - COOL]
    assert short[WARM - 1] == 1.0 and short[0] == 1 / WARM
    assert short[-1] == pytest.approx(1 / COOL)


def test_targets_tell_the_boxes_they_were_made_of() -> None:
    box = np.array([[40.0, 24.0, 88.0, 120.0]], np.float32)
    heat, counts, sides, weight = target(box, np.array([2]), np.ones(1), (128, 128))
    assert (counts == 1).all() and heat[:2].max() == 0
    _, row, column = np.unravel_index(heat.argmax(), heat.shape)
    left, top, right, bottom = 8 * np.exp(sides[:, row, column])
    x, y = 8 * (column + 0.5), 8 * (row + 0.5)
    np.testing.assert_allclose([x - left, y - top, x + right, y + bottom], box[0], atol=1e-3)
    assert weight.sum() == pytest.approx(np.sqrt((weight > 0).sum()))


def test_overlap_is_generalised_iou() -> None:
    log = lambda *sides: torch.log(torch.tensor(sides)).reshape(1, 4, 1, 1)  # noqa: E731
    same = overlap(log(1.0, 1.0, 1.0, 1.0), log(1.0, 1.0, 1.0, 1.0))
    assert same.item() == pytest.approx(1.0)
    half = overlap(log(1.0, 1.0, 1.0, 1.0), log(1.0, 1.0, 1.0, 3.0))
    assert half.item() == pytest.approx(0.5)
