"""The commands on a line's own frames: what must come out of known scenes, and what is refused.

Frames are made here by numpy's own Poisson and normal draws, not by the project's sensor.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from common.cli.main import run

pytestmark = pytest.mark.inspection

BLACK, GAIN, READ_E = 64.0, 0.4, 5.0
CAMERA = ("--black-level-dn", "64", "--dn-per-e", "0.4", "--read-noise-e", "5")
FULL = ("--saturation-dn", "4000")


def frames(root: Path, pictures: list[np.ndarray], rows: list[str], suffix: str = ".png") -> Path:
    """Pictures and their table; the table's path."""
    root.mkdir(exist_ok=True)
    lines = [rows[0]]
    for i, (one, row) in enumerate(zip(pictures, rows[1:], strict=True)):
        assert cv2.imwrite(str(root / f"{i}{suffix}"), one)
        lines.append(f"{i}{suffix},{row}")
    (root / "exposures.csv").write_text("\n".join(lines) + "\n")
    return root / "exposures.csv"


def call(command: str, root: Path, *words: str) -> int:
    table = ("--exposures", str(root / "exposures.csv"), "--out", str(root / "out"))
    return run(["inspection", command, str(root), *table, *words])


def expose(light: np.ndarray, exposure_us: float, rng: np.random.Generator) -> np.ndarray:
    """12 bits of `light` in electrons/us."""
    electrons = rng.poisson(light * exposure_us) + rng.normal(0, READ_E, light.shape)
    return np.clip(np.rint(GAIN * electrons + BLACK), 0, 4095).astype(np.uint16)


