"""`lingnan case-sheet`: a sheet whose numbers all come from a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def case_sheet(
    report: Annotated[Path, Parameter(help="folder that lingnan accept wrote")],
    template: Annotated[Path, Parameter(help="text with fields such as {{row:S4-D1-K3.value}}")],
    *,
    out: Annotated[Path | None, Parameter(help="file to write; standard output without")] = None,
) -> None:
    """Fill the template's fields; refuse it where it states a number of its own."""
    from common.acceptance.casesheet import fill
    from common.acceptance.rows import write_atomically
    from common.outputs import check_output

    if out is not None:
        check_output(out, template)
    text = fill(report, template)
    if out is None:
        print(text, end="")
    else:
        write_atomically(out, text.encode())
        print(f"written: {out}")
