"""Hashes of data: against sha256sum, and what tampering does to them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.acceptance.experiment import LISTINGS, Context
from common.acceptance.hashing import changed, content_hash, listing, listing_hash
from common.errors import LingnanError

pytestmark = pytest.mark.common


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.png").write_bytes(b"first")
    (tmp_path / "sub" / "乙.png").write_bytes(b"second")
    return tmp_path


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum to compare with")
def test_sha256sum_accepts_the_listing(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sums = tmp_path_factory.mktemp("sums") / "data.sha256"
    sums.write_text(listing(files(data), data), encoding="utf-8")
    command = ["sha256sum", "--quiet", "-c", str(sums)]
    assert subprocess.run(command, cwd=data, check=False).returncode == 0
    (data / "a.png").write_bytes(b"First")
    assert subprocess.run(command, cwd=data, check=False, capture_output=True).returncode == 1


def test_order_and_repetition_do_not_matter_and_names_do(data: Path) -> None:
    paths = files(data)
    text = listing(paths, data)
    assert listing([*reversed(paths), paths[0]], data) == text
    assert changed(text, data) == []
    (data / "a.png").rename(data / "b.png")
    assert listing_hash(listing(files(data), data)) != listing_hash(text)
    assert changed(text, data) == ["a.png"]


def test_a_listing_cannot_lead_outside(data: Path) -> None:
    outside = listing([data / "a.png"], data).replace("a.png", "../a.png")
    shutil.copyfile(data / "a.png", data.parent / "a.png")
    assert changed(outside, data) == ["../a.png"]
    with pytest.raises(ValueError, match="subpath"):
        listing([data.parent / "a.png"], data)
    with pytest.raises(LingnanError, match="no file to hash"):
        listing([], data)


def test_context_keeps_the_listing_under_its_hash(data: Path, tmp_path: Path) -> None:
    context = Context("quick", 1, data, tmp_path / "scratch")
    digest = context.data_hash(files(data))
    kept = tmp_path / "scratch" / LISTINGS / f"{digest}.sha256"
    assert listing_hash(kept.read_text(encoding="utf-8")) == digest
    with pytest.raises(ValueError, match="data_root"):
        Context("quick", 1, None, tmp_path).data_hash([])


parts = st.lists(
    st.one_of(st.text(max_size=4), st.binary(max_size=4), st.integers(0, 9)), max_size=4
)


@given(parts, parts)
def test_content_hashes_tell_sequences_apart(a: list[str | bytes], b: list[str | bytes]) -> None:
    same = [(type(x), x) for x in a] == [(type(x), x) for x in b]
    assert (content_hash(*a) == content_hash(*b)) == same


def test_content_hash_sees_an_arrays_shape_and_type() -> None:
    numbers = np.arange(6)
    told = {
        content_hash(numbers),
        content_hash(numbers.reshape(2, 3)),
        content_hash(numbers.astype(np.int32)),
        content_hash(numbers.tobytes()),
    }
    assert len(told) == 4
    assert content_hash(numbers[::2]) == content_hash(numbers[::2].copy())
