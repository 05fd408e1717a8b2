"""Writes the folder for a board: static programs, expected answers, unit, script, checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_deploy.arm64 import decision
from edge_deploy.arm64.texts import readme, run_script, unit
from edge_deploy.c import build
from edge_deploy.c.generate import Sources
from edge_deploy.errors import EdgeError
from edge_deploy.graph.ir import Graph
from edge_deploy.reference.run import run
from edge_deploy.verify import tools
from edge_deploy.verify.programs import pack

TARGET = build.TARGETS["arm64"]
NET_FILES = ("net.c", "peak.h")
DECIDE_FILES = ("decide.c", "blobs.c", "blobs.h", "pgm.c", "pgm.h", "peak.h")

U8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A recorded stream and the threshold that its pictures are judged at."""

    frames: Sequence[U8]
    threshold: float


def write(
    graph: Graph,
    sources: Sources,
    folder: Path,
    inputs: Mapping[str, U8],
    stream: Stream | None = None,
) -> tuple[str, ...]:
    """Compile and write the folder; the names of its files.

    inputs: pictures whose outputs by the reference become the expected vectors. stream: adds the
    program that turns pictures into decisions. ToolMissingError where the compiler is not here.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EdgeError(f"{folder} is not an empty folder: name a new one")
    if reason := tools.missing([TARGET.compiler]):
        raise EdgeError(reason)
    for name in ("bin", "source", "vectors"):
        (folder / name).mkdir(parents=True)
    vectors = folder / "vectors"
    (vectors / "inputs.bin").write_bytes(pack(graph, graph.inputs, inputs))
    (vectors / "expected.bin").write_bytes(pack(graph, graph.outputs, run(graph, inputs)))
    compile_program(graph, sources, folder, "net", NET_FILES)
    if stream is not None:
        _write_stream(graph, sources, folder, stream)
    _write_texts(graph, sources, folder, stream)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    names += [f"bin/{path.name}" for path in sorted((folder / "bin").iterdir())]
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    told = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (folder / "SHA256SUMS").write_text(told, "utf-8")
    return (*sorted(names), "SHA256SUMS")


def compile_program(
    graph: Graph,
    sources: Sources,
    folder: Path,
    program: str,
    files: Sequence[str],
    target: build.Target = TARGET,
    extra: Mapping[str, str] | None = None,
    profile: bool = False,
) -> Path:
    """source/ of `folder` compiled to bin/<program>. extra: generated files by name. profile: the
    program has a `lingnan_step`, called after each layer."""
    texts = dict(sources.files) | dict(extra or {})
    texts |= {
        name: resources.files("edge_deploy.c").joinpath("linux", name).read_text("utf-8")
        for name in files
    }
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    (folder / "bin").mkdir(exist_ok=True)
    for name, text in texts.items():
        (source / name).write_text(text, "utf-8")
    compiled = sorted(name for name in texts if name.endswith(".c"))
    command = build.command(graph, sources, target, compiled, profile)
    command[command.index("-o") + 1] = f"../bin/{program}"
    tools.run(command, source)
    return folder / "bin" / program


def _write_stream(graph: Graph, sources: Sources, folder: Path, stream: Stream) -> None:
    wanted = decision.rule(graph, stream.threshold)
    header = {"decide.h": decision.header(wanted)}
    compile_program(graph, sources, folder, "decide", DECIDE_FILES, extra=header)
    (folder / "vectors" / "frames.pgm").write_bytes(b"".join(map(pgm, stream.frames)))
    decisions = decide_all(graph, wanted, stream.frames)
    lines = "".join(f"{one.line(at)}\n" for at, one in enumerate(decisions))
    (folder / "vectors" / "decisions.jsonl").write_text(lines, "utf-8")


def decide_all(
    graph: Graph, wanted: decision.Rule, frames: Sequence[U8]
) -> list[decision.Decision]:
    """What the integer reference decides on every frame (H, W)."""
    made = []
    for frame in frames:
        found = run(graph, {graph.inputs[0]: decision.padded(frame, wanted)[None]})
        shape = (frame.shape[0], frame.shape[1])
        made.append(decision.decide(found[graph.outputs[0]][0], shape, wanted))
    return made


def pgm(frame: U8) -> bytes:
    """A grey picture (H, W) as binary PGM."""
    return b"P5\n%d %d\n255\n" % (frame.shape[1], frame.shape[0]) + frame.tobytes()


def _write_texts(graph: Graph, sources: Sources, folder: Path, stream: Stream | None) -> None:
    decides = stream is not None
    script = folder / "run.sh"
    script.write_text(run_script(decides), "utf-8")
    script.chmod(0o755)
    (folder / f"lingnan-{sources.name}.service").write_text(unit(sources.name, decides), "utf-8")
    threshold = stream.threshold if stream is not None else None
    (folder / "README.md").write_text(readme(graph, sources, threshold), "utf-8")
