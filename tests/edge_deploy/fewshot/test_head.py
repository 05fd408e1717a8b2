"""The head: closed forms, and the same integers in Python and C."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge_deploy
from edge_deploy.errors import EdgeError
from edge_deploy.fewshot.head import FRACTION, MOST_FACTOR, MOST_FEATURES, ONE, Head

pytestmark = pytest.mark.edge

SOURCE = Path(edge_deploy.__path__[0], "c", "runtime", "lingnan_prototypes.c")


def taught(samples: np.ndarray, labels: np.ndarray) -> Head:
    head = Head(samples.shape[1])
    for sample, label in zip(samples, labels, strict=True):
        head.learn(sample, int(label))
    return head


def test_one_sample_a_class_is_the_nearest_neighbour() -> None:
    rng = np.random.default_rng(3)
    learned, asked = (rng.integers(0, 256, (n, 40), np.uint8) for n in (7, 50))
    head = taught(learned, np.arange(7))
    away = ((asked[:, None].astype(int) - learned[None].astype(int)) ** 2).sum(-1)
    found = [head.answer(one) for one in asked]
    assert [one.nearest for one in found] == list(away.argmin(1))
    assert [one.distance for one in found] == list(away.min(1) * FRACTION**2)


def test_the_order_of_samples_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    samples, labels = rng.integers(0, 256, (30, 16), np.uint8), np.arange(30) % 3
    others = np.concatenate([np.arange(3), 3 + rng.permutation(27)])
    one, other = taught(samples, labels), taught(samples[others], labels[others])
    assert np.array_equal(one.means, other.means)


def test_a_mean_is_within_half_a_quarter_step() -> None:
    rng = np.random.default_rng(5)
    samples = rng.integers(0, 256, (7, 64), np.uint8)
    head = taught(samples, np.zeros(7, int))
    assert np.abs(head.means[0] / FRACTION - samples.mean(0)).max() <= 0.5 / FRACTION


def test_the_limit_is_the_mean_distance_of_samples_left_out() -> None:
    rng = np.random.default_rng(6)
    samples, labels = rng.integers(0, 256, (20, 64), np.uint8), np.arange(20) % 4
    head = taught(samples, labels)
    away = []
    for at in range(20):
        others = samples[(labels == labels[at]) & (np.arange(20) != at)].astype(float)
        away.append(((samples[at] - others.mean(0)) ** 2).sum())
    limit = head.limit(ONE)
    assert limit == pytest.approx(FRACTION**2 * np.mean(away), rel=1e-4)
    assert head.limit(2 * ONE) == pytest.approx(2 * limit, abs=2)


def test_without_two_samples_of_a_class_there_is_no_limit() -> None:
    head = taught(np.zeros((3, 8), np.uint8), np.arange(3))
    assert head.limit(ONE) is None
    head.learn(np.full(8, 4, np.uint8), 1)
    # each of the two is 4 away in 8 features, in sixteenths
    assert head.limit(ONE) == FRACTION**2 * 8 * 16


def test_many_distances_are_the_answers_one_by_one() -> None:
    rng = np.random.default_rng(7)
    head = taught(rng.integers(0, 256, (9, 50), np.uint8), np.arange(9) % 3)
    asked = rng.integers(0, 256, (20, 50), np.uint8)
    away = head.means[None] - FRACTION * asked[:, None].astype(np.int64)
    assert np.array_equal(head.distances(asked), (away**2).sum(-1))


def test_what_cannot_be_learned_is_refused() -> None:
    head = Head(4)
    with pytest.raises(EdgeError, match="no class was learned"):
        head.answer(np.zeros(4, np.uint8))
    with pytest.raises(EdgeError, match="class 1: there are 0"):
        head.learn(np.zeros(4, np.uint8), 1)
    with pytest.raises(EdgeError, match=r"uint8 \(4,\)"):
        head.learn(np.zeros(5, np.uint8), 0)
    with pytest.raises(EdgeError, match="1 to 4096"):
        Head(MOST_FEATURES + 1)


class Prototypes(ctypes.Structure):
    _fields_ = (
        ("sums", ctypes.c_void_p),
        ("squares", ctypes.c_void_p),
        ("counts", ctypes.c_void_p),
        ("features", ctypes.c_int32),
        ("classes", ctypes.c_int32),
        ("room_classes", ctypes.c_int32),
    )


class Answered(ctypes.Structure):
    _fields_ = (
        ("nearest", ctypes.c_int32),
        ("distance", ctypes.c_uint32),
        ("second", ctypes.c_uint32),
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler: apt-get install gcc")
    out = tmp_path_factory.mktemp("head") / "head.so"
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    subprocess.run([compiler, *strict, "-o", str(out), str(SOURCE)], check=True)
    loaded = ctypes.CDLL(str(out))
    loaded.lingnan_answer_of.restype = Answered
    loaded.lingnan_limit.restype = ctypes.c_uint64
    return loaded


class InC:
    """The C head with room for `room` classes."""

    def __init__(self, library: ctypes.CDLL, features: int, room: int) -> None:
        self._library = library
        self._sums = np.zeros((room, features), np.uint32)
        self._squares = np.zeros(room, np.uint64)
        self._counts = np.zeros(room, np.uint32)
        places = (one.ctypes.data for one in (self._sums, self._squares, self._counts))
        self._head = Prototypes(*places, features, 0, room)

    def learn(self, sample: np.ndarray, label: int) -> int:
        address = ctypes.c_void_p(sample.ctypes.data)
        return int(self._library.lingnan_learn(ctypes.byref(self._head), address, label))

    def answer(self, sample: np.ndarray) -> tuple[int, int, int]:
        address = ctypes.c_void_p(sample.ctypes.data)
        found = self._library.lingnan_answer_of(ctypes.byref(self._head), address)
        return found.nearest, found.distance, found.second

    def limit(self, factor: int) -> int:
        return int(self._library.lingnan_limit(ctypes.byref(self._head), ctypes.c_uint32(factor)))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(1, 6),
    features=st.integers(1, 300),
    shots=st.integers(1, 5),
    extreme=st.booleans(),
)
def test_c_gives_the_same_integers(
    library: ctypes.CDLL, seed: int, classes: int, features: int, shots: int, extreme: bool
) -> None:
    rng = np.random.default_rng(seed)
    highest = 2 if extreme else 256
    drawn = rng.integers(0, highest, (classes * shots + 5, features), np.uint8)
    drawn = np.ascontiguousarray(drawn * (255 if extreme else 1), np.uint8)
    samples, asked = drawn[:-5], drawn[-5:]
    labels = np.arange(len(samples)) % classes
    head, in_c = taught(samples, labels), InC(library, features, classes)
    for sample, label in zip(samples, labels, strict=True):
        assert in_c.learn(sample, int(label)) == 0
    for sample in asked:
        told = head.answer(sample)
        second = 2**32 - 1 if told.second is None else told.second
        assert in_c.answer(sample) == (told.nearest, told.distance, second)
    for factor in (0, 1, ONE, MOST_FACTOR):
        limit = head.limit(factor)
        assert in_c.limit(factor) == (2**64 - 1 if limit is None else limit)


def test_the_widest_vectors_do_not_overflow(library: ctypes.CDLL) -> None:
    in_c, head = InC(library, MOST_FEATURES, 1), Head(MOST_FEATURES)
    dark = np.zeros(MOST_FEATURES, np.uint8)
    bright = np.full(MOST_FEATURES, 255, np.uint8)
    assert in_c.learn(dark, 0) == 0
    head.learn(dark, 0)
    assert in_c.answer(bright)[1] == head.answer(bright).distance == 4096 * 1020**2
    assert in_c.learn(bright, 0) == 0
    head.learn(bright, 0)
    assert in_c.limit(MOST_FACTOR) == head.limit(MOST_FACTOR) == 4096 * 1020**2 * 256


def test_c_refuses_labels_without_room(library: ctypes.CDLL) -> None:
    in_c, sample = InC(library, 4, 1), np.zeros(4, np.uint8)
    assert in_c.answer(sample)[0] == -1
    assert [in_c.learn(sample, label) for label in (-1, 1, 0, 1)] == [-1, -1, 0, -1]
