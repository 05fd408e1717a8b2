"""The report as files: acceptance.json, index.html, figures, lists of the data, checksums."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from common.acceptance.hashing import file_hash
from common.acceptance.machine import commit, lingnan_version, machine, versions
from common.acceptance.measurement import not_measured
from common.acceptance.rows import Row, dump, load_measurement, make_row, write_atomically
from common.acceptance.runner import Outcome, Run
from common.acceptance.verdict import VERDICTS
from common.acceptance.worker import LOG
from common.errors import LingnanError

JSON = "acceptance.json"
HTML = "index.html"
SUMS = "SHA256SUMS"
ATTACHED = ("figures", "data")  # folders of a report beside its two files
MAX_BYTES = 256 * 2**20  # of an acceptance.json that is read back


def rows_of(outcome: Outcome, seed: int) -> list[Row]:
    """The rows asked for of one experiment; not measured, with the reason, where it stopped."""
    rows = []
    for indicator in outcome.planned.experiment.indicators:
        if indicator.id not in outcome.planned.ids:
            continue
        if outcome.result is None:
            measurement = not_measured(f"The experiment stopped: {outcome.reason}")
        else:
            measurement = load_measurement(outcome.result["measurements"][indicator.id])
        seconds = outcome.result["seconds"] if outcome.result else 0.0
        folder = outcome.planned.direction.package
        rows.append(make_row(indicator, measurement, direction=folder, seed=seed, seconds=seconds))
    return rows


def assemble(
    run: Run, outcomes: list[Outcome], broken: dict[str, str], *, started: str, only: str | None
) -> dict[str, Any]:
    """acceptance.json as a value; `files` is filled when the figures are attached."""
    rows = [row for outcome in outcomes for row in rows_of(outcome, run.seed)]
    stopped = {o.planned.name: o.reason for o in outcomes if o.result is None}
    return {
        **provenance(),
        "seed": run.seed,
        "size": run.size,
        "only": only,
        "started": started,
        "finished": now(),
        "verdicts": counted(rows),
        "stopped": {**broken, **stopped},
        "rows": [asdict(row) for row in rows],
        "figures": _figures(outcomes),
        "files": {},
    }


def provenance() -> dict[str, Any]:
    """Which code measured, on which machine."""
    return {
        "lingnan": lingnan_version(),
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
    }


def counted(rows: Iterable[Row]) -> dict[str, int]:
    """Rows by verdict, none left out."""
    told = [row.verdict for row in rows]
    return {verdict: told.count(verdict) for verdict in VERDICTS}


def now() -> str:
    """Local time with its offset, to the second, ISO 8601."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _figures(outcomes: Iterable[Outcome]) -> dict[str, list[dict[str, str]]]:
    return {
        key: outcome.result["measurements"][key]["figures"]
        for outcome in outcomes
        if outcome.result
        for key in outcome.planned.ids
        if outcome.result["measurements"][key]["figures"]
    }


def exit_code(document: dict[str, Any]) -> int:
    """0: every measured row is met; 1: some row is not; 2: something could not run.

    `on track` means that n is too small for the bound. At quick size that is the size's nature
    and no failure; at full size, whose n the bound was planned for, the row is not met.
    """
    if document["stopped"]:
        return 2
    failing = {"not met"} if document["size"] == "quick" else {"not met", "on track"}
    return int(any(row["verdict"] in failing for row in document["rows"]))


def attach(run: Run, outcomes: Iterable[Outcome], document: dict[str, Any]) -> None:
    """Bring figures and data listings from the results into the report; drop an older report's."""
    wanted: set[Path] = set()
    shown = {figure["file"] for figures in document["figures"].values() for figure in figures}
    hashes = {row["data_sha256"] for row in document["rows"]}
    for outcome in outcomes:
        folder = run.folder(outcome.planned)
        sources = [folder / name for name in sorted(shown)]
        sources += [folder / "data" / f"{digest}.sha256" for digest in sorted(hashes)]
        for source in filter(Path.is_file, sources):
            target = run.out / source.relative_to(folder)
            target.parent.mkdir(exist_ok=True)
            write_atomically(target, source.read_bytes())
            wanted.add(target)
        if outcome.result is None and (folder / LOG).is_file():
            (run.out / "logs").mkdir(exist_ok=True)
            shutil.copyfile(folder / LOG, run.out / "logs" / f"{outcome.planned.name}.txt")
    for path in attached(run.out):
        if path not in wanted:
            path.unlink()
    document["files"] = {
        path.relative_to(run.out).as_posix(): file_hash(path) for path in sorted(wanted)
    }


def attached(out: Path) -> list[Path]:
    """The files of a report below its figures and data folders."""
    return sorted(p for name in ATTACHED for p in (out / name).glob("**/*") if p.is_file())


def write(out: Path, document: dict[str, Any]) -> str:
    """Write acceptance.json, index.html and the checksums; the hash of acceptance.json."""
    from common.acceptance.report import page

    data = dump(document)
    digest = hashlib.sha256(data).hexdigest()
    write_atomically(out / JSON, data)
    write_atomically(out / HTML, page(document, digest, out).encode())
    sums = checksums(digest, file_hash(out / HTML), document)
    write_atomically(out / SUMS, sums.encode())
    return digest


def checksums(json_sha256: str, html_sha256: str, document: dict[str, Any]) -> str:
    """The content of SHA256SUMS, as `sha256sum -c` reads it."""
    sums = {JSON: json_sha256, HTML: html_sha256, **document["files"]}
    return "".join(f"{value}  {name}\n" for name, value in sums.items())


def read(folder: Path) -> tuple[dict[str, Any], str]:
    """acceptance.json of a report folder, and its hash; an error names what is wrong with it."""
    path = folder / JSON
    if not path.is_file():
        raise LingnanError(f"{folder} holds no {JSON}: make one with lingnan accept --out {folder}")
    if path.stat().st_size > MAX_BYTES:
        raise LingnanError(f"{path} is over {MAX_BYTES // 2**20} MiB, no acceptance report")
    data = path.read_bytes()
    try:
        document = json.loads(data)
        rows = [Row(**row) for row in document["rows"]]
        if len({row.id for row in rows}) != len(rows) or not isinstance(document["files"], dict):
            raise ValueError("rows share an id, or files is no table")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LingnanError(f"{path} is no acceptance report: {error}") from error
    return document, hashlib.sha256(data).hexdigest()
