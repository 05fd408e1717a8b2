"""Acknowledged records a second, against the same database committed once a record.

`python -m common.store.bench` prints one JSON object; the folder to write in may be named, since
the disk decides the figure.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from common.store.records import Records

THREADS = (1, 4, 16)
PAYLOAD = {"part": "0042", "score": 0.25, "is_defective": False, "boxes_px": [[1, 2, 3, 4]]}


def acknowledged_per_s(folder: Path, threads: int, seconds: float) -> float:
    """Records a second when each thread waits for its acknowledgement before the next."""
    with Records(folder / f"group-{threads}.sqlite") as records:
        return _rate(lambda: records.put("bench", PAYLOAD, 0).result(), threads, seconds)


def single_commits_per_s(folder: Path, threads: int, seconds: float) -> float:
    """The peer: a lock around one record, one commit."""
    lock = threading.Lock()
    with Records(folder / f"single-{threads}.sqlite") as records:

        def put() -> None:
            with lock:
                records.put("bench", PAYLOAD, 0).result()

        return _rate(put, threads, seconds)


def _rate(put: Callable[[], object], threads: int, seconds: float) -> float:
    counts = [0] * threads
    start = time.perf_counter()

    def work(worker: int) -> None:
        while time.perf_counter() - start < seconds:
            put()
            counts[worker] += 1

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(threads)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def bench(folder: Path, seconds: float = 2.0) -> dict[str, dict[str, float]]:
    """Both rates and their ratio by number of threads."""
    found = {}
    for threads in THREADS:
        group = acknowledged_per_s(folder, threads, seconds)
        single = single_commits_per_s(folder, threads, seconds)
        found[f"{threads} threads"] = {
            "acknowledged_per_s": round(group, 1),
            "single_commits_per_s": round(single, 1),
            "ratio": round(group / single, 2),
        }
    return found


def main() -> None:
    """Measure in the folder named on the command line, else in a temporary one."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        sys.stdout.write(json.dumps(bench(Path(folder)), indent=2) + "\n")


if __name__ == "__main__":
    main()
