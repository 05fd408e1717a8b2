"""The quick size of the benchmark: fewer images, but never a part that is torn apart."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.anomaly import ratios, some_parts
from inspection.methods.base import Lesson

pytestmark = pytest.mark.inspection


def _lessons(parts: int, shots: int) -> list[Lesson]:
    image = np.zeros((8, 8), np.uint8)
    return [
        Lesson(image, is_good=part % 2 == 0, part=f"part {part}")
        for part in range(parts)
        for _ in range(shots)
    ]


def test_all_images_are_judged_where_no_number_is_given() -> None:
    lessons = _lessons(parts=6, shots=2)
    assert some_parts(lessons, None) == lessons


@pytest.mark.parametrize("images", [10, 30, 60])
def test_some_parts_are_whole_and_of_both_classes(images: int) -> None:
    lessons = _lessons(parts=40, shots=3)
    chosen = some_parts(lessons, images)
    assert set(Counter(one.part for one in chosen).values()) == {3}
    assert {one.is_good for one in chosen} == {True, False}
    assert abs(len(chosen) - images) <= images / 2
    assert [id(one) for one in some_parts(lessons, images)] == [id(one) for one in chosen]


def test_more_images_than_there_are_means_all() -> None:
    lessons = _lessons(parts=6, shots=2)
    assert some_parts(lessons, 1000) == lessons


def test_ratios_say_how_many_times_faster_ours_is() -> None:
    ours = {"cpu_ms": 5.0, "peak_mib": 100.0, "image_auroc": 0.9, "aupro": 0.8}
    peer = {"cpu_ms": 50.0, "peak_mib": 300.0, "image_auroc": 0.85, "aupro": 0.7}
    told = ratios(ours, peer)
    assert told["times_faster"] == 10
    assert told["times_less_memory"] == 3
    assert told["auroc_gain"] == pytest.approx(0.05)
