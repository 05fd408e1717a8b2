"""The rows on real boards: measured where the boards are, and said not to be where they are not."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from common.acceptance.experiment import Context
from common.acceptance.measurement import Measurement
from inspection.acceptance.boards import EXPERIMENTS, FALSE, MAP, MISS, measure
from tests.conftest import data_set

pytestmark = [pytest.mark.inspection, pytest.mark.data]

Rows = Mapping[str, Measurement]


def rows(root: Path | None, scratch: Path, seed: int = 1) -> Rows:
    return measure(Context("quick", seed, root, scratch))


@pytest.mark.parametrize("there", [False, True])
def test_without_the_boards_nothing_is_measured(tmp_path: Path, there: bool) -> None:
    told = rows(tmp_path if there else None, tmp_path / "scratch")
    assert set(told) == {MISS.id, FALSE.id, MAP.id}
    for row in told.values():
        assert row.value is None
        assert "deeppcb is absent" in row.note and "LINGNAN_DATA" in row.note


@pytest.fixture(scope="module")
def measured(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    data_set(real_data, "deeppcb")
    return rows(real_data, tmp_path_factory.mktemp("scratch"))


def test_every_defect_counts(measured: Rows) -> None:
    miss = measured[MISS.id]
    assert miss.n == 738
    assert miss.value is not None and miss.low is not None and miss.high is not None
    missed = miss.value * miss.n
    assert missed == pytest.approx(round(missed))
    assert 0 <= miss.value <= 0.03
    assert miss.low <= miss.value < miss.high
    assert "of 7 boards: " in miss.note
    kinds = [
        int(word) for word in miss.note.split(": ")[1].replace(",", "").split() if word.isdigit()
    ]
    assert sum(kinds) == 738 and len(kinds) == 6


def test_false_boxes_and_precision_are_of_images(measured: Rows) -> None:
    false, precision = measured[FALSE.id], measured[MAP.id]
    assert false.n == precision.n and false.n < 738
    assert false.value is not None and 0 <= false.value < 5
    assert precision.value is not None and 0.8 < precision.value <= 1
    for row in (false, precision):
        assert row.low is not None and row.high is not None and row.value is not None
        assert row.low <= row.value <= row.high
    assert len({row.data_sha256 for row in measured.values()}) == 1


def test_a_report_can_show_it(measured: Rows) -> None:
    pictures = measured[MISS.id].figures
    assert pictures and all(picture.media_type == "image/jpeg" for picture in pictures)
    (curve,) = measured[MAP.id].figures
    (series,) = curve.series
    assert all(a <= b for a, b in zip(series.x, series.x[1:], strict=False))
    assert {line.value for line in curve.lines} == {MISS.target, FALSE.target}


@pytest.fixture(scope="module")
def three_boards(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data with the three boards of fewest images, so that it is measured quickly."""
    whole = data_set(real_data, "deeppcb") / "dev"
    folder = tmp_path_factory.mktemp("few") / "deeppcb" / "dev"
    folder.mkdir(parents=True)
    images = Counter(path.name[:5] for path in whole.glob("*_test.jpg"))
    for board in sorted(images, key=images.__getitem__)[:3]:
        for path in whole.glob(f"{board}*"):
            shutil.copy(path, folder)
    return folder.parents[1]


def test_the_same_seed_gives_the_same_numbers(three_boards: Path, tmp_path: Path) -> None:
    first, again, other = (rows(three_boards, tmp_path / str(i), i // 2) for i in range(3))
    for name, row in first.items():
        assert (row.value, row.low, row.high, row.n, row.data_sha256) == (
            (again[name].value, again[name].low, again[name].high, row.n, again[name].data_sha256)
        )
        assert other[name].value == row.value  # the seed is that of the bounds' resampling
    assert any(other[name].low != row.low for name, row in first.items())


def test_the_experiment_names_its_rows() -> None:
    (experiment,) = EXPERIMENTS
    assert {row.id for row in experiment.indicators} == {MISS.id, FALSE.id, MAP.id}
    assert not experiment.exclusive
