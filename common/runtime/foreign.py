"""Checks a model of unknown origin in a child process, before anything here loads it.

The child has a memory limit, a CPU limit and a wall time-out, an empty working directory, an
empty environment and no way to write a file; it scans the bytes, builds a session and runs it on
zeros and on noise. A limit bounds the harm of a hostile model, it is no sandbox against a bug in
ONNX Runtime itself.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.runtime.errors import ForeignModelError
from common.runtime.files import read_file
from common.runtime.manifest import MAX_MODEL_BYTES, TensorCard

_ROOT = Path(__file__).resolve().parents[2]  # the folder our package `common` is imported from


class Limits(BaseModel):
    """What the child may use. memory_mib counts address space, of which an idle session of ONNX
    Runtime takes about 150 MiB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mib: Annotated[int, Field(ge=256)] = 2048
    cpu_s: Annotated[int, Field(ge=1)] = 30
    wall_s: Annotated[float, Field(gt=0)] = 60.0
    file_bytes: Annotated[int, Field(ge=1, le=MAX_MODEL_BYTES)] = MAX_MODEL_BYTES


class ForeignReport(BaseModel):
    """What the child saw of a model that passed.

    ops: op type -> how often. opsets: domain ("" is ONNX's) -> version. inputs, outputs: as
    declared. ran_on: input name -> the shape it ran on (free extents get a size that runs).
    load_ms: building the session. run_ms: median of the runs, one thread. peak_rss_mib: of the
    child. finite: whether no output held NaN or infinity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    bytes: int
    opsets: dict[str, int]
    ops: dict[str, int]
    inputs: tuple[TensorCard, ...]
    outputs: tuple[TensorCard, ...]
    ran_on: dict[str, tuple[int, ...]]
    load_ms: float
    run_ms: float
    peak_rss_mib: float
    finite: bool


def check(path: Path, limits: Limits | None = None) -> ForeignReport:
    """Check the model file at `path`; the report's sha256 says which bytes passed.

    WeightsError where the file cannot be read as a plain file; ForeignModelError, naming the
    file and the reason, where the model is refused, fails, or exceeds a limit.
    """
    limits = limits or Limits()
    return check_bytes(read_file(path, limits.file_bytes), str(path), limits)


def check_bytes(payload: bytes, name: str, limits: Limits | None = None) -> ForeignReport:
    """Check a model's bytes; `name` stands for it in messages."""
    limits = limits or Limits()
    answer, status = _run_child(payload, name, limits)
    try:
        told = json.loads(answer)
    except ValueError:
        raise ForeignModelError(f"{name}: {_death(status, limits)}") from None
    if "refused" in told:
        raise ForeignModelError(f"{name}: {told['refused']}")
    try:
        return ForeignReport.model_validate_json(answer)
    except ValidationError:
        raise ForeignModelError(f"{name}: the check's answer cannot be read") from None


def _run_child(payload: bytes, name: str, limits: Limits) -> tuple[bytes, int]:
    """The child's answer and its exit status; the answer goes to a file whose size is limited."""
    command = [sys.executable, "-s", "-P", "-m", "common.runtime.foreign_child"]
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryFile() as answer:
        child = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [*command, limits.model_dump_json()],
            stdin=subprocess.PIPE,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        try:
            child.communicate(payload, timeout=limits.wall_s)
        except subprocess.TimeoutExpired:
            raise ForeignModelError(f"{name}: not done after {limits.wall_s:g} s") from None
        finally:
            child.kill()
            child.wait()
        return _read_back(answer), child.returncode


def _read_back(answer: IO[bytes]) -> bytes:
    answer.seek(0)
    return answer.read()


def _death(status: int, limits: Limits) -> str:
    if -status == signal.SIGXCPU:
        return f"needs more than {limits.cpu_s} s of CPU time"
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return f"brought the checking process down ({how}); memory limit {limits.memory_mib} MiB"
