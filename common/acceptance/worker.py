"""The process in which one experiment runs: `python -m common.acceptance.worker`.

A process of its own keeps a crash, a leak or a full memory away from the others and gives timing
experiments a fresh start. The job comes as one JSON line on standard input; that stream's end
means that the runner is gone. Progress goes to standard output as JSON lines; whatever the
experiment prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from common.acceptance.catalogue import GROUND, experiments_of
from common.acceptance.experiment import LISTINGS, Context, Experiment, Size
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.rows import dump, save_measurements, write_atomically
from common.directions import Direction
from common.errors import MissingExtraError

RESULT = "result.json"
_PROGRESS_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Job:
    """One experiment to run; `folder` takes the result, `key` says what the result depends on."""

    direction: str
    package: str
    experiment: str
    size: Size
    seed: int
    data_root: str | None
    folder: str
    key: str

    def line(self) -> bytes:
        """The job as the worker reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"


class _Channel:
    """JSON lines to the runner, progress thinned out in time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last_s = 0.0

    def send(self, message: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(message) + "\n")
        self._stream.flush()

    def progress(self, done: int, total: int, what: str) -> None:
        now_s = time.monotonic()
        if done >= total or now_s - self._last_s >= _PROGRESS_EVERY_S:
            self._last_s = now_s
            self.send({"done": int(done), "total": int(total), "what": str(what)[:200]})


def perform(experiment: Experiment, context: Context) -> dict[str, Measurement]:
    """Run an experiment; exactly its indicators must come back.

    A missing extra makes rows that say how to get it; every other error is the caller's.
    """
    wanted = {indicator.id for indicator in experiment.indicators}
    try:
        measured = dict(experiment.run(context))
    except MissingExtraError as error:
        return {key: not_measured(str(error)) for key in wanted}
    if set(measured) != wanted:
        raise ValueError(
            f"{experiment.name} returned {sorted(measured)}, its indicators are {sorted(wanted)}"
        )
    return measured


def _run(job: Job, channel: _Channel) -> None:
    direction = Direction(job.direction, job.package)
    direction = GROUND if job.package == GROUND.package else direction
    experiment = next(e for e in experiments_of(direction) if e.name == job.experiment)
    folder = Path(job.folder)
    root = Path(job.data_root) if job.data_root else None
    begun_s, cpu_s = time.monotonic(), time.process_time()
    scratch = folder / "scratch"
    scratch.mkdir()
    context = Context(job.size, job.seed, root, scratch, channel.progress)
    measured = perform(experiment, context)
    if (scratch / LISTINGS).is_dir():
        (scratch / LISTINGS).rename(folder / "data")
    shutil.rmtree(scratch, ignore_errors=True)
    result = {
        "key": job.key,
        "seconds": time.monotonic() - begun_s,
        "cpu_seconds": time.process_time() - cpu_s,
        "measurements": save_measurements(measured, folder),
    }
    write_atomically(folder / RESULT, dump(result))


def _end_with_the_runner() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> int:
    """Read the job, run it, leave the result in its folder; 1 after an error, told as JSON."""
    channel = _Channel(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    job = Job(**json.loads(sys.stdin.buffer.readline()))
    threading.Thread(target=_end_with_the_runner, daemon=True).start()
    try:
        _run(job, channel)
    except Exception as error:  # whatever it is, the report names it and the others go on
        traceback.print_exc()
        channel.send({"error": f"{type(error).__name__}: {error}"[:2000]})
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the watching thread holds standard input
