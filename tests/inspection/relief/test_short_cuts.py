"""Short cuts of the relief pipeline give what the long way gives."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from inspection.relief.classify import EDGE_PX, from_edge
from inspection.relief.find import GROW_SIGMAS, LINK, Candidate, _regions
from inspection.relief.form import robust, straight

pytestmark = pytest.mark.inspection

LIMIT = 4.5


@pytest.mark.parametrize("turn", [0.0, 2.0, 31.0])
def test_a_find_is_as_far_from_the_edge_as_the_whole_map_says(turn: float) -> None:
    face = np.zeros((150, 200), np.uint8)
    box = cv2.boxPoints(((100.0, 75.0), (170.0, 120.0), turn))
    cv2.fillConvexPoly(face, np.rint(box).astype(np.int32), 1)
    whole = ndimage.distance_transform_edt(np.pad(face, 1))[1:-1, 1:-1]
    rng = np.random.default_rng(31)
    for _ in range(60):
        rows, columns = (np.sort(rng.choice(n, 2, replace=False)) for n in face.shape)
        mask = rng.random((rows[1] - rows[0], columns[1] - columns[0])) < 0.2
        mask[0, 0] = True
        find = Candidate((columns[0], rows[0], columns[1], rows[1]), mask, 1, 9.0, 1.0)
        true = min(whole[rows[0] : rows[1], columns[0] : columns[1]][mask].min(), EDGE_PX)
        # a chamfer of 3 x 3 is off by up to 6 % of the distance (Borgefors 1986)
        assert from_edge(face > 0, find) == pytest.approx(true, rel=0.06, abs=1e-6)


def test_a_map_that_is_all_face_ends_at_its_border() -> None:
    face = np.ones((60, 80), np.bool_)
    for x, y, far in [(0, 30, 1.0), (40, 56, 4.0), (79, 59, 1.0), (40, 30, EDGE_PX)]:
        find = Candidate((x, y, x + 1, y + 1), np.ones((1, 1), np.bool_), 1, 9.0, 1.0)
        assert from_edge(face, find) == pytest.approx(far, rel=0.06)


def test_finds_are_the_linked_regions_that_hold_a_seed() -> None:
    """Against scipy's labels of the whole map."""
    rng = np.random.default_rng(32)
    z = cv2.GaussianBlur(rng.normal(0, 1, (180, 220)), (0, 0), 1.2).astype(np.float32)
    z *= np.float32(2.2 / z.std())
    hot = (np.abs(z) > LIMIT).astype(np.uint8) * 255
    told = {(f.sign, f.box_px, f.mask.tobytes(), f.snr) for f in _regions(z, hot, 1, z.shape)}
    wanted = set()
    for sign in (1, -1):
        warm = z * sign > GROW_SIGMAS
        linked = ndimage.binary_dilation(warm, LINK > 0)
        labels, _ = ndimage.label(linked, np.ones((3, 3)))
        for label in np.unique(labels[warm & (hot > 0)]):
            part = (labels == label) & warm
            rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
            box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            mask = part[box[1] : box[3], box[0] : box[2]]
            wanted.add((sign, box, mask.tobytes(), float((z * sign)[part].max())))
    assert len(wanted) > 20
    assert told == wanted


def test_a_jacobian_that_stays_is_scaled_once_and_changes_nothing() -> None:
    rng = np.random.default_rng(33)
    x = np.linspace(0, 900, 400)
    design = np.stack([np.ones_like(x), x, x * x], 1)
    values = design @ [3.0, -0.02, 4e-5] + rng.standard_t(2, x.size)
    anew = robust(lambda c: (values - design @ c, -design), np.zeros(3))
    once = robust(straight(design, values), np.zeros(3))
    assert np.array_equal(anew[0], once[0]) and np.array_equal(anew[1], once[1])
    assert anew[2] == once[2]
