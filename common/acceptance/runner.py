"""Runs the planned experiments, each in a process, and keeps what is done.

A result is kept below `OUT/.partial` as soon as it is there, under a key of everything it depends
on: the sources of common and of the direction, the packages' versions, size, seed and data. A run
that was interrupted finds it there; a run that finished leaves nothing behind to resume from.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import signal
from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from common.acceptance.catalogue import Planned
from common.acceptance.experiment import Size
from common.acceptance.hashing import changed, listing_hash
from common.acceptance.hosted import Hosted
from common.acceptance.machine import cores, memory_bytes, source_hash, versions
from common.acceptance.progress import Display
from common.acceptance.worker import LOG, RESULT, Job

PARTIAL = ".partial"
_MEMORY_EACH = 2 * 2**30  # what an experiment may be expected to need beside another


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one experiment ended: `result` as the worker wrote it, or the reason there is none."""

    planned: Planned
    result: dict[str, Any] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What all experiments of one run share; code that changes while it runs is not looked at."""

    out: Path
    size: Size
    seed: int
    data_root: Path | None
    _sources: dict[str, str] = field(default_factory=dict)

    def folder(self, planned: Planned) -> Path:
        """Where the experiment's result is kept until the report is written."""
        return self.out / PARTIAL / planned.name

    def key(self, planned: Planned) -> str:
        """Hash of everything a result depends on, but the data (see `kept`)."""
        package = planned.direction.package
        if package not in self._sources:
            self._sources[package] = source_hash({"common", package})
        parts = [self._sources[package], versions(), self.size, self.seed, str(self.data_root)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def workers() -> int:
    """Experiments that may run side by side: one a core, and two GiB of memory for each."""
    return max(1, min(cores(), (memory_bytes() or _MEMORY_EACH) // _MEMORY_EACH))


def kept(run: Run, planned: Planned) -> dict[str, Any] | None:
    """The result of an interrupted run, where nothing that it depends on has changed."""
    folder = run.folder(planned)
    try:
        result: dict[str, Any] = json.loads((folder / RESULT).read_bytes())
        if result["key"] != run.key(planned):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    for path in sorted((folder / "data").glob("*.sha256")):
        text = path.read_text(encoding="utf-8")
        if run.data_root is None or listing_hash(text) != path.stem or changed(text, run.data_root):
            return None
    return result


def run_all(run: Run, planned: list[Planned], shown: Display) -> list[Outcome]:
    """Run what is not kept: the others side by side first, then the exclusive ones alone, each by
    a host of its own.

    A KeyboardInterrupt ends the workers and reaches the caller; what was done stays.
    """
    return asyncio.run(_run_all(run, planned, shown))


async def _run_all(run: Run, planned: list[Planned], shown: Display) -> list[Outcome]:
    ticker = asyncio.create_task(_tick(shown))
    slots = asyncio.Semaphore(workers())

    async def in_a_slot(one: Planned) -> Outcome:
        async with slots:
            return await _one(host, run, one, shown)

    try:
        async with Hosted() as host:
            shared = [one for one in planned if not one.experiment.exclusive]
            outcomes = await _together([in_a_slot(one) for one in shared])
        for one in planned:
            if one.experiment.exclusive:
                async with Hosted() as fresh:  # forks of one that holds much run slower
                    outcomes.append(await _one(fresh, run, one, shown))
    finally:
        ticker.cancel()
    by_name = {outcome.planned.name: outcome for outcome in outcomes}
    return [by_name[one.name] for one in planned]


async def _together(jobs: list[Awaitable[Outcome]]) -> list[Outcome]:
    return list(await asyncio.gather(*jobs))


async def _tick(shown: Display) -> None:
    while True:
        await asyncio.sleep(1.0)
        shown.tick()


async def _one(host: Hosted, run: Run, planned: Planned, shown: Display) -> Outcome:
    shown.begin(planned.name)
    result = kept(run, planned)
    if result is not None:
        shown.end(planned.name, "kept from the interrupted run")
        return Outcome(planned, result)
    reason = await _work(host, run, planned, shown)
    result = kept(run, planned) if not reason else None
    if result is None:
        reason = reason or "it left no readable result"
        shown.end(planned.name, f"stopped: {reason}")
        return Outcome(planned, None, reason)
    shown.end(planned.name, f"done in {result['seconds']:.1f} s")
    return Outcome(planned, result)


async def _work(host: Hosted, run: Run, planned: Planned, shown: Display) -> str:
    """Run the experiment; the reason why it failed, or ""."""
    folder = run.folder(planned)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    root = str(run.data_root) if run.data_root else None
    job = Job(
        direction=planned.direction.name,
        package=planned.direction.package,
        experiment=planned.experiment.name,
        size=run.size,
        seed=run.seed,
        data_root=root,
        folder=str(folder.resolve()),
        key=run.key(planned),
    )
    error, code = await host.perform(job, partial(shown.update, planned.name))
    return error or ("" if code == 0 else _died(code, folder / LOG))


def _died(code: int, log: Path) -> str:
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    last = f": {tail[0][:300]}" if tail else ""
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name}{last}"
    return f"its process ended with {code}{last}"
