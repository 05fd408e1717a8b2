"""S4-G1: a report can be repeated, and what was tampered with is found out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from common.acceptance import document as files
from common.acceptance.catalogue import GROUND, Planned, experiments_of
from common.acceptance.experiment import Context, Experiment
from common.acceptance.figures import Plot, Series
from common.acceptance.hashing import changed, content_hash, file_hash, listing, listing_hash
from common.acceptance.indicator import Indicator
from common.acceptance.machine import machine
from common.acceptance.measurement import Measurement, exact, rate
from common.acceptance.progress import PlainDisplay
from common.acceptance.rows import dump, make_row, save_figure
from common.acceptance.runner import Run, run_all
from common.acceptance.verdict import VERDICTS
from common.acceptance.verify import verify

GUIDE = "对于量化的技术参数指标，验收时需出具第三方检验（检测/测试）报告"
DATA = Indicator(
    id="S4-G1/data",
    claim="A data file that was tampered with changes the hash and fails the check",
    guide=GUIDE,
    unit="fraction",
    comparator=">=",
    target=0.99,
    evidence="simulated",
    method="Random files; one of them gets one bit flipped, is cut, grows by a byte, is deleted or "
    "takes another's place; the share of cases that the data check finds",
)
REPORT = Indicator(
    id="S4-G1/report",
    claim="A report that was tampered with fails the check against its signed hash",
    guide=GUIDE,
    unit="fraction",
    comparator=">=",
    target=0.99,
    evidence="simulated",
    method="A small report; one of its files gets one bit flipped, is cut or is deleted, or a "
    "value is forged and every hash rewritten to fit; the share that `accept --verify` finds",
)
REPEAT = Indicator(
    id="S4-G1/repeat",
    claim="The same seed gives the same numbers when the measurement is repeated",
    guide=GUIDE,
    unit="fraction",
    comparator="==",
    target=1.0,
    evidence="simulated",
    method="The untimed experiments of the shared ground, run twice in fresh processes; share of "
    "their values, bounds, counts and data hashes that are identical",
)
REPEATED = ("coverage", "sheets")


def damage(path: Path, rng: np.random.Generator) -> None:
    """Flip one bit, cut the end, append a byte or delete; never leaves the file as it was."""
    data = bytearray(path.read_bytes())
    kind = rng.integers(4)
    if kind == 0:
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[int(rng.integers(len(data))) :]
    elif kind == 2:
        data.append(int(rng.integers(256)))
    if kind == 3:
        path.unlink()
    else:
        path.write_bytes(data)


def tampering(context: Context) -> Mapping[str, Measurement]:
    """Measure both rows on tampering."""
    trials = 1000 if context.full else 400
    return {
        DATA.id: _trials(context, trials, "data files", _data_trial),
        REPORT.id: _trials(context, trials, "reports", _report_trial),
    }


def _trials(
    context: Context,
    trials: int,
    what: str,
    trial: Callable[[Path, np.random.Generator], bool],
) -> Measurement:
    rng = np.random.default_rng([context.seed, len(what)])
    folder = context.scratch / "trial"
    found = 0
    for done in range(trials):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        found += trial(folder, rng)
        context.progress(done + 1, trials, what)
    return rate(found, trials, content_hash(what, context.seed, trials))


def _data_trial(folder: Path, rng: np.random.Generator) -> bool:
    """Whether damage to one of some files is found."""
    paths = [folder / f"{i}.bin" for i in range(6)]
    for path in paths:
        path.write_bytes(rng.bytes(int(rng.integers(1, 5000))))
    before = listing(paths, folder)
    victim, other = rng.choice(6, size=2, replace=False)
    if rng.random() < 0.2:
        shutil.copyfile(paths[other], paths[victim])
    else:
        damage(paths[victim], rng)
    return changed(before, folder) == [paths[victim].name]


def _report_trial(folder: Path, rng: np.random.Generator) -> bool:
    """Whether damage to a report, or its forgery, is found against the hash it was signed with."""
    digest = small_report(folder)
    if rng.random() < 0.2:
        _forge(folder, rng)
    else:
        paths = [p for p in sorted(folder.rglob("*")) if p.is_file()]
        damage(paths[rng.integers(len(paths))], rng)
    try:
        return bool(verify(folder, None, digest).faults)
    except Exception:  # an unreadable acceptance.json is refused outright
        return True


def small_report(folder: Path) -> str:
    """Write a report of one row with a plot; the hash of its acceptance.json."""
    measured = rate(3, 200, content_hash("small"))
    row = make_row(DATA, measured, direction="common", seed=1, seconds=0.1)
    figure = save_figure(Plot("t", "x", "y", (Series("s", [0, 1], [0, 1]),)), folder / "figures")
    document: dict[str, Any] = {
        "lingnan": "0",
        "commit": None,
        "machine": machine(),
        "versions": {},
        "seed": 1,
        "size": "quick",
        "only": None,
        "started": "2000-01-01",
        "finished": "2000-01-01",
        "verdicts": dict.fromkeys(VERDICTS, 0),
        "stopped": {},
        "rows": [asdict(row)],
        "figures": {DATA.id: []},  # attached, but not drawn: a trial should be quick
        "files": {figure["file"]: file_hash(folder / figure["file"])},
    }
    return files.write(folder, document)


def _forge(folder: Path, rng: np.random.Generator) -> None:
    """Better the value and rewrite page and checksums to fit."""
    document = json.loads((folder / files.JSON).read_bytes())
    document["rows"][0]["n"] = int(rng.integers(300, 10**6))
    files.write(folder, document)


def repetition(context: Context) -> Mapping[str, Measurement]:
    """Measure the row on repetition."""
    chosen = [e for e in experiments_of(GROUND) if e.name in REPEATED]
    first, second = (_numbers(context, chosen, name) for name in ("first", "second"))
    if first.keys() != second.keys():
        raise ValueError("the two runs did not measure the same rows")
    same = sum(dump(first[key]) == dump(second[key]) for key in first)
    digest = listing_hash(dump(first).decode())
    return {REPEAT.id: exact(same / len(first), len(first), digest, "n counts compared numbers")}


def _numbers(context: Context, chosen: list[Experiment], name: str) -> dict[str, object]:
    """Every number of the experiments, by row and field, from fresh processes."""
    planned = [Planned(GROUND, e, tuple(i.id for i in e.indicators)) for e in chosen]
    run = Run(context.scratch / name, "quick", context.seed, None)
    with (
        (context.scratch / f"{name}.txt").open("w", encoding="utf-8") as log,
        PlainDisplay(len(planned), log) as shown,
    ):
        outcomes = run_all(run, planned, shown)
    context.progress(1 + (name == "second"), 2, "runs")
    found: dict[str, object] = {}
    for outcome in outcomes:
        if outcome.result is None:
            raise RuntimeError(f"{outcome.planned.name}: {outcome.reason}")
        for key, measured in outcome.result["measurements"].items():
            for field in ("value", "low", "high", "n", "data_sha256"):
                found[f"{key} {field}"] = measured[field]
    return found


TAMPERING = Experiment("tampering", (DATA, REPORT), tampering)
REPETITION = Experiment("repetition", (REPEAT,), repetition)
