"""The first N drives, scenes or worlds of a row at full size, where all of them take too long.

`python -m positioning.acceptance.part S4-D3-R4/gospa-clear 5` tells what the report would, of the
same seeds in the same order. It is no verdict.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.acceptance.catalogue import matches
from common.acceptance.experiment import Context
from common.acceptance.measurement import Measurement
from common.errors import LingnanError
from positioning.acceptance import EXPERIMENTS, fusion, video, video_tracks

COUNTS: dict[str, dict[str, Any]] = {
    "S4-D3-R4/gospa-": fusion.DRIVES,
    "S4-D3-K4/": fusion.SCENE_DRIVES,
    "S4-D3-R2/idf1-": video_tracks.DRIVES,
    "S4-D3-R2/int8-loss": video.WORLDS,
}
"""Leading parts of ids: the table that says how many, of each condition or by scene."""


def measure(prefix: str, count: int, seed: int = 7) -> Mapping[str, Measurement]:
    """The rows of the experiments that `prefix` names, of the first `count` of each condition.

    LingnanError for rows of which no part can be had, and for a count that is not one.
    """
    known = next((key for key in COUNTS if prefix.startswith(key)), None)
    chosen = [one for one in EXPERIMENTS if any(matches(i.id, prefix) for i in one.indicators)]
    if known is None or not chosen:
        raise LingnanError(f"no part of {prefix!r} is known; of these: {', '.join(COUNTS)}")
    every = COUNTS[known]["full"]
    most = min(every.values()) if isinstance(every, dict) else every
    if not 1 <= count <= most:
        raise LingnanError(f"{count} of {prefix}: there are 1 to {most}")
    found: dict[str, Measurement] = {}
    COUNTS[known]["full"] = dict.fromkeys(every, count) if isinstance(every, dict) else count
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for one in chosen:
                found.update(one.run(Context("full", seed, None, Path(scratch))))
    finally:
        COUNTS[known]["full"] = every
    return found


def main(words: Sequence[str] | None = None) -> int:
    """The rows as lines of text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("id", help="an id or its beginning, as `lingnan accept --only` takes it")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(words)
    try:
        rows = measure(given.id, given.count, given.seed)
    except LingnanError as error:
        print(error, file=sys.stderr)
        return 2
    for key, row in rows.items():
        bounds = "" if row.low is None else f" ({row.low:.4g} to {row.high:.4g})"
        value = "not measured" if row.value is None else f"{row.value:.4g}"
        print(f"{key} {value}{bounds}, n {row.n}, simulated. {row.note}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
