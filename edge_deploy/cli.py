"""lingnan edge ..."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from edge_deploy.config import TargetName
from edge_deploy.errors import EdgeError

if TYPE_CHECKING:
    from edge_deploy.verify.compare import Network, Row
    from edge_deploy.verify.rounding import LayerRounding

app = App(name="edge", help="One int8 network, the same integers on every target (D9).")

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
Size = Annotated[tuple[int, int] | None, Parameter(negative="")]


@app.command
def quantize(
    model: Path,
    *,
    calibration: Path,
    out: Path,
    method: Literal["minmax", "entropy", "percentile"] = "minmax",
    exact: bool = False,
    check: Path | None = None,
    tolerance: float = 1.0,
    threshold: float | None = None,
    mixed: bool = False,
    json: AsJson = False,
) -> None:
    """Quantise a float MODEL to int8; tell each layer's signal over noise, and what int8 loses.

    Parameters
    ----------
    model:
        ONNX file with one float input of fixed size.
    calibration:
        Typical inputs: .npy of float32 (N, C, H, W), or a folder of pictures (taken as 0..1).
    out:
        The quantised file to write.
    method:
        How an activation's range is chosen from the calibration data.
    exact:
        Move scales by their last places until every layer rounds alike on every target with one
        multiplication and one shift.
    check:
        Pictures to judge by, as calibration's; for a classifier a folder with a folder for each
        class, in the order of its outputs. Without classes float's decisions are taken as right.
        Where int8 loses more than the tolerance nothing is written.
    tolerance:
        Points (of 100) that int8 may lose.
    threshold:
        The logit from which the first output decides; without it its largest class does.
    mixed:
        Where too much is lost, leave the layers that need it in float: chosen on every other
        picture of the check set, judged on the rest. Integer targets refuse such a file.
    json:
        Print what was done as JSON.
    """
    from common.cli.output import print_json
    from edge_deploy.quantize.command import Checked, quantise_file
    from edge_deploy.quantize.gate import Rule

    if check is None and (mixed or threshold is not None):
        raise EdgeError("--mixed and --threshold need --check: the pictures to judge by")
    checked = Checked(check, Rule(threshold, tolerance), mixed) if check else None
    made = quantise_file(model, calibration, out, method, exact, checked)
    if json:
        print_json(made)
    else:
        _print_quantised(out, made)


def _print_quantised(out: Path, made: dict[str, Any]) -> None:
    from edge_deploy.quantize.gate import Gate

    print(f"{out}: {made['samples']} samples, {len(made['layers'])} layers.")
    for layer in made["layers"]:
        print(f"  {layer['decibels']:6.1f} dB  {layer['layer']}")
    if gate := made["gate"]:
        print(f"Gate: {Gate(**gate)}.")
    if left := made["in_float"]:
        print(f"In float, {left['macs_share']:.1%} of the MACs: {', '.join(left['layers'])}.")
        print("Not wholly int8: for ONNX Runtime; integer targets refuse it by layer.")
    if moved := made["exact"]:
        print(f"Exact: {moved['sums']} sums and {moved['channels']} channels were moved.")
        for reason in moved["left"]:
            print(f"  left: {reason}")


@app.command
def deploy(
    model: Path,
    *,
    target: TargetName,
    out: Path,
    size: Size = None,
    pictures: int = 16,
    threshold: float | None = None,
    recording: Path | None = None,
) -> None:
    """Write MODEL for a target, with expected vectors, a check and a README.

    Parameters
    ----------
    model:
        Quantised ONNX file.
    target:
        c99 for any compiler, cortex-m7 for Arm's (its check runs on qemu's MPS2 AN500), arm64-linux
        for boards with Linux: static programs, run script, systemd unit, checksums;
        onnxruntime-x86: the file in the form that ONNX Runtime is quickest with; fpga-ecp5:
        streaming Verilog for a Lattice ECP5-85.
    out:
        An empty or new folder.
    size:
        Height and width of the pictures, where they are not the file's own.
    pictures:
        How many expected vectors.
    threshold:
        arm64-linux: adds the program from pictures to decisions; a picture is defective where the
        network's map reaches this logit. fpga-ecp5: adds board/, that program for an ARM which
        reaches the FPGA through UIO; no board has run it.
    recording:
        With a threshold: MCAP file whose frames, and the decisions on them, are put in as vectors.
    """
    from edge_deploy.pipeline import prepare

    network = prepare(model, size)
    if target != "arm64-linux" and recording is not None:
        raise EdgeError("--recording is for --target arm64-linux")
    if target not in ("arm64-linux", "fpga-ecp5") and threshold is not None:
        raise EdgeError("--threshold is for --target arm64-linux and fpga-ecp5")
    if target == "fpga-ecp5":
        _verilog(network, out, threshold)
        return
    if target == "onnxruntime-x86":
        _runtime(network, out, pictures)
        return
    if target == "arm64-linux":
        names = _bundle(network, out, pictures, threshold, recording)
        check = "./run.sh check"
    else:
        from edge_deploy.c.build import TARGETS
        from edge_deploy.c.deploy import deploy as write
        from edge_deploy.verify.inputs import make

        inputs = make(network.graph, pictures, 0)
        names = write(network.graph, network.sources, TARGETS[target], out, inputs)
        check = "make check"
    plan = network.sources.memory.plan
    print(f"{out}: {len(names)} files, {network.graph.macs:,} multiply-accumulates a picture.")
    print(f"Arena {plan.size:,} bytes; no plan can be below {plan.bound:,}. Try `{check}` there.")


def _verilog(network: Network, out: Path, threshold: float | None) -> None:
    from edge_deploy.fpga.deploy import deploy as write
    from edge_deploy.system.build import board, board_rule

    rule = None if threshold is None else board_rule(network.graph, threshold)
    made = write(network.graph, out)
    print(f"{out}: {len(made.files)} files, {network.graph.macs:,} multiply-accumulates a picture.")
    print("Try `make lint` there; `make net.bit` needs yosys, nextpnr-ecp5 and ecppack.")
    if rule is not None:
        names = board(made.design, network.sources, rule, out / "board")
        print(f"{out}/board: {len(names)} files; LINGNAN_UIO=/dev/uio0 bin/decide < picture.pgm")


@app.command
def route(
    model: Path,
    *,
    out: Path,
    size: Size = None,
    device: Literal["25k", "45k", "85k"] = "85k",
    interval: int = 0,
    seed: int = 1,
    json: AsJson = False,
) -> None:
    """Place and route MODEL's Verilog for an ECP5, down to a bitstream; tell clock and pictures.

    Minutes of one core. The clock is nextpnr's, from register to register, of speed grade 6;
    cycles a picture are counted in co-simulation. Pins are not assigned. Simulated: no board.
    Where it was stopped (Ctrl-C leaves no half-written file), the same call goes on from there.

    Parameters
    ----------
    model:
        Quantised ONNX file.
    out:
        An empty or new folder, or one of a call that was stopped: the design, net.bit, report.json.
    size:
        Height and width of the pictures, where they are not the file's own.
    device:
        Which ECP5, by its look-up tables.
    interval:
        Cycles a picture that are fast enough, so that fewer multipliers are built.
    seed:
        Of the placer and the random pictures.
    json:
        Print what was made as JSON.
    """
    from common.cli.output import print_json
    from common.progress import progress
    from edge_deploy.fpga.route import route as run
    from edge_deploy.pipeline import prepare

    network = prepare(model, size)
    with progress() as tell:
        made = run(network.graph, out, tell, device, interval, seed)
    if json:
        print_json(made.to_json())
        return
    print(f"{out}: {made.used} of an ECP5 {device}.")
    print(
        f"{made.placed.fmax_mhz:.1f} MHz, {made.interval:,.0f} cycles a picture: "
        f"{made.frames_per_s:,.0f} pictures a second; {made.cpu_s / 60:.1f} CPU minutes."
    )


def _runtime(network: Network, out: Path, pictures: int) -> None:
    from edge_deploy.verify.inputs import make
    from edge_deploy.x86.deploy import deploy as write

    names = write(network.graph, out, make(network.graph, pictures, 0))
    print(f"{out}: {len(names)} files, {network.graph.macs:,} multiply-accumulates a picture.")
    print("net.onnx takes uint8 pictures. Try `python check.py` there.")


def _bundle(
    network: Network, out: Path, pictures: int, threshold: float | None, recording: Path | None
) -> tuple[str, ...]:
    from edge_deploy.arm64 import bundle
    from edge_deploy.recordings import frames
    from edge_deploy.verify.inputs import make

    inputs = make(network.graph, pictures, 0)
    if threshold is None:
        if recording is not None:
            raise EdgeError("--recording needs --threshold: the logit that decides")
        return bundle.write(network.graph, network.sources, out, inputs)
    if recording is not None:
        seen = frames(recording)
    else:
        seen = [picture[0] for picture in next(iter(inputs.values()))]
    stream = bundle.Stream(seen, threshold)
    return bundle.write(network.graph, network.sources, out, inputs, stream)


@app.command
def system(
    model: Path,
    *,
    input: Annotated[list[Path], Parameter(consume_multiple=True)],
    threshold: float,
    fault: Literal["none", "id", "network", "stall", "short", "reset"] = "none",
) -> int:
    """Simulate a board of ARM and FPGA: pictures to decisions through driver and accelerator.

    The driver's side is an aarch64 program under qemu, the accelerator's is RTL under Verilator.
    Exit 0: every decision is the reference's; 1: one is not, or the system failed.

    Parameters
    ----------
    model:
        Quantised ONNX file: one grey picture in, one map out.
    input:
        Pictures, all of one size.
    threshold:
        A picture is defective where the network's map reaches this logit.
    fault:
        What goes wrong in the middle of a picture: another device, another network's design, a
        transfer that stops, one cut short, a reset.
    """
    from edge_deploy.system.command import show

    found = show(model, input, threshold, fault)
    for line in found.lines:
        print(line)
    print(found.ran.told, end="")
    agrees = "as the integer reference decides" if found.agrees else "NOT as the integer reference"
    print(f"Simulated: {len(found.lines)} of {len(found.wanted)} pictures decided, {agrees}.")
    return int(not found.agrees)


@app.command
def bench(
    model: Path,
    *,
    float_model: Path | None = None,
    size: Size = None,
    rounds: int = 20,
    json: AsJson = False,
) -> None:
    """CPU time and peak memory of MODEL beside float ONNX Runtime, ncnn and IREE.

    One thread; each backend in a process of its own, in turn on the same picture. Under emulation
    instructions alone are told: time there means nothing. What is missing says how to get it.

    Parameters
    ----------
    model:
        Quantised ONNX file.
    float_model:
        The float file it was made from; without it there is nothing to compare with.
    size:
        Height and width of the pictures, where they are not the file's own.
    rounds:
        How many calls each backend is timed over.
    json:
        Print the table as JSON.
    """
    from common.cli.output import print_json, print_table
    from edge_deploy.bench.table import compare as run_bench

    rows = run_bench(model, float_model, size, rounds)
    if json:
        print_json([row.to_json() for row in rows])
        return
    head = ("backend", "CPU ms", "beside float", "peak MiB", "instructions", "note")
    print_table(head, [row.cells(rows) for row in rows])


@app.command
def search(
    *,
    data: Path,
    out: Path,
    limit_macs: int | None = None,
    limit_ram: int | None = None,
    limit_dsp: int | None = None,
    frames_hz: float | None = None,
    engine: Literal["evolution", "bayes", "random"] = "bayes",
    budget: int = 60,
    seed: int = 0,
    json: AsJson = False,
) -> None:
    """Find, train, quantise and deploy a network for DATA within a device's limits.

    One supernet is trained that holds every architecture, the search asks it, the best one within
    the limits goes on learning by itself, and its C99 is verified against ONNX Runtime. Some
    minutes of one core.

    Parameters
    ----------
    data:
        A folder with a folder of pictures for each class, or .npz of `pictures` uint8 (N, H, W) and
        `labels` (N,). Every fifth picture of a class is judged by and not learned.
    out:
        An empty or new folder: C99 with its check, and the float and int8 files.
    limit_macs:
        The most multiply-accumulates a picture.
    limit_ram:
        The most bytes of the static arena.
    limit_dsp:
        The most multipliers of an ECP5-85, where the network is for an FPGA too.
    frames_hz:
        The fewest pictures a second of that FPGA at 100 MHz.
    engine:
        How the space is searched.
    budget:
        How many architectures are tried.
    seed:
        Of training and search.
    json:
        Print what was done as JSON.
    """
    from common.cli.output import print_json
    from common.progress import progress
    from edge_deploy.search.command import Steps, search_and_deploy
    from edge_deploy.search.cost import Limits
    from edge_deploy.search.data import read

    labelled, limits = read(data), Limits(limit_macs, limit_ram, None, limit_dsp, frames_hz)
    with progress() as tell:
        made = search_and_deploy(labelled, limits, out, engine, budget, seed, Steps(), tell)
    if json:
        print_json(made)
        return
    print(f"{made['architecture']}: {made['evaluated']} of {made['allowed']} allowed were tried.")
    print(
        f"{made['macs']:,} multiply-accumulates, arena {made['arena_bytes']:,} bytes, int8 names "
        f"{made['accuracy_int8']:.1%} rightly; C99 differs in {made['mismatches']} values."
    )
    if "dsp" in made:
        print(
            f"On an ECP5-85 {made['dsp']} multipliers and {made['frames_hz']:,.0f} pictures a "
            f"second at 100 MHz, as its folding tells: {out / 'verilog'}."
        )
    print(f"{out}: try `make check` there.")


@app.command
def verify(
    model: Path,
    *,
    size: Size = None,
    pictures: int = 64,
    emulated: int = 8,
    real: Path | None = None,
    seed: int = 0,
    json: AsJson = False,
) -> int:
    """Run MODEL on every target here and compare the integers with ONNX Runtime's.

    Exit 0: every target that could run agrees; 1: one does not.

    Parameters
    ----------
    model:
        Quantised ONNX file.
    size:
        Height and width of the pictures, where they are not the file's own.
    pictures:
        How many inputs: extreme ones, then `real`, then random ones.
    emulated:
        How many of them under an emulator.
    real:
        .npy of uint8 (N, C, H, W).
    seed:
        Of the random inputs.
    json:
        Print the table and the rounding of every layer as JSON.
    """
    from common.cli.output import print_json
    from common.progress import progress
    from edge_deploy.config import EdgeConfig
    from edge_deploy.pipeline import prepare
    from edge_deploy.verify.command import verify_network
    from edge_deploy.verify.rounding import layers

    config = EdgeConfig(
        model=model, size=size, pictures=pictures, emulated=emulated, real=real, seed=seed
    )
    network = prepare(config.model, config.size)
    with progress() as tell:
        rows = verify_network(network, config, tell)
    rounding = layers(network.graph, network.sources.forms)
    if json:
        print_json(_verified(network, rows, rounding))
    else:
        _print_rows(network, rows, rounding)
    return int(any(row.mismatches for row in rows))


def _verified(
    network: Network, rows: tuple[Row, ...], rounding: tuple[LayerRounding, ...]
) -> dict[str, Any]:
    plan = network.sources.memory.plan
    return {
        "network": network.graph.name,
        "macs": network.graph.macs,
        "arena_bytes": plan.size,
        "arena_bound_bytes": plan.bound,
        "backends": [row.to_json() for row in rows],
        "rounding": [layer.to_json() for layer in rounding],
    }


def _print_rows(
    network: Network, rows: tuple[Row, ...], rounding: tuple[LayerRounding, ...]
) -> None:
    from common.cli.output import print_table

    table = [
        (
            row.backend,
            str(row.pictures),
            "not run" if row.mismatches is None else f"{row.mismatches} of {row.values}",
            f"{row.seconds:.2f} s",
            _number(row.instructions),
            _number(row.flash),
            _number(row.ram),
            row.note,
        )
        for row in rows
    ]
    head = ("backend", "inputs", "mismatches", "time", "instructions", "flash B", "RAM B", "note")
    print_table(head, table)
    plan = network.sources.memory.plan
    proven = sum(layer.accumulators for layer in rounding)
    patched = sum(len(values) for layer in rounding for values in layer.exceptions.values())
    neon = [layer.layer for layer in rounding if layer.neon_differences]
    saturate = sum(layer.may_saturate > 0 for layer in rounding)
    print(
        f"\nArena {plan.size:,} bytes, bound {plan.bound:,}. {network.graph.macs:,} MACs a picture."
    )
    print(f"Rounding proven on {proven:,} accumulators; {patched} need their exception.")
    if neon:
        print(f"ONNX Runtime on ARM64 sums otherwise at ties in: {', '.join(neon)}.")
        print("  `lingnan edge quantize --exact` makes a network where it does not.")
    if saturate:
        print(f"On x86 without VNNI, {saturate} layers could saturate in ONNX Runtime.")


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
