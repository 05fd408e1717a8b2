"""A foreign model is checked in a child that memory bombs and endless loops bring down alone."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest

from common.runtime.errors import ForeignModelError, WeightsError
from common.runtime.foreign import Limits, check, check_bytes

pytestmark = [pytest.mark.common, pytest.mark.base]
GIB = 1 << 30


def test_a_good_model_is_reported(make, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(make["affine"](np.eye(4, 3, dtype=np.float32)))
    report = check(path)
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (report.ops, report.opsets) == ({"MatMul": 1}, {"": 17})
    assert (report.inputs[0].name, report.inputs[0].shape) == ("x", ("N", 4))
    assert report.ran_on == {"x": (1, 4)}
    assert report.finite
    assert report.load_ms > 0
    assert 10 < report.peak_rss_mib < 2048


def test_free_sizes_are_searched(make) -> None:
    """A 40-wide window does not fit one pixel, nor 32; it runs on 64."""
    put, node = make["put"], make["node"]
    free = b"".join(put(1, size) for size in (put(2, "n"), put(1, 1), put(2, "h"), put(2, "w")))
    x = put(1, "x") + put(2, put(1, put(1, 1) + put(2, free)))
    y = put(1, "y") + put(2, put(1, put(1, 1)))
    window = put(1, "kernel_shape") + put(8, 40) + put(8, 40) + put(20, 7)
    pool = node("MaxPool", ["x"], ["y"], put(5, window))
    report = check_bytes(make["model"](make["graph"]([pool], [x], [y])), "pool")
    assert report.ran_on == {"x": (1, 1, 64, 64)}


def test_a_few_bytes_that_ask_for_8_gib_are_refused(make) -> None:
    bomb = make["memory_bomb"](8 * GIB // 4)
    assert len(bomb) < 80
    with pytest.raises(ForeignModelError, match=r"bomb: .*8589934592"):
        check_bytes(bomb, "bomb", Limits(memory_mib=1024))


def test_a_declared_input_that_does_not_fit_in_memory_is_refused(make) -> None:
    put = make["put"]
    x = put(1, "x") + put(2, put(1, put(1, 1) + put(2, put(1, put(1, 1 << 32)))))
    y = put(1, "y") + put(2, put(1, put(1, 1)))
    payload = make["model"](make["graph"]([make["node"]("Relu", ["x"], ["y"])], [x], [y]))
    with pytest.raises(ForeignModelError, match="needs more than 512 MiB"):
        check_bytes(payload, "wide", Limits(memory_mib=512))


def test_an_endless_model_ends_at_the_cpu_limit(make) -> None:
    with pytest.raises(ForeignModelError, match="loop: needs more than 1 s of CPU time"):
        check_bytes(make["endless"](), "loop", Limits(cpu_s=1))


def test_an_endless_model_ends_at_the_time_out(make) -> None:
    start = time.monotonic()
    with pytest.raises(ForeignModelError, match=r"loop: not done after 0\.5 s"):
        check_bytes(make["endless"](), "loop", Limits(wall_s=0.5))
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("payload", "message"),
    [(b"", "no graph"), (b"garbage", "wire type"), (bytes(100), "field number 0")],
)
def test_what_is_no_model_is_refused_by_name(payload: bytes, message: str) -> None:
    with pytest.raises(ForeignModelError, match=f"junk: .*{message}"):
        check_bytes(payload, "junk")


def test_external_data_is_refused_in_the_child_too(make) -> None:
    put = make["put"]
    away = put(1, 1) + put(2, 1) + put(8, "w") + put(14, 1)
    body = make["graph"]([make["node"]("Identity", ["w"], ["y"])], [], [], [away])
    with pytest.raises(ForeignModelError, match="external data"):
        check_bytes(make["model"](body), "away")


def test_links_and_oversize_are_refused_before_the_child(make, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(make["affine"](np.eye(2, dtype=np.float32)))
    (tmp_path / "link.onnx").symlink_to(path)
    with pytest.raises(WeightsError, match="symbolic link"):
        check(tmp_path / "link.onnx")
    with pytest.raises(WeightsError, match="over the limit of 10"):
        check(path, Limits(file_bytes=10))


def test_nan_is_told(make) -> None:
    weight = np.array([[np.nan]], np.float32)
    assert not check_bytes(make["affine"](weight), "nan").finite
