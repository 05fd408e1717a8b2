"""What the detector's training promises: no step lost by going on, crops around bodies."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from positioning.train.detector import COOL, WARM, overlap, share_of_rate  # noqa: E402
from positioning.train.detector_export import fed_with_bytes, float_core  # noqa: E402
from positioning.train.detector_net import RoadUsers, take_over  # noqa: E402
from positioning.train.detector_pool import target  # noqa: E402

pytestmark = [pytest.mark.positioning, pytest.mark.train]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporter
def test_a_network_goes_on_where_an_exported_one_stopped() -> None:
    torch.manual_seed(5)
    first, second = RoadUsers(), RoadUsers()
    images = torch.rand(2, 3, 64, 96)
    for _ in range(20):  # its normalisations learn what they see
        first.train()(images)
    with torch.no_grad():
        wanted = first.eval()(images)
    take_over(second, fed_with_bytes(float_core(first)).SerializeToString(), images)
    with torch.no_grad():
        for mode in (True, False):
            for one, other in zip(second.train(mode)(images), wanted, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


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
