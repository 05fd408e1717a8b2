"""Puts a report's rows into a README, so that no number there is typed by hand.

    python -m common.acceptance.markdown out/acceptance inspection inspection/README.md

replaces what stands between the two comments `<!-- measured -->` and `<!-- /measured -->`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.acceptance import format as told
from common.acceptance.document import read
from common.errors import LingnanError

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
HEAD = "| indicator | claim | measured | 95 % bounds | target | n | evidence | verdict |"


def table(document: Mapping[str, Any], direction: str) -> str:
    """The direction's rows as a table, with what they were measured on."""
    rows = [row for row in document["rows"] if row["direction"] == direction]
    machine = document["machine"]
    source = (
        f"`lingnan accept`, size {document['size']}, seed {document['seed']}, "
        f"{machine['cpu']}, {machine['cores']} cores, {document['started'][:10]}."
    )
    return "\n".join([HEAD, "|" + "---|" * 8, *map(_line, rows), "", source])


def replace(text: str, table: str) -> str:
    """`text` with the table between the two comments. ValueError when they are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _line(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        cells = [row["id"], row["claim"], "not measured", "", told.target(row), "", row["evidence"]]
        return "| " + " | ".join([*cells, row["note"]]) + " |"
    cells = [row["id"], row["claim"], told.value(row), told.interval(row), told.target(row)]
    return "| " + " | ".join([*cells, f"{row['n']:,}", row["evidence"], row["verdict"]]) + " |"


def main(words: Sequence[str]) -> int:
    """Report folder, direction, README."""
    if len(words) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    report, direction, readme = Path(words[0]), words[1], Path(words[2])
    try:
        document, _ = read(report)
        text = replace(readme.read_text(encoding="utf-8"), table(document, direction))
    except (LingnanError, OSError, ValueError) as error:
        print(f"{readme}: {error}", file=sys.stderr)
        return 2
    readme.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
