"""Every reader on small made-up folders: what it reads, and how it names what is wrong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inspection.layouts.base import Dataset, LayoutError
from inspection.layouts.load import lesson
from inspection.layouts.magnetic import tiles
from inspection.layouts.table import LAYOUTS, UnknownLayoutError, reader

pytestmark = pytest.mark.inspection

SIZE = (24, 32)  # height, width


def picture(path: Path, value: int = 90, size: tuple[int, ...] = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full(size, value, np.uint8))
    return path


def mask(path: Path, marked: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros(SIZE, np.uint8)
    pixels[3:6, 4:9] = 255 * marked
    assert cv2.imwrite(str(path), pixels)
    return path


def text(path: Path, lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines)
    return path


def deeppcb(root: Path) -> None:
    for role in ("test", "temp"):
        picture(root / f"00041000_{role}.jpg")
        picture(root / f"group20085/20085/20085001_{role}.jpg")
    text(root / "00041000.txt", "1 2 5 9 3\n6 2 9 9 3\n10 10 20 20 1\n")
    text(root / "group20085/20085_not/20085001.txt", "1,2,5,9,6\n")
    text(root / "trainval.txt", "group20085/20085/20085001.jpg group20085/20085_not/20085001.txt\n")


def mvtec(root: Path) -> None:
    picture(root / "train/good/000.png")
    picture(root / "test/good/000.png")
    picture(root / "test/crack/000.png")
    mask(root / "ground_truth/crack/000_mask.png")


def magnetic(root: Path) -> None:
    picture(root / "MT_Crack/Imgs/exp1_num_100.jpg")
    mask(root / "MT_Crack/Imgs/exp1_num_100.png")
    picture(root / "MT_Uneven/exp4_num_9000.jpg")
    mask(root / "MT_Uneven/exp4_num_9000.png", marked=False)
    picture(root / "MT_Free/Imgs/exp2_num_150.jpg")
    mask(root / "MT_Free/Imgs/exp2_num_150.png", marked=False)
    picture(root / "MT_Free/exp2_num_5000.jpg")


def kolektor(root: Path) -> None:
    picture(root / "kos01/Part0.jpg")
    mask(root / "kos01/Part0_label.bmp", marked=False)
    picture(root / "kos01/Part1.jpg")
    mask(root / "kos01/Part1_label.bmp")
    picture(root / "kos02_Part3.jpg")
    mask(root / "kos02_Part3_label.png")
    picture(root / "kos02_Part4.jpg")


def yolo(root: Path) -> None:
    picture(root / "images/train/a.jpg")
    text(root / "labels/train/a.txt", "1 0.5 0.5 0.25 0.5\n")
    picture(root / "images/train/b.png")
    picture(root / "images/val/c.jpg")
    text(root / "labels/val/c.txt", "")
    text(
        root / "data.yaml", "train: images/train\nnames:\n  0: pit\n  1: 'scratch'  # long\nnc: 2\n"
    )


def folder(root: Path) -> None:
    picture(root / "good/1.png")
    picture(root / "dent/1.png", size=(*SIZE, 3))
    mask(root / "masks/dent/1.png")


MAKERS = {
    "deeppcb": deeppcb,
    "mvtec": mvtec,
    "magnetic-tile": magnetic,
    "kolektor": kolektor,
    "yolo": yolo,
    "folder": folder,
}


def made(name: str, root: Path) -> Dataset:
    MAKERS[name](root)
    return reader(name)(root, "refuse")


def kinds(data: Dataset) -> list[tuple[str, str, str]]:
    return [(s.image_path.stem, s.kind, s.part) for s in data.samples]


def test_every_layout_of_the_table_is_tried_here() -> None:
    assert set(MAKERS) == set(LAYOUTS)
    with pytest.raises(UnknownLayoutError, match=r"'coco'.*deeppcb"):
        reader("coco")


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_read_has_its_size_and_its_lesson(name: str, tmp_path: Path) -> None:
    data = made(name, tmp_path)
    assert data.skipped == () and data.samples
    assert list(data.samples) == sorted(data.samples, key=lambda s: s.image_path)
    for sample in data.samples:
        assert (sample.height_px, sample.width_px) == SIZE
        assert sample.is_good == (sample.kind == "good")
        learned = lesson(sample)
        assert learned.image.shape[:2] == SIZE and learned.image.dtype == np.uint8
        assert (learned.boxes_px is not None) == data.has_boxes
        if learned.mask is not None:
            assert learned.mask.shape == SIZE and learned.mask.any() != sample.is_good
        assert learned.reference is None or learned.reference.shape == learned.image.shape


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_broken_image_is_refused_or_skipped_by_name(name: str, tmp_path: Path) -> None:
    before = made(name, tmp_path)
    broken = before.samples[-1].image_path
    broken.write_bytes(broken.read_bytes()[:-40])
    with pytest.raises(LayoutError, match=f"{broken.name}.*cut off"):
        reader(name)(tmp_path, "refuse")
    after = reader(name)(tmp_path, "skip")
    assert [refusal.path for refusal in after.skipped] == [broken]
    assert after.samples == before.samples[:-1]


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_empty_or_missing_folder_is_no_data_set(name: str, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="holds nothing"):
        reader(name)(tmp_path, "skip")
    with pytest.raises(LayoutError, match="no such folder"):
        reader(name)(tmp_path / "absent", "skip")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_link_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside/x.jpg")
    root = tmp_path / "root"
    made(name, root)
    for target in (outside, outside.parent, root / "nothing"):
        link = root / "link.jpg"
        link.symlink_to(target)
        for on_error in ("refuse", "skip"):
            with pytest.raises(LayoutError, match=r"link\.jpg"):
                reader(name)(root, on_error)
        link.unlink()


def test_a_label_of_a_format_that_is_not_read_does_not_make_a_good_image(tmp_path: Path) -> None:
    kolektor(tmp_path)
    mask(tmp_path / "kos02_Part4_label.tif")
    data = reader("kolektor")(tmp_path, "skip")
    assert "kos02_Part4" not in [sample.image_path.stem for sample in data.samples]
    assert len(data.skipped) == 2


def test_kinds_and_parts(tmp_path: Path) -> None:
    got = {name: kinds(made(name, tmp_path / name)) for name in LAYOUTS}
    assert got["deeppcb"] == [
        ("00041000_test", "mousebite", "00041"),
        ("20085001_test", "pin-hole", "20085"),
    ]
    assert [part for _, _, part in got["mvtec"]] == [
        "test/crack/000", "test/good/000", "train/good/000"
    ]  # fmt: skip
    assert got["magnetic-tile"] == [
        ("exp1_num_100", "crack", "num_100"),
        ("exp2_num_150", "good", "num_100"),
        ("exp2_num_5000", "good", "num_5000"),
        ("exp4_num_9000", "uneven", "num_9000"),
    ]
    assert got["kolektor"] == [
        ("Part0", "good", "kos01"),
        ("Part1", "crack", "kos01"),
        ("kos02_Part3", "crack", "kos02"),
        ("kos02_Part4", "good", "kos02"),
    ]
    assert [(name, kind) for name, kind, _ in got["yolo"]] == [
        ("a", "scratch"), ("b", "good"), ("c", "good")
    ]  # fmt: skip
    assert got["folder"] == [("1", "dent", "dent/1"), ("1", "good", "good/1")]


def test_boxes_are_in_pixels(tmp_path: Path) -> None:
    first = made("yolo", tmp_path).samples[0]
    assert first.boxes is not None
    assert first.boxes[0].box_px == (12, 6, 20, 18)


def test_tiles_join_neighbours_in_time_and_defects_that_came_back() -> None:
    near = tiles([(100, "Crack"), (390, "Free"), (691, "Free")])
    assert near == {100: "num_100", 390: "num_100", 691: "num_691"}
    back = tiles([(100, "Crack"), (1000, "Free"), (2100, "Crack"), (4101, "Crack")])
    assert back == {100: "num_100", 1000: "num_1000", 2100: "num_1000", 4101: "num_4101"}


@pytest.mark.parametrize(
    ("name", "file", "line", "why"),
    [
        ("deeppcb", "00041000.txt", "1 2 5 9", "line 1.*not five"),
        ("deeppcb", "00041000.txt", "1 2 5 9 7", "line 1: kind 7"),
        ("deeppcb", "00041000.txt", "\n1 2 33 9 1", "line 2.*leaves the image"),
        ("deeppcb", "00041000.txt", "5 2 5 9 1", "line 1.*empty"),
        ("deeppcb", "00041000.txt", "a 2 5 9 1", "line 1.*not numbers"),
        ("deeppcb", "00099000.txt", "1 2 5 9 1", "label without its test image"),
        ("yolo", "labels/train/a.txt", "0 0.9 0.5 0.5 0.5", "line 1.*leaves the image"),
        ("yolo", "labels/train/a.txt", "2 0.5 0.5 0.5 0.5", "there are 2 names"),
        ("yolo", "labels/train/a.txt", "0 nan 0.5 0.5 0.5", "not five finite"),
        ("yolo", "labels/train/z.txt", "0 0.5 0.5 0.5 0.5", "label without its image"),
        ("yolo", "data.yaml", "nc: 2", "no list of names"),
    ],
)
def test_a_wrong_label_is_named(name: str, file: str, line: str, why: str, tmp_path: Path) -> None:
    made(name, tmp_path)
    text(tmp_path / file, line)
    with pytest.raises(LayoutError, match=f"(?s){Path(file).name}: .*{why}"):
        reader(name)(tmp_path, "refuse")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mvtec", "ground_truth/crack/000_mask.png"),
        ("folder", "masks/dent/1.png"),
        ("magnetic-tile", "MT_Crack/Imgs/exp1_num_100.png"),
        ("magnetic-tile", "MT_Free/Imgs/exp2_num_150.png"),
        ("kolektor", "kos02_Part3_label.png"),
        ("deeppcb", "00041000_temp.jpg"),
    ],
)
def test_a_mask_or_template_of_another_size_is_named(name: str, file: str, tmp_path: Path) -> None:
    made(name, tmp_path)
    picture(tmp_path / file, size=(24, 31))
    with pytest.raises(LayoutError, match=r"31 x 24 px.*32 x 24"):
        reader(name)(tmp_path, "refuse")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mvtec", "ground_truth/crack/001_mask.png"),
        ("folder", "masks/dent/2.png"),
        ("magnetic-tile", "MT_Crack/Imgs/exp1_num_101.png"),
        ("kolektor", "kos02_Part5_label.png"),
        ("deeppcb", "00041009_temp.jpg"),
    ],
)
def test_an_orphan_is_named(name: str, file: str, tmp_path: Path) -> None:
    before = made(name, tmp_path)
    mask(tmp_path / file)
    after = reader(name)(tmp_path, "skip")
    assert after.samples == before.samples
    assert [refusal.path for refusal in after.skipped] == [tmp_path / file]
    assert "without its" in after.skipped[0].reason


@pytest.mark.parametrize(
    ("name", "file", "why"),
    [
        ("mvtec", "ground_truth/crack/000_mask.png", "has no mask"),
        ("magnetic-tile", "MT_Crack/Imgs/exp1_num_100.png", "has no mask"),
        ("deeppcb", "00041000.txt", "has no label"),
        ("deeppcb", "00041000_temp.jpg", "has no template"),
    ],
)
def test_what_is_missing_is_named(name: str, file: str, why: str, tmp_path: Path) -> None:
    made(name, tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(LayoutError, match=why):
        reader(name)(tmp_path, "refuse")


def test_a_missing_label_beside_a_flat_image_is_not_taken_for_good(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    with pytest.raises(LayoutError, match="has no label"):
        reader("yolo")(tmp_path, "refuse")


def test_a_good_tile_with_a_marked_mask_is_a_contradiction(tmp_path: Path) -> None:
    magnetic(tmp_path)
    mask(tmp_path / "MT_Free/exp2_num_5000.png")
    with pytest.raises(LayoutError, match="MT_Free"):
        reader("magnetic-tile")(tmp_path, "refuse")


@pytest.mark.parametrize(
    "yaml", ["names: [pit, scratch]", "names:\n- pit\n- scratch", "names: ['pit',\n \"scratch\"]"]
)
def test_names_are_read_as_they_are_commonly_written(yaml: str, tmp_path: Path) -> None:
    yolo(tmp_path)
    text(tmp_path / "data.yaml", yaml)
    assert reader("yolo")(tmp_path, "refuse").samples[0].kind == "scratch"
