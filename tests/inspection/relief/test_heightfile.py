"""Files of height maps: what comes back, and what is refused by its name."""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.cli.main import main
from inspection.relief.heightfile import HeightFileError, read
from inspection.relief.recipes import recipe
from inspection.sim.relief.generic import GENERIC, seen
from inspection.sim.relief.products import PIXEL_UM
from inspection.sim.relief.trial import Lot, scenes

pytestmark = pytest.mark.inspection

HEIGHT = np.linspace(0, 60, 40 * 50, dtype=np.float32).reshape(40, 50)


def test_an_archive_comes_back_with_pitch_and_uncertainty(tmp_path: Path) -> None:
    holes = HEIGHT.copy()
    holes[3, 4] = np.nan
    np.savez(tmp_path / "a.npz", height_um=holes, um_per_px=5.0, sigma_um=np.ones_like(HEIGHT))
    back = read(tmp_path / "a.npz")
    assert np.array_equal(back.height_um, holes, equal_nan=True)
    assert back.um_per_px == 5.0 and back.sigma_um is not None
    assert read(tmp_path / "a.npz", um_per_px=2.5).um_per_px == 2.5


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_sixteen_bit_images_scale_and_zero_was_not_seen(tmp_path: Path, suffix: str) -> None:
    levels = (HEIGHT * 100).astype(np.uint16)
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), levels)
    back = read(path, 5.0, 0.01)
    assert np.isnan(back.height_um[0, 0])
    assert np.nanmax(np.abs(back.height_um - HEIGHT)) < 0.011


def test_a_tiff_of_floats_is_in_micrometres(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    cv2.imwrite(str(path), HEIGHT)
    assert np.array_equal(read(path, 5.0).height_um, HEIGHT)


def bomb(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return head.getvalue()


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


def refused(path: Path, *scale: float) -> str:
    with pytest.raises(HeightFileError) as caught:
        read(path, *scale)
    assert str(path) in str(caught.value)
    return caught.value.reason


def test_broken_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 no")
    assert "archive" in refused(tmp_path / "a.npz")
    assert "over" in refused(archive(tmp_path / "b.npz", height_um=bomb((100_000, 100_000))), 5.0)
    assert "numbers" in refused(archive(tmp_path / "c.npz", height_um=bomb((40, 40), "|O")), 5.0)
    cut = archive(tmp_path / "d.npz", height_um=bomb((40, 40)) + b"1234")
    assert refused(cut, 5.0)
    np.savez(tmp_path / "e.npz", other=HEIGHT)
    assert "no array height_um" in refused(tmp_path / "e.npz", 5.0)
    np.savez(tmp_path / "f.npz", height_um=HEIGHT)
    assert "--um-per-px" in refused(tmp_path / "f.npz")
    np.savez(tmp_path / "g.npz", height_um=HEIGHT * np.nan)
    assert "nothing" in refused(tmp_path / "g.npz", 5.0)
    np.savez(tmp_path / "h.npz", height_um=HEIGHT * 1e9)
    assert "in um" in refused(tmp_path / "h.npz", 5.0)
    assert "cannot be read" in refused(tmp_path / "none.npz", 5.0)
    assert ".npz" in refused(tmp_path / "a.txt", 5.0)


def test_broken_images_are_refused_by_name(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((40, 40, 3), np.uint8))
    assert "one channel" in refused(tmp_path / "a.png", 5.0, 0.1)
    cv2.imwrite(str(tmp_path / "b.png"), np.ones((40, 40), np.uint16))
    assert "--um-per-level" in refused(tmp_path / "b.png", 5.0)
    (tmp_path / "c.tif").write_bytes(b"MM\0*\0\0\0\x08")
    assert "ends" in refused(tmp_path / "c.tif", 5.0)
    entries = struct.pack("<HHII", 256, 4, 1, 90_000) + struct.pack("<HHII", 257, 4, 1, 90_000)
    (tmp_path / "d.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, 2) + entries)
    assert "40 Mpx" in refused(tmp_path / "d.tif", 5.0)
    (tmp_path / "e.tif").write_bytes(b"no image at all")
    assert "not a TIFF" in refused(tmp_path / "e.tif", 5.0)


def test_the_command_tells_flaws_and_names_files_it_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (scene,) = scenes(Lot(recipe("smd-chip"), "event", 41, 1, ("pit", "scratch")))
    view = seen(scene.part.height_um, PIXEL_UM, scene.rng, GENERIC)
    np.savez(tmp_path / "chip.npz", height_um=view.height_um, um_per_px=5.0)
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    words = ["inspection", "relief", *(str(tmp_path / f"{n}.npz") for n in ("bad", "chip"))]
    words += ["--recipe", "smd-chip", "--out", str(tmp_path / "out"), "--json"]
    monkeypatch.setattr(sys, "argv", ["lingnan", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    told = capsys.readouterr()
    assert "bad.npz" in told.err and "Traceback" not in told.err
    bad, good = (json.loads(line) for line in told.out.splitlines())
    assert "refused" in bad and good["defective"]
    assert {flaw["kind"] for flaw in good["flaws"] if flaw["refused"]} == {"pit", "scratch"}
    assert cv2.imread(str(tmp_path / "out" / "chip.jpg")).shape[2] == 3


def test_heights_that_no_float_holds_are_refused_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    file = tmp_path / "far.npz"
    far = HEIGHT.astype(np.float64)
    far[3, 4] = 1e300
    np.savez(file, height_um=far, um_per_px=5.0)
    with pytest.raises(HeightFileError, match="are they in um"):
        read(file)
    assert not recwarn.list
