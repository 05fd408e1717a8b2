"""The readers on the real data sets, where they lie beside the checkout."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from inspection.layouts.load import lesson
from inspection.layouts.table import reader

pytestmark = [pytest.mark.inspection, pytest.mark.data]


@pytest.mark.parametrize(
    ("layout", "folder", "image"),
    [
        ("deeppcb", "deeppcb", "*_test.jpg"),
        ("magnetic-tile", "magnetic_tile", "MT_*/*.jpg"),
        ("kolektor", "kolektorsdd", "*.jpg"),
        ("yolo", "neu_det", "*.jpg"),
    ],
)
def test_nothing_of_a_real_set_is_refused_or_left_out(
    layout: str, folder: str, image: str, real_data: Path
) -> None:
    root = real_data / folder / "dev"
    if not root.is_dir():
        pytest.skip(f"the data set {folder} is absent")
    data = reader(layout)(root, "refuse")
    assert [s.image_path for s in data.samples] == sorted(root.glob(image))
    for sample in data.samples[::9]:
        learned = lesson(sample)
        assert learned.image.shape[:2] == (sample.height_px, sample.width_px)


def test_shots_of_one_tile_in_a_row_share_a_part(real_data: Path) -> None:
    root = real_data / "magnetic_tile" / "dev"
    if not root.is_dir():
        pytest.skip("the data set magnetic_tile is absent")
    data = reader("magnetic-tile")(root, "refuse")
    shots = sorted(
        (int(re.findall(r"num_(\d+)", s.image_path.name)[0]), s.part) for s in data.samples
    )
    for (before, part), (after, next_part) in itertools.pairwise(shots):
        assert part == next_part or after - before > 300
    assert len({part for _, part in shots}) < len(shots) / 2