def picture(root: Path, name: str) -> np.ndarray:
    found = cv2.imread(str(root / "out" / name), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return np.asarray(found)


def maps(root: Path) -> dict[str, np.ndarray]:
    with np.load(root / "out" / "maps.npz", allow_pickle=False) as found:
        return dict(found)


@pytest.mark.parametrize(("depth", "scale"), [(np.uint8, 1), (np.uint16, 200)])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_equal_room_light_leaves_exactly_the_strobe(
    tmp_path: Path, depth: type, scale: int, suffix: str
) -> None:
    rng = np.random.default_rng(1)
    strobe, room = (rng.integers(0, top, (30, 40)) * scale for top in (100, 120))
    pictures: list[np.ndarray] = [(strobe + room + 10).astype(depth), (room + 10).astype(depth)]
    frames(tmp_path, pictures, ["file,exposure_us,strobe", "40,on", "40,off"], suffix)
    assert (
        call("strobe", tmp_path, "--black-level-dn", "10", "--saturation-dn", str(255 * scale)) == 0
    )
    shown = picture(tmp_path, "strobe.png")
    assert shown.dtype == depth
    np.testing.assert_array_equal(shown, strobe + 10)
    np.testing.assert_allclose(maps(tmp_path)["radiance"], strobe / 40, atol=1e-3)
    assert "sigma" not in maps(tmp_path)  # without a gain nothing is known of noise


def test_room_light_that_drifts_leaves_exactly_the_strobe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dark at 0 and 2 s, strobed at 1 s; the room doubles and trebles; one pixel saturates."""
    rng = np.random.default_rng(2)
    strobe, room = (rng.integers(0, 60, (20, 20)) for _ in range(2))
    room[0, 0] = 84
    pictures = [(k * room + on * strobe).astype(np.uint8) for k, on in ((1, 0), (2, 1), (3, 0))]
    pictures[1][0, 0] = 255
    frames(
        tmp_path, pictures, ["file,exposure_us,time_s,strobe", *("40,0,off", "40,1,on", "40,2,off")]
    )
    assert call("strobe", tmp_path, "--black-level-dn", "0") == 0
    told = capsys.readouterr().out
    assert "1 exposures with strobe less 2 without, 20 x 20 px" in told and "DN/us" in told
    shown = picture(tmp_path, "strobe.png")
    assert shown[0, 0] == 255 and maps(tmp_path)["saturated"].sum() == 1
    np.testing.assert_array_equal(shown.ravel()[1:], strobe.ravel()[1:])


TIMES = (10.0, 80.0, 640.0)


def series(root: Path, bend: float = 1.0) -> np.ndarray:
    """A scene of 60 dB under three times; `bend` makes the numbers not proportional to light."""
    rng = np.random.default_rng(3)
    light = np.exp(np.linspace(np.log(0.5), np.log(500.0), 300))[None] * np.ones((200, 1))
    shots = [expose(light, time, rng) for time in TIMES]
    shots = [(4095 * (shot / 4095) ** bend).astype(np.uint16) for shot in shots]
    frames(root, shots, ["file,exposure_us", *map(str, TIMES)])
    return light


def test_a_fused_series_is_proportional_to_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within the noise that it tells of, over 60 dB."""
    light = series(tmp_path)
    assert call("hdr", tmp_path, *CAMERA, *FULL, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert told["unit"] == "e/us" and told["range_db"] == pytest.approx(60, abs=3)
    assert told["disagreement"] < 0.003 and told["saturated_share"] == 0
    found = maps(tmp_path)
    off = (found["radiance"] - light) / found["sigma"]
    assert np.mean(off**2) == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(found["radiance"].mean(axis=0), light[0], rtol=0.05)
    assert (found["radiance"].mean(axis=0) / light[0]).mean() == pytest.approx(1, abs=1e-3)
    linear = picture(tmp_path, "radiance.png")
    assert linear.dtype == np.uint16
    half_level = told["radiance_per_level"] / 2 * 1.01
    np.testing.assert_allclose(
        linear * told["radiance_per_level"], np.maximum(found["radiance"], 0), atol=half_level
    )
    seen = picture(tmp_path, "picture.png").mean(axis=0)
    steps = np.diff(seen[20:-20:20])
    assert steps.std() < 0.1 * steps.mean()  # the logarithm of an exponential is a line


@pytest.mark.parametrize("wrong", ["bent", "black", "time"])
def test_numbers_that_are_not_proportional_to_light_are_told(
    tmp_path: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    series(tmp_path, 0.6 if wrong == "bent" else 1.0)
    words = [*CAMERA, *FULL]
    if wrong == "black":
        words[1] = "0"
    if wrong == "time":
        table = tmp_path / "exposures.csv"
        table.write_text(table.read_text().replace("80.0", "96.0"))
    assert call("hdr", tmp_path, *words) == 0
    assert "the exposures disagree by" in capsys.readouterr().out


def fired(root: Path) -> dict[str, np.ndarray]:
    with np.load(root / "out" / "events.npz", allow_pickle=False) as found:
        return dict(found)


def passing(pictures: list[np.ndarray], root: Path) -> None:
    frames(root, pictures, ["file,time_s", *(f"{0.001 * i:g}" for i in range(len(pictures)))])


def test_a_still_scene_has_no_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not by its noise of 1 %, a twelfth of the threshold, nor by lamps that swing ninefold."""
    rng = np.random.default_rng(4)
    scene = rng.integers(2_000, 6_000, (40, 50))
    swing = (1, 3, 9, 3, 1, 1)
    noisy = [(scene * k * (1 + 0.01 * rng.standard_normal(scene.shape))).round() for k in swing]
    passing([(one + 100).astype(np.uint16) for one in noisy], tmp_path)
    assert call("events", tmp_path, "--black-level-dn", "100", "--threshold", "0.12") == 0
    assert "6 frames of 50 x 40 px over 0.005 s; 0 events of 0.12" in capsys.readouterr().out
    assert len(fired(tmp_path)["time_s"]) == 0 and not maps(tmp_path)["events_per_frame"].any()


def test_events_are_the_logarithm_of_what_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A patch twice as bright at 2 ms, ln 2 / 0.1 is 6 events; 0.8 of what it was at 3 ms, and
    (0.6 - ln 0.8) / 0.1 is 8: it counts from its last event."""
    still = np.full((30, 30), 100, np.uint8)
    bright, dark = still.copy(), still.copy()
    bright[5:8, 10:14], dark[5:8, 10:14] = 200, 80
    passing([still, still, bright, dark], tmp_path)
    assert call("events", tmp_path, "--black-level-dn", "0", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n_brighter"], told["n_darker"], told["n_pixels_fired"]) == (72, 96, 24)
    found = fired(tmp_path)
    assert set(found["x_px"]) == set(range(10, 14)) and set(found["y_px"]) == {5, 6, 7}
    assert (found["change"] == np.where(found["time_s"] == 0.002, 6, -8)).all()
    assert set(found["time_s"]) == {0.002, 0.003}


def test_events_stay_on_a_part_that_moves(tmp_path: Path) -> None:
    """Two columns a frame: the spot's front and what lies behind it fire, on the part."""
    pictures: list[np.ndarray] = []
    for i in range(6):
        pictures.append(np.full((20, 40), 150, np.uint8))
        pictures[-1][8:11, 12 + 2 * i : 15 + 2 * i] = 50
    passing(pictures, tmp_path)
    assert call("events", tmp_path, "--black-level-dn", "0", "--step-px", "2") == 0
    per_frame = maps(tmp_path)["events_per_frame"]
    there = np.zeros(per_frame.shape, bool)
    there[8:11, [10, 11, 13, 14]] = True
    np.testing.assert_array_equal(per_frame > 0, there)


def good(root: Path) -> None:
    """Frames that every command takes."""
    rng = np.random.default_rng(5)
    pictures = [rng.integers(20, 90, (12, 16)).astype(np.uint8) for _ in range(3)]
    rows = ["10,0.001,on", "20,0.002,off", "40,0.003,off"]
    frames(root, pictures, ["file,exposure_us,time_s,strobe", *rows])


COMMANDS = ("strobe", "hdr", "events")


def broken(root: Path, what: str) -> None:
    second = root / "1.png"
    match what:
        case "missing":
            second.unlink()
        case "size":
            cv2.imwrite(str(second), np.zeros((12, 17), np.uint8))
        case "colour":
            cv2.imwrite(str(second), np.zeros((12, 16, 3), np.uint8))
        case "depth":
            cv2.imwrite(str(second), np.zeros((12, 16), np.uint16))
        case "cut":
            second.write_bytes(second.read_bytes()[:60])
        case "rotten":
            whole = bytearray(second.read_bytes())
            whole[45:80] = bytes(35)
            second.write_bytes(whole)
        case "no picture":
            second.write_bytes(b"GIF89a")
        case "lossy":
            second.write_bytes(cv2.imencode(".jpg", np.zeros((12, 16), np.uint8))[1].tobytes())
        case "float":
            tiff = cv2.imencode(".tiff", np.zeros((12, 16), np.float32))[1].tobytes()
            for path in root.glob("*.png"):
                path.write_bytes(tiff)
        case "folder":
            second.unlink()
            second.mkdir()
        case "bomb":
            head = bytearray(second.read_bytes())
            head[16:24] = (60_000).to_bytes(4, "big") * 2
            second.write_bytes(head)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("missing", "1.png: cannot be read: No such file"),
        ("size", "1.png: differs in size: 17 x 12 px, 0.png 16 x 12"),
        ("colour", "1.png: is coloured"),
        ("depth", "1.png: has uint16 pixels, the first frame uint8"),
        ("cut", "1.png: the image is cut off"),
        ("rotten", "1.png: cannot be decoded"),
        ("no picture", "1.png: not a PNG"),
        ("lossy", "1.png: JPEG is lossy"),
        ("float", "0.png: has float32 pixels"),
        ("folder", "1.png: is no file"),
        ("bomb", "1.png: 60000 x 60000 px"),
    ],
)
def test_pictures_that_are_not_frames_are_named(
    tmp_path: Path, command: str, what: str, says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    broken(tmp_path, what)
    assert call(command, tmp_path, "--black-level-dn", "0") == 2
    told = capfd.readouterr().err
    assert says in told and "Traceback" not in told
    assert not (tmp_path / "out").exists()


HEAD = "file,exposure_us,time_s,strobe\n"


@pytest.mark.parametrize(
    ("command", "text", "says"),
    [
        ("hdr", HEAD + "0.png,0,0,on\n1.png,20,1,off\n", "exposure_us is 0, it must be > 0"),
        ("hdr", HEAD + "0.png,-4,0,on\n1.png,20,1,off\n", "exposure_us is -4"),
        ("hdr", HEAD + "0.png,nan,0,on\n1.png,20,1,off\n", "exposure_us is nan"),
        ("hdr", HEAD + "0.png,long,0,on\n", "exposure_us is 'long', no number"),
        ("hdr", HEAD + "0.png,,0,on\n", "'0.png' has no exposure_us, which is needed"),
        ("hdr", HEAD + "0.png,20,0,on\n1.png,20,1,on\n", "two exposure times, all are 20 us"),
        ("hdr", HEAD, "names 0 frames"),
        ("hdr", "", "needs a heading"),
        ("hdr", "0.png,20,0,on\n", "needs a heading"),
        ("hdr", "file,exposure_ms\n0.png,20\n", "'exposure_ms' is none of exposure_us, time_s"),
        ("hdr", HEAD + "0.png,20\n", "'0.png,20' is not file,exposure_us,time_s,strobe"),
        ("hdr", HEAD + "0.png,20,0,on\n0.png,40,0,on\n", "'0.png' is named twice"),
        ("hdr", HEAD + "../a.png,20,0,on\n1.png,40,0,on\n", "lies outside the folder"),
        ("strobe", HEAD + "0.png,20,0,on\n1.png,20,1,on\n", "and one without"),
        ("strobe", HEAD + "0.png,20,0,off\n", "an exposure with strobe"),
        ("strobe", HEAD + "0.png,20,0,maybe\n", "strobe is 'maybe', neither on nor off"),
        ("strobe", HEAD + "0.png,20,0,\n", "has no strobe, which is needed"),
        ("strobe", HEAD + "0.png,20,,on\n1.png,20,1,off\n2.png,20,2,off\n", "has no time_s"),
        ("strobe", HEAD + "0.png,20,1,on\n1.png,20,2,off\n2.png,20,2,off\n", "spread them"),
        ("events", HEAD + "0.png,20,0,on\n", "two frames at least"),
        ("events", HEAD + "0.png,20,1,on\n1.png,20,1,on\n", "'1.png' is not later than '0.png'"),
        ("events", HEAD + "0.png,20,inf,on\n1.png,20,1,on\n", "time_s is inf"),
        ("events", HEAD + "0.png,20,0,on\n1.png,,1,on\n", "of all or of none"),
    ],
)
def test_tables_that_tell_too_little_are_refused(
    tmp_path: Path, command: str, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    (tmp_path / "exposures.csv").write_text(text)
    assert call(command, tmp_path, "--black-level-dn", "0") == 2
    told = capsys.readouterr().err
    assert says in told and str(tmp_path) in told and "Traceback" not in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("[" * 5000, "is no JSON"),
        ("[1]", "must hold an object"),
        ('{"0.png": 3}', "must hold an object"),
        ('{"0.png": {"exposure_us": true}}', "'True', no number"),
        ('{"0.png": {"exposure_us": [1]}}', "no number"),
        ('{"a\\u0000b": {"exposure_us": 1}, "b": {"exposure_us": 2}}', "lies outside"),
    ],
)
def test_bad_json_tables_are_told(
    tmp_path: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    table = tmp_path / "table.json"
    table.write_text(text)
    words = ["--exposures", str(table), "--out", str(tmp_path / "out"), "--black-level-dn", "0"]
    assert run(["inspection", "hdr", str(tmp_path), *words]) == 2
    assert says in capsys.readouterr().err


def test_json_tables_say_the_same_as_csv(tmp_path: Path) -> None:
    good(tmp_path)
    told = {
        "0.png": {"exposure_us": 10, "time_s": 0.001, "strobe": True},
        "1.png": {"exposure_us": 20, "time_s": 0.002, "strobe": "off"},
        "2.png": {"exposure_us": 40, "time_s": 0.003, "strobe": False},
    }
    table = tmp_path / "table.json"
    table.write_text(json.dumps(told))
    assert call("strobe", tmp_path, "--black-level-dn", "0") == 0
    words = ["--exposures", str(table), "--out", str(tmp_path / "two"), "--black-level-dn", "0"]
    assert run(["inspection", "strobe", str(tmp_path), *words]) == 0
    for name in ("strobe.png", "radiance.png", "summary.json"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_overwritten(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    assert call(command, tmp_path, "--black-level-dn", "0") == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert call(command, tmp_path, "--black-level-dn", "0") == 2
    assert "is not empty: name another --out" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    words = ["--exposures", str(tmp_path / "exposures.csv"), "--out", str(tmp_path / "0.png")]
    words += ["--black-level-dn", "0"]
    assert run(["inspection", command, str(tmp_path), *words]) == 2
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["strobe", "hdr"])
def test_a_camera_that_cannot_be_is_refused(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    assert call(command, tmp_path, "--black-level-dn", "255") == 2
    assert "saturation_dn must lie above black_level_dn" in capsys.readouterr().err
    for path in tmp_path.glob("*.png"):
        cv2.imwrite(str(path), np.full((12, 16), 900, np.uint16))
    assert call(command, tmp_path, "--black-level-dn", "0") == 2
    assert "0.png: 16 bits may hold 10, 12 or 14" in capsys.readouterr().err
    assert call(command, tmp_path) == 2  # the black level must be told
    for word in ("nan", "inf", "-1"):
        assert call(command, tmp_path, "--black-level-dn", "0", "--dn-per-e", word) == 2
    assert not (tmp_path / "out").exists()


def test_a_part_that_leaves_the_view_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    assert call("events", tmp_path, "--black-level-dn", "0", "--step-px", "8") == 2
    assert "leaves 16 px before the last of 3 frames" in capsys.readouterr().err
