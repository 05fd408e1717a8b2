"""A line in real time: over sockets, through a cut cable, and stopped by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from common.drivers.plc.config import SorterSettings
from common.errors import LingnanError
from common.types.plc import Mode, PlcStatus
from inspection.sorting.cli import sort
from inspection.sorting.eye import Eye
from inspection.sorting.line import Line
from inspection.sorting.sorter import Sorter

pytest.importorskip("numba", reason="the simulator needs the extra sim")
pytest.importorskip("pymodbus", reason="sockets need the extra plc")
from common.drivers.camera.config import SimCameraConfig
from common.drivers.camera.sim import SimCamera
from inspection.sim.sorting.drill import KnownParts, drill
from inspection.sim.sorting.station import rig

pytestmark = pytest.mark.inspection

SETTINGS = SorterSettings()
ROOT = Path(__file__).resolve().parents[3]
CLASSES = [str(kind) for kind in np.random.default_rng(1).choice(["good", "coarse"], 1000)]


def test_an_outage_over_a_socket_is_noticed_ends_and_lets_nothing_through() -> None:
    done, landed = drill("modbus", SETTINGS, 1, 2, lambda part: CLASSES[part])
    assert {one.kind for one in done} == {"PLC stalled", "network cut"}
    assert all(one.noticed_s is not None and one.back_s is not None for one in done)
    assert landed and ("coarse", 1) not in landed and ("good", 3) not in landed


def test_halt_stops_the_belt_through_the_gate_and_it_stays() -> None:
    with rig("sim", SETTINGS, 2) as place, place.plc:
        line = Line(place.plc, KnownParts(place, lambda part: "good"), Sorter(SETTINGS))
        line.start()
        assert line.halt("enough")
        assert line.sorter.stopped == "enough"
        before = None
        for _ in range(60):
            line.cycle()
            assert line.status is not None and line.status.mode is not Mode.RUNNING
            still = before == line.status.one("encoder")
            before = line.status.one("encoder")
        assert still


def test_a_verdict_belongs_to_the_picture_that_was_taken_of_its_part() -> None:
    config = SimCameraConfig(height_px=24, width_px=32, trigger="hardware",
                             parameters={"height_px": 24, "width_px": 32})  # fmt: skip
    with (
        SimCamera(config) as camera,
        Eye(camera, lambda sample: f"picture {sample.value.trigger}", "") as eye,
    ):
        for part in (40, 41, 57):
            eye.look(part, epoch=3)
        verdicts, deadline = [], time.monotonic() + 20
        while len(verdicts) < 3 and time.monotonic() < deadline:
            verdicts += eye.verdicts()
    assert [(v.part, v.kind, v.epoch) for v in verdicts] == [
        (40, "picture 0", 3), (41, "picture 1", 3), (57, "picture 2", 3),
    ]  # fmt: skip


def command(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "common.cli.main", "inspection", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def test_the_command_sorts_at_a_served_plc_and_ctrl_c_stops_the_belt(tmp_path: Path) -> None:
    """With a heartbeat of 2 s: whether a busy machine keeps 200 ms is not asked here."""
    patient = SorterSettings(heartbeat_s=2.0)
    file = tmp_path / "line.json"
    file.write_text(patient.model_dump_json(), encoding="utf-8")
    with rig("modbus", patient, 1) as place:
        assert place.cable is not None
        url = f"modbus://127.0.0.1:{place.cable.port}"
        words = ("sort", "--plc", url, "--settings", str(file), "--parts", "100000", "--json")
        with command(*words) as run:
            deadline = time.monotonic() + 120
            while len(place.journal.strokes) < 2 and run.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            run.send_signal(signal.SIGINT)
            out, told = run.communicate(timeout=60)
        assert run.returncode == 130, told
        assert "Traceback" not in told
        summary = json.loads(out)
        assert summary["stops"][-1] == "stopped by the operator"
        assert summary["orders"] >= 2
        assert PlcStatus(place.machine.status()).mode in (Mode.STOPPED, Mode.TRIPPED)


@pytest.mark.parametrize(
    ("plc", "told"),
    [
        ("http://plc", "modbus:// or opc.tcp://"),
        ("modbus://127.0.0.1:99999", "99999"),
        ("modbus://127.0.0.1:9", "not reachable"),
        ("nowhere.toml", "does not exist"),
        ("camera/sim", "config of no PLC"),
    ],
)
def test_a_plc_that_cannot_be_is_told_before_anything_is_rendered(plc: str, told: str) -> None:
    with pytest.raises(LingnanError, match=told):
        sort(plc=plc)
