"""Real height maps: read at their own scale, and files that hold none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspection.sim.relief import topographies
from inspection.sim.relief.topographies import TopographyError
from tests.conftest import data_set

pytestmark = [pytest.mark.inspection, pytest.mark.data]


def test_a_map_has_the_scale_and_the_range_its_provenance_tells(real_data: Path) -> None:
    folder = data_set(real_data, topographies.DATA) / "files"
    height, pitch_x, pitch_y = topographies.read(folder / "plu-1.plu")
    assert height.shape == (576, 768)
    assert (pitch_x, pitch_y) == pytest.approx((1.66, 1.66), abs=0.01)
    assert np.std(height) == pytest.approx(2.84, abs=0.02)


@pytest.mark.parametrize("name", topographies.FILES)
def test_parts_are_level_and_without_holes(real_data: Path, name: str) -> None:
    path = data_set(real_data, topographies.DATA) / "files" / name
    parts = topographies.parts(path, 5.0, 96)
    assert parts
    for part in parts[:20]:
        assert part.shape == (96, 96) and np.isfinite(part).all()
        slope_y, slope_x = np.gradient(part)
        assert abs(float(part.mean())) < 1e-2 * max(1.0, float(np.ptp(part)))
        assert np.hypot(slope_x.mean(), slope_y.mean()) < 0.05 * max(1.0, float(np.ptp(part)))


def test_a_file_that_is_no_map_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nothing.plu"
    path.write_bytes(b"no map " * 100)
    with pytest.raises(TopographyError, match=r"nothing\.plu"):
        topographies.read(path)
