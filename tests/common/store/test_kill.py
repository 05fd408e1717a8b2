"""`kill -9` at a random moment, a hundred times: nothing acknowledged is lost or changed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.store.records import Records

pytestmark = [pytest.mark.common, pytest.mark.slow]
RUNS, SEED = 100, 20240
CHILD = Path(__file__).with_name("killed.py")


def _acknowledged(path: Path, run: str, alive_s: float) -> list[tuple[int, int, int]]:
    """(id, worker, number) of each line the child printed before it was killed."""
    with subprocess.Popen(
        [sys.executable, str(CHILD), str(path), run], stdout=subprocess.PIPE, bufsize=0
    ) as child:
        assert child.stdout is not None
        assert child.stdout.read(3) == b"up\n"
        time.sleep(alive_s)
        child.kill()
        lines = child.stdout.read().decode().splitlines()
    return [tuple(map(int, line.split())) for line in lines]  # type: ignore[misc]


@pytest.mark.timeout(150)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Half of the runs reopen one growing store, half start a new one (killed while made too)."""
    rng = random.Random(SEED)
    acknowledged = 0
    grown: dict[int, dict[str, object]] = {}
    for run in range(RUNS):
        path = tmp_path / ("grown.sqlite" if run % 2 else f"{run}.sqlite")
        expected = grown if run % 2 else {}
        for record_id, worker, number in _acknowledged(path, str(run), rng.uniform(0, 0.12)):
            assert record_id not in expected, "an id was given twice"
            expected[record_id] = {"run": str(run), "worker": worker, "number": number}
            acknowledged += 1
        with Records(path) as records:
            stored = {record.id: record.payload for record in records.query(limit=10**9)}
        assert expected.items() <= stored.items(), f"lost in run {run} (seed {SEED})"
    assert acknowledged > RUNS  # else the kills came before anything was stored
