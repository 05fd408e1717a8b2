"""Tampered, extra, missing and renamed files are refused, whatever byte was touched."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.runtime.errors import ManifestError, ModelError, UnsafeModelError, WeightsError
from common.runtime.files import read_file
from common.runtime.publish import card_of, write_manifest
from common.runtime.weights import load, verify_folder

pytestmark = pytest.mark.common
REUSED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_load_gives_the_bytes_of_the_file(weights_folder: Path) -> None:
    model = load(weights_folder, "two")
    assert model.payload == (weights_folder / "two.onnx").read_bytes()
    assert model.card.sha256 == hashlib.sha256(model.payload).hexdigest()
    assert set(verify_folder(weights_folder).models) == {"one", "two"}


@REUSED
@given(data=st.data())
def test_any_flipped_bit_of_a_model_is_refused(weights_folder: Path, data: st.DataObject) -> None:
    path = weights_folder / "one.onnx"
    good = path.read_bytes()
    bit = data.draw(st.integers(0, 8 * len(good) - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bad)
    try:
        for act in (lambda: load(weights_folder, "one"), lambda: verify_folder(weights_folder)):
            with pytest.raises(WeightsError, match=r"one\.onnx: changed"):
                act()
    finally:
        path.write_bytes(good)


@REUSED
@given(data=st.data())
def test_a_changed_manifest_never_lets_other_bytes_in(
    weights_folder: Path, data: st.DataObject
) -> None:
    path = weights_folder / "manifest.json"
    good, payload = path.read_bytes(), (weights_folder / "one.onnx").read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] = data.draw(st.integers(0, 255))
    path.write_bytes(bad)
    try:
        assert load(weights_folder, "one").payload == payload  # the byte was only prose
    except ModelError as error:
        assert str(weights_folder) in str(error)
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("size", [0, 1, -1, 100])
def test_another_length_is_refused(weights_folder: Path, size: int) -> None:
    path = weights_folder / "one.onnx"
    good = path.read_bytes()
    path.write_bytes(good + bytes(size) if size > 0 else good[: size or 0])
    with pytest.raises(WeightsError, match=r"one\.onnx"):
        load(weights_folder, "one")


def _rename(folder: Path) -> None:
    (folder / "one.onnx").rename(folder / "uno.onnx")


def _swap(folder: Path) -> None:
    (folder / "one.onnx").rename(folder / "x")
    (folder / "two.onnx").rename(folder / "one.onnx")
    (folder / "x").rename(folder / "two.onnx")


def _symlink(folder: Path) -> None:
    (folder / "one.onnx").rename(folder.parent / "away.onnx")
    (folder / "one.onnx").symlink_to(folder.parent / "away.onnx")


def _fifo(folder: Path) -> None:
    (folder / "one.onnx").unlink()
    os.mkfifo(folder / "one.onnx")


def _directory(folder: Path) -> None:
    (folder / "one.onnx").unlink()
    (folder / "one.onnx").mkdir()


def _manifest_link(folder: Path) -> None:
    (folder / "manifest.json").rename(folder.parent / "m.json")
    (folder / "manifest.json").symlink_to(folder.parent / "m.json")


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (lambda f: (f / "one.onnx").unlink(), "missing one.onnx"),
        (_rename, "missing one.onnx"),
        (_swap, "changed"),
        (lambda f: (f / "extra.onnx").write_bytes(b"x"), "'extra.onnx' not named"),
        (lambda f: (f / ".hidden").write_bytes(b"x"), "'.hidden' not named"),
        (lambda f: (f / "sub").mkdir(), "'sub' not named"),
        (_symlink, "symbolic link"),
        (lambda f: os.link(f / "one.onnx", f.parent / "other"), "2 hard links"),
        (_fifo, "not a regular file"),
        (_directory, "not a regular file"),
        (_manifest_link, "symbolic link"),
        (lambda f: (f / "manifest.json").unlink(), "no manifest.json"),
        (lambda f: (f / "manifest.json").write_bytes(b" " * (2 << 20)), "over the limit"),
    ],
)
def test_a_folder_that_differs_is_refused(weights_folder: Path, tamper, message: str) -> None:
    tamper(weights_folder)
    with pytest.raises(ModelError, match=message):
        load(weights_folder, "one")
    with pytest.raises(ModelError, match=message):
        verify_folder(weights_folder)


def test_an_unknown_model_or_folder_is_named(weights_folder: Path) -> None:
    with pytest.raises(WeightsError, match="no model 'three'; known: one, two"):
        load(weights_folder, "three")
    with pytest.raises(WeightsError, match="nowhere: not a readable folder"):
        load(weights_folder / "nowhere", "one")


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("file", "../one.onnx"),
        ("file", "a/one.onnx"),
        ("file", "one.pkl"),
        ("file", "one.onnx\n"),
        ("file", "two.onnx"),
        ("sha256", "0" * 63),
        ("bytes", "12"),
        ("bytes", 0),
        ("bytes", 1 << 40),
        ("licence", ""),
        ("score", {"mse": "low"}),
        ("surprise", 1),
    ],
)
def test_a_wrong_field_is_refused_by_name(weights_folder: Path, field: str, wrong: object) -> None:
    path = weights_folder / "manifest.json"
    document = json.loads(path.read_text())
    document["models"]["one"][field] = wrong
    path.write_text(json.dumps(document))
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        load(weights_folder, "one")


def test_external_data_is_refused_even_with_the_right_hash(weights_folder: Path, make) -> None:
    away = make["put"](1, 4) + make["put"](2, 1) + make["put"](8, "w") + make["put"](14, 1)
    body = make["graph"]([make["node"]("Identity", ["w"], ["y"])], [], [], [away])
    payload = make["model"](body)
    (weights_folder / "one.onnx").write_bytes(payload)
    document = json.loads((weights_folder / "manifest.json").read_text())
    document["models"]["one"] |= {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "bytes": len(payload),
    }
    (weights_folder / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(UnsafeModelError, match="external data"):
        load(weights_folder, "one")


def test_manifests_are_deterministic_and_say_what_the_model_is(weights_folder: Path) -> None:
    before = (weights_folder / "manifest.json").read_bytes()
    cards = verify_folder(weights_folder).models
    write_manifest(weights_folder, dict(reversed(cards.items())))
    assert (weights_folder / "manifest.json").read_bytes() == before
    assert {path.name for path in weights_folder.iterdir()} == {
        "manifest.json",
        "one.onnx",
        "two.onnx",
    }
    (x,), (y,) = cards["one"].inputs, cards["one"].outputs
    assert (x.shape, x.dtype, x.unit) == (("N", 4), "float32", "")
    assert (y.shape, y.dtype, y.unit) == (("N", 3), "float32", "V")
    assert cards["one"].opset == 17


def test_a_unit_for_no_tensor_is_an_error(weights_folder: Path) -> None:
    with pytest.raises(ManifestError, match="no tensor named q"):
        card_of(
            weights_folder / "one.onnx",
            licence="x",
            data="x",
            command="x",
            score={},
            units={"q": "m"},
        )


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(bytes(100))
    assert len(read_file(path, 100)) == 100
    with pytest.raises(WeightsError, match="100 bytes, over the limit of 99"):
        read_file(path, 99)
