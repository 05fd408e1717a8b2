"""The session computes what numpy does, and names the input that does not fit."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from common.runtime.errors import ModelError, ModelInputError, ProviderError, UnsafeModelError
from common.runtime.session import Session, TensorSpec

pytestmark = pytest.mark.common
WEIGHT = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def session(make) -> Session:
    return Session(make["affine"](WEIGHT))


def test_specs(session: Session) -> None:
    assert session.inputs == (TensorSpec("x", ("N", 4), np.dtype(np.float32)),)
    assert session.outputs == (TensorSpec("y", ("N", 3), np.dtype(np.float32)),)
    assert session.providers == ("CPUExecutionProvider",)


@settings(deadline=None)
@given(
    x=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.just(4)),
        elements=st.floats(-1e3, 1e3, width=32),
    )
)
def test_matches_numpy(session: Session, x: np.ndarray) -> None:
    expected = x.astype(np.float64) @ WEIGHT.astype(np.float64)
    np.testing.assert_allclose(session.run({"x": x})["y"], expected, rtol=1e-5, atol=1e-2)


def test_a_strided_view_gives_the_same_as_its_copy(session: Session) -> None:
    wide = np.random.default_rng(5).normal(size=(6, 8)).astype(np.float32)
    view = wide[::2, ::2]
    copy = np.ascontiguousarray(view)
    np.testing.assert_array_equal(session.run({"x": view})["y"], session.run({"x": copy})["y"])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "the model takes \\['x'\\]"),
        ({"x": np.zeros((1, 4), np.float32), "z": np.zeros(1)}, "inputs \\['x', 'z'\\]"),
        ({"x": np.zeros((1, 4))}, "'x' must be float32 \\(N, 4\\), got float64 \\(1, 4\\)"),
        ({"x": np.zeros((1, 5), np.float32)}, "'x' must be float32 \\(N, 4\\), got .*\\(1, 5\\)"),
        ({"x": np.zeros(4, np.float32)}, "got float32 \\(4\\)"),
        ({"x": np.zeros((1, 4), ">f4")}, "'x'"),
    ],
)
def test_a_wrong_input_is_named(session: Session, inputs: dict, message: str) -> None:
    with pytest.raises(ModelInputError, match=message):
        session.run(inputs)


def test_an_absent_provider_is_named(make) -> None:
    with pytest.raises(ProviderError, match=r"NoSuchProvider.*available: .*CPUExecutionProvider"):
        Session(make["affine"](WEIGHT), providers=("NoSuchProvider", "CPUExecutionProvider"))
    with pytest.raises(ProviderError, match="none named"):
        Session(make["affine"](WEIGHT), providers=())


def test_what_is_no_model_is_refused(make) -> None:
    with pytest.raises(UnsafeModelError):
        Session(b"PK\x03\x04 not a model")
    broken = make["model"](make["graph"]([make["node"]("NoSuchOp", [], ["y"])], [], []))
    with pytest.raises(ModelError, match="refuses"):
        Session(broken)


def test_a_failure_inside_the_model_is_a_model_error(make) -> None:
    session = Session(make["memory_bomb"](1 << 45), warmup=0)
    with pytest.raises(ModelError, match="failed on its inputs"):
        session.run({})


def test_external_data_in_the_working_directory_is_never_read(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = make["put"]
    (tmp_path / "w.bin").write_bytes(WEIGHT.tobytes())
    monkeypatch.chdir(tmp_path)
    entry = put(13, put(1, "location") + put(2, "w.bin"))
    away = put(1, 4) + put(1, 3) + put(2, 1) + put(8, "w") + entry + put(14, 1)
    x = put(1, "x") + put(2, put(1, put(1, 1) + put(2, put(1, put(2, "N")) + put(1, put(1, 4)))))
    y = put(1, "y") + put(2, put(1, put(1, 1)))
    product = make["node"]("MatMul", ["x", "w"], ["y"])
    payload = make["model"](make["graph"]([product], [x], [y], [away]))
    with pytest.raises(UnsafeModelError, match="external data"):
        Session(payload)


def test_runs_from_many_threads_agree(session: Session) -> None:
    x = np.random.default_rng(8).normal(size=(64, 4)).astype(np.float32)
    expected, wrong = session.run({"x": x})["y"], []

    def work() -> None:
        for _ in range(50):
            if not np.array_equal(session.run({"x": x})["y"], expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
