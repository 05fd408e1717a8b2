"""The rows: named once, honest where a tool or a direction is missing."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lingnan[edge]'")

from common.acceptance.experiment import Context
from common.runtime.publish import card_of, write_manifest
from edge_deploy.acceptance import (
    EXPERIMENTS,
    board,
    cortex,
    fpga,
    integers,
    quality,
    road,
    routed,
    speed,
    subjects,
)
from edge_deploy.errors import ToolMissingError
from edge_deploy.fpga import cosim
from edge_deploy.fpga import tools as fpga_tools
from edge_deploy.verify import tools
from edge_deploy.verify.compare import Row

pytestmark = pytest.mark.edge


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context("quick", 7, None, tmp_path)


def test_rows_are_named_once_and_as_required() -> None:
    ids = [row.id for one in EXPERIMENTS for row in one.indicators]
    assert len(set(ids)) == len(ids)
    asked = r"(S4-D(9-R[234]|9-K[123]|6-K1|3-K1)|S2-T[19])/[a-z0-9-]+"
    assert all(re.fullmatch(asked, name) for name in ids)


def test_a_missing_tool_is_told_with_its_cure(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "find", lambda tool: None)
    for measure in (board.measure_nets, board.measure_pipeline):
        for found in measure(context).values():
            assert found.value is None and "apt-get install" in found.note
    one = subjects._own("resnet8", "characters", context, 1)
    monkeypatch.setattr(cortex, "everyone", lambda context, real: ([one], {}))
    rows = cortex.measure(context)
    assert rows["S4-D9-R4/arena-resnet8"].value == 1.0
    assert "apt-get install" in rows["S4-D9-R4/m7-resnet8"].note
    assert rows["S4-D9-R4/m7-unet"].value is None


def test_a_missing_fpga_tool_is_told_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fpga_tools, "find", lambda tool: None)
    full = Context("full", 7, None, tmp_path)
    for rows, cure in (
        *((routed.measure(name, full), "pip install") for name in routed.NETS),
        (fpga.measure(subjects.FCN, full), "apt-get install verilator"),
    ):
        assert len(rows) >= 2
        assert all(row.value is None and cure in row.note for row in rows.values())


def test_nothing_is_placed_at_quick_size(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fpga_tools, "run", None)
    rows = [row for name in routed.NETS for row in routed.measure(name, context).values()]
    rows += fpga.measure(subjects.LARGE, context).values()
    assert len(rows) == 9
    assert {row.value for row in rows} == {None}
    assert all("at full size only" in row.note for row in rows)


def test_a_routed_network_has_the_rows_that_it_names() -> None:
    for name, net in routed.NETS.items():
        ids = {word: row.id for word, row in routed._indicators(name).items()}
        assert ids == {word: f"S4-D9-R4/fpga-{word}-{name}" for word in net.rows}


def test_differing_values_are_counted_over_both_runs() -> None:
    wanted = {"y": np.arange(12, dtype=np.uint8).reshape(4, 3)}
    held = cosim.CoSimulation({"y": wanted["y"] + np.eye(4, 3, dtype=np.uint8)}, 1, None, None, {})
    free = cosim.CoSimulation({"y": wanted["y"][:2]}, 1, None, None, {})
    assert fpga._differing(wanted, (held, free)) == (3, 18)
    assert fpga._used(free, 2, "0" * 64).value is None


def test_absent_data_is_told(context: Context) -> None:
    net = next(net for net in quality.NETS if net.task == "characters")
    (found,) = quality.measure(net, context).values()
    assert found.value is None and "omniglot" in found.note


def test_a_mismatch_is_counted(context: Context) -> None:
    one = subjects._own("resnet8", "characters", context, 1)
    rows = [(one, Row("c99", 10, 200, 0)), (one, Row("c99", 10, 200, 3))]
    found = integers._mismatches(rows, {"lab": "of floats"}, "0" * 64)
    assert (found.value, found.n) == (3, 20)
    assert "Omniglot is not here" in found.note and "inspection is not installed" in found.note
    assert "lab left out: of floats" in found.note
    failed = integers._mismatches([(one, Row("c99", 0, 0, None, note="no gcc"))], {}, "0" * 64)
    assert failed.value is None and failed.note == "no gcc"


def test_the_sweep_sees_a_wrong_form(context: Context) -> None:
    one = subjects._own("resnet8", "characters", context, 1)
    tried, wrong = integers._swept(one, 997)
    assert tried > 10_000 and wrong == 0
    form = next(iter(one.network.sources.forms.rescales.values()))
    form.offset[...] += 1 << int(form.shifts[0])
    assert integers._swept(one, 997)[1] > 0


def test_points_lost_are_paired() -> None:
    single, integer = np.ones(50), np.ones(50)
    integer[:10] = 0.9
    found = quality._row(single, integer, 1, "0" * 64, "share")
    assert found.value == pytest.approx(2.0)
    assert found.low < 2.0 < found.high
    assert "10 of 50" in found.note


def test_speed_is_the_median_of_the_rounds() -> None:
    spent = {
        speed.FLOAT: np.array([3.0, 2.0, 8.0]),
        speed.X86: np.array([1.0, 1.0, 2.0]),
        speed.NATIVE: np.array([0.5, 2.0, 8.0]),
    }
    found = speed._row(spent, 1.5, 1, "0" * 64)
    assert found.value == 3.0
    assert f"quickest: {speed.X86};" in found.note and "c99-native 2.000 ms, 1.00 x" in found.note
    assert "as it is 1.500 ms, 2.00 x" in found.note


def test_another_directions_network_comes_in_by_its_manifest(context: Context) -> None:
    found = subjects.others({"lab": subjects.WEIGHTS})
    names = {one.name for one in found}
    assert names == {f"lab-{net.name}" for net in quality.NETS}  # fewshot has no float file
    one = next(one for one in found if one.stem == "resnet8")
    taken = subjects._other(one)
    assert taken.real is None and taken.network.graph.macs > 1e6
    assert set(subjects.NAMES) <= set(subjects.EVERY)


def test_a_network_that_is_not_of_integers_is_left_out_and_named(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = subjects.WEIGHTS / "resnet8_fp32.onnx"
    for word in ("fp32", "int8"):
        shutil.copyfile(payload, tmp_path / f"lab_{word}.onnx")
    cards = {
        f"lab_{word}": card_of(
            tmp_path / f"lab_{word}.onnx", licence="Apache-2.0", data="none", command="none",
            score={},
        )
        for word in ("fp32", "int8")
    }  # fmt: skip
    write_manifest(tmp_path, cards)
    monkeypatch.setattr(subjects, "OTHERS", subjects.others({"x": tmp_path}))
    found, refused = subjects.everyone(context, 1)
    assert "x-lab" not in {one.name for one in found}
    assert "Quantise" in refused["x-lab"]


def test_frames_on_arm64_are_what_two_cores_have_time_for() -> None:
    assert road.frames_s(160_000_000) == pytest.approx(30)
    assert road.frames_s(80_000_000) == pytest.approx(60)


def test_frames_on_arm64_are_not_measured_where_a_tool_lacks(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(road.arm64, "ours", _without_emulator)
    (told,) = road.measure(replace(context, size="full")).values()
    assert told.value is None and "qemu-user" in told.note


def _without_emulator(*_: object) -> int:
    raise ToolMissingError("qemu-aarch64 is not there: apt install qemu-user")
