"""One experiment in a process of its own, which the host forked for it.

What it prints goes to its log; its progress and its error go to the runner as JSON lines, through
the host's standard output.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.acceptance.catalogue import GROUND, experiments_of
from common.acceptance.experiment import LISTINGS, Context, Experiment, Size
from common.acceptance.measurement import Measurement, not_measured
from common.acceptance.rows import dump, save_measurements, write_atomically
from common.directions import Direction
from common.errors import MissingExtraError

RESULT = "result.json"
LOG = "log.txt"
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

    @property
    def name(self) -> str:
        """Unique over all directions."""
        return f"{self.package}.{self.experiment}"

    def line(self) -> bytes:
        """The job as the host reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"


class Channel:
    """A job's JSON lines to the runner, progress thinned out in time.

    Jobs share the file: a line goes out in one write and is short enough for that to be atomic.
    """

    def __init__(self, file: int, job: Job) -> None:
        self._file, self._job = file, job.name
        self._last_s = 0.0

    def send(self, **message: Any) -> None:
        """One line."""
        os.write(self._file, json.dumps({"job": self._job, **message}).encode() + b"\n")

    def progress(self, done: int, total: int, what: str) -> None:
        """How far the experiment is."""
        now_s = time.monotonic()
        if done >= total or now_s - self._last_s >= _PROGRESS_EVERY_S:
            self._last_s = now_s
            self.send(done=int(done), total=int(total), what=str(what)[:200])


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


def direction_of(job: Job) -> Direction:
    """Where the job's experiment is found."""
    return GROUND if job.package == GROUND.package else Direction(job.direction, job.package)


def work(job: Job, channel: Channel) -> int:
    """Run the job and leave the result in its folder; 1 after an error, which is told."""
    try:
        _run(job, channel)
    except Exception as error:  # whatever it is, the report names it and the others go on
        traceback.print_exc()
        channel.send(error=f"{type(error).__name__}: {error}"[:500])
        return 1
    return 0


def _run(job: Job, channel: Channel) -> None:
    experiment = next(e for e in experiments_of(direction_of(job)) if e.name == job.experiment)
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
