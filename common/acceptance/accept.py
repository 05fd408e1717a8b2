"""One acceptance run: plan, run or resume, write the report."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from common.acceptance import document as files
from common.acceptance.catalogue import choose, plan
from common.acceptance.experiment import Size
from common.acceptance.progress import display
from common.acceptance.rows import write_atomically
from common.acceptance.runner import PARTIAL, Run, run_all
from common.errors import LingnanError
from common.lock import alone
from common.paths import data_root


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finished run: the document, the hash of its file, and the code to exit with."""

    document: dict[str, Any]
    sha256: str
    code: int


def accept(
    words: Iterable[str],
    *,
    out: Path,
    size: Size,
    seed: int,
    only: str | None = None,
    fresh: bool = False,
    stream: TextIO | None = None,
) -> Accepted:
    """Measure the directions named by `words` (all where none is) and write the report to `out`.

    What an interrupted run into the same folder had done is used again unless `fresh`.
    """
    chosen = plan(choose(words), only)
    root = data_root()
    run = Run(out, size, seed, root.resolve() if root else None)
    with alone(out):
        started = _begin(out, fresh)
        with display(len(chosen.experiments), stream) as shown:
            outcomes = run_all(run, chosen.experiments, shown)
        document = files.assemble(run, outcomes, chosen.broken, started=started, only=only)
        files.attach(run, outcomes, document)
        digest = files.write(out, document)
        shutil.rmtree(out / PARTIAL)
    return Accepted(document, digest, files.exit_code(document))


def _begin(out: Path, fresh: bool) -> str:
    """Make the folders; when this run, or the interrupted one that it continues, started."""
    stamp = out / PARTIAL / "started"
    try:
        if fresh and stamp.parent.exists():
            shutil.rmtree(stamp.parent)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        if not stamp.exists():
            write_atomically(stamp, files.now().encode())
        return stamp.read_text(encoding="utf-8")
    except OSError as error:
        raise LingnanError(f"the report cannot be written to {out}: {error.strerror}") from error


def finished_of(out: Path) -> int:
    """How many experiments an interrupted run left finished in `out`."""
    return len(list((out / PARTIAL).glob("*/result.json")))
