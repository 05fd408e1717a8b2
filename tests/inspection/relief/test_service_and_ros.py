"""Height maps over HTTP and over ROS 2 say what the pipeline says."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs lingnan[service]")
pytest.importorskip("httpx", reason="needs lingnan[dev]")

from common.types.heightmap import HeightMap
from common.types.image import Image
from common.types.stamped import Stamped
from inspection.cli import app
from inspection.relief import sensorfile
from inspection.relief.classify import shipped
from inspection.relief.lateral import Lateral
from inspection.relief.pipeline import inspect
from inspection.relief.recipes import recipe
from inspection.relief.run import record
from tests.inspection.test_service import TestClient, served

pytestmark = [pytest.mark.inspection, pytest.mark.service]

PLACE = "/inspection/relief"
FORM = {"recipe": "surface", "um_per_px": "5"}


def pitted(depth_um: float = 20.0) -> np.ndarray:
    """A noisy plane with a flat-floored pit of 40 um, at 5 um a pixel."""
    y, x = np.mgrid[:160, :160]
    height = 0.4 * np.random.default_rng(1).standard_normal((160, 160))
    height -= depth_um * np.clip((4.5 - np.hypot(x - 90.2, y - 70.7)) / 1.5, 0, 1)
    return cv2.GaussianBlur(height.astype(np.float32), (0, 0), 0.6)


def archive(height: np.ndarray, **more: Any) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, height_um=height, **more)
    return stream.getvalue()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("LINGNAN_STATE", str(tmp_path))
    with served(tmp_path) as opened:
        yield opened


def ask(client: TestClient, payload: bytes, name: str = "map.npz", **form: str) -> Any:
    return client.post(PLACE, data={**FORM, **form}, files={"heightmap": (name, payload)})


def test_a_map_is_judged_drawn_and_recorded(client: TestClient) -> None:
    answer = ask(client, archive(pitted()))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    picture = cv2.imdecode(np.frombuffer(b64decode(told.pop("picture_jpeg")), np.uint8), 1)
    assert min(picture.shape[:2]) >= 160
    number = told.pop("record")
    own = record(inspect(HeightMap(pitted(), 5.0), recipe("surface"), shipped()))
    assert told == json.loads(json.dumps(own)) and told["defective"]
    (flaw,) = told["flaws"]
    assert abs(flaw["depth_um"] - 20) < 2 * flaw["u_depth_um"]
    assert abs(flaw["x_um"] - 451) < 5 and abs(flaw["y_um"] - 353.5) < 5
    (kept,) = client.get("/records").json()
    assert (kept["id"], kept["kind"], kept["payload"]) == (number, "inspection.relief", told)
    assert "wafer-die" in client.get(f"{PLACE}/recipes").json()


def test_what_is_known_of_the_sensor_makes_the_depth_surer(client: TestClient) -> None:
    sensor = json.dumps({"blur_px2": 0.44, "u_blur_px2": 0.02})
    blind = ask(client, archive(pitted())).json()["flaws"][0]
    known = ask(client, archive(pitted()), sensor=sensor).json()["flaws"][0]
    assert known["u_depth_um"] < blind["u_depth_um"]
    assert abs(known["depth_um"] - 20) < 2 * known["u_depth_um"]


@pytest.mark.parametrize(
    ("payload", "name", "form", "says"),
    [
        (b"nothing", "map.npz", {}, "no archive"),
        (archive(pitted()), "map.exe", {}, "none of"),
        (archive(pitted()), "map.npz", {"recipe": "teapot"}, "teapot"),
        (archive(pitted()), "map.npz", {"sensor": "{"}, "sensor"),
        (archive(pitted()), "map.npz", {"sensor": '{"blur_px2": -1, "u_blur_px2": 0}'}, "negative"),
        (archive(np.full((64, 64), np.nan, np.float32)), "map.npz", {}, "all points are NaN"),
        (archive(np.zeros((2001, 2000), np.float16)), "map.npz", {}, "over 4000000 px"),
        (archive(pitted().astype(object)), "map.npz", {}, "numbers"),
        (cv2.imencode(".png", np.zeros((64, 64), np.uint8))[1].tobytes(), "a.png", {}, "16 or 32"),
    ],
)
def test_what_is_no_map_is_the_callers_fault(
    client: TestClient, payload: bytes, name: str, form: dict[str, str], says: str
) -> None:
    answer = ask(client, payload, name, **form)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["detail"] and "/upload" not in answer.json()["detail"]
    assert client.get("/records").json() == []


def test_a_map_that_inflates_is_refused_by_its_header(client: TestClient) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": (30_000, 30_000)}
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("height_um.npy", head.getvalue() + bytes(1 << 20))
    answer = ask(client, stream.getvalue())
    assert answer.status_code == 400 and "over 4000000 px" in answer.json()["detail"]


def test_without_the_token_no_map_is_looked_at(client: TestClient) -> None:
    files = {"heightmap": ("map.npz", archive(pitted()))}
    refused = client.post(PLACE, data=FORM, files=files, headers={"Authorization": "Bearer x"})
    assert refused.status_code == 401


def test_the_ros_step_gives_the_same_and_its_message_comes_back() -> None:
    pytest.importorskip("rclpy", reason="needs lingnan[ros]")
    from inspection.relief.ros_node import FLAWS, ReliefRosConfig, heights, open_relief

    sample: Stamped[Any] = Stamped(3, 5, 8, "profiler", Image(pitted(), "32FC1"))
    with open_relief(lambda: ReliefRosConfig(recipe="surface")) as step:
        found = step(sample)
        again = step(sample.with_value(HeightMap(pitted(), 5.0)))
    own = record(inspect(HeightMap(pitted(), 5.0), recipe("surface"), shipped()))
    assert found.value == again.value == own
    back = FLAWS.decode(FLAWS.encode(found), 9)
    assert (back.seq, back.host_time_ns, back.frame_id) == (9, 8, "profiler")
    assert back.value == json.loads(json.dumps(own))
    with pytest.raises(ValueError, match="32FC1"):
        heights(Image(np.zeros((40, 40), np.uint8)), 5.0)


def test_a_sensors_file_comes_back_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    path, sensor = tmp_path / "sensor.json", Lateral(0.4, 0.05, 1.1, 0.2, -30.0, 5e-6)
    sensorfile.write(path, sensor)
    assert sensorfile.read(path) == sensor
    for wrong in ("[]", "{", '{"blur_px2": 1}', '{"blur_px2": 1, "u_blur_px2": NaN}',
                  '{"blur_px2": 1, "u_blur_px2": 1, "colour": 2}',
                  '{"blur_px2": 1, "u_blur_px2": 1, "uneven": 1}',
                  '{"blur_px2": 1, "u_blur_px2": 1, "wall_px2": 1}'):  # fmt: skip
        path.write_text(wrong)
        with pytest.raises(sensorfile.SensorFileError, match=r"sensor\.json"):
            sensorfile.read(path)


def test_the_command_passes_what_the_sensor_does_sideways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from inspection.sim.relief.target import step

    rng, words = np.random.default_rng(0), []
    for turn in (5.0, 95.0, 185.0):
        seen = cv2.GaussianBlur(step((128, 128), 5.0, 20.0, turn), (0, 0), 0.6)
        seen += rng.normal(0, 0.2, seen.shape).astype(np.float32)
        np.savez(tmp_path / f"{turn:.0f}.npz", height_um=seen, um_per_px=5.0)
        words += ["--step", str(tmp_path / f"{turn:.0f}.npz"), str(turn)]
    block = np.zeros((128, 128), np.float32)
    block[34:94, 34:94] = 100
    np.savez(tmp_path / "block.npz", height_um=block, um_per_px=5.0)
    words += ["--block", str(tmp_path / "block.npz"), "300", "100"]
    sensor, source = tmp_path / "sensor.json", tmp_path / "map.npz"
    app(["relief-sensor", *words, "--out", str(sensor)], result_action="return_value")
    assert sensorfile.read(sensor).blur_px2 == pytest.approx(0.36 + 1 / 12, abs=0.06)
    np.savez(source, height_um=pitted(), um_per_px=5.0)
    told = []
    for more in ([], ["--sensor", str(sensor)]):
        capsys.readouterr()
        app(["relief", str(source), "--recipe", "surface", "--json", *more],
            result_action="return_value")  # fmt: skip
        told.append(json.loads(capsys.readouterr().out)["flaws"][0])
    assert told[1]["u_depth_um"] < told[0]["u_depth_um"]
