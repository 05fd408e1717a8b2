"""`lingnan accept`: measure, report, verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from common.errors import LingnanError

OUT = Path("out/acceptance")


def accept(
    *directions: Annotated[str, Parameter(help="short command or folder; all where none is named")],
    size: Annotated[
        Literal["quick", "full"], Parameter(help="full has the n that the bounds need")
    ] = "quick",
    only: Annotated[str | None, Parameter(help="an indicator's id, or how it begins")] = None,
    out: Annotated[Path, Parameter(help="folder of the report")] = OUT,
    seed: Annotated[int, Parameter(help="the same seed gives the same numbers")] = 7,
    fresh: Annotated[
        bool, Parameter(negative="", help="forget what an interrupted run had done")
    ] = False,
    verify: Annotated[
        Path | None, Parameter(help="measure nothing; check the report in this folder")
    ] = None,
    sha256: Annotated[
        str | None, Parameter(help="with --verify: the hash of acceptance.json that was signed")
    ] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="print JSON")] = False,
) -> int:
    """Measure the indicators and write OUT/acceptance.json and OUT/index.html.

    Exit code 0: every measured row is met (at quick size, whose n is too small for some bounds,
    "on track" passes); 1: some row is not; 2: something could not run.
    """
    if verify is not None:
        return _verify(verify, sha256, as_json)
    if sha256 is not None:
        raise LingnanError("--sha256 needs --verify FOLDER")
    if seed < 0:
        raise LingnanError(f"--seed must be 0 or more, got {seed}")
    return _measure(directions, size, only, out, seed, fresh, as_json)


def _measure(
    words: tuple[str, ...],
    size: Literal["quick", "full"],
    only: str | None,
    out: Path,
    seed: int,
    fresh: bool,
    as_json: bool,
) -> int:
    from common.acceptance.accept import accept as measure
    from common.acceptance.accept import finished_of

    try:
        done = measure(words, out=out, size=size, seed=seed, only=only, fresh=fresh)
    except KeyboardInterrupt:
        kept = finished_of(out)
        print(
            f"lingnan: stopped; {kept} finished experiments are kept in {out}. "
            "The same command goes on from there (--fresh starts anew).",
            file=sys.stderr,
        )
        return 130
    if as_json:
        from common.cli.output import print_json

        print_json({**done.document, "sha256": done.sha256, "exit_code": done.code})
    else:
        _tell(done.document, done.sha256, out)
    return done.code


def _tell(document: dict[str, Any], digest: str, out: Path) -> None:
    from common.acceptance.format import interval, target, value
    from common.cli.output import print_table

    rows = [
        (
            row["id"],
            row["verdict"],
            value(row),
            interval(row),
            target(row),
            f"{row['n']:,}",
            row["evidence"],
        )
        for row in document["rows"]
    ]
    print_table(("indicator", "verdict", "measured", "bounds", "target", "n", "evidence"), rows)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in document["verdicts"].items())
    print(f"\n{counts}")
    for name, reason in document["stopped"].items():
        print(f"could not run: {name}: {reason}")
    print(f"report: {out / 'index.html'}\nSHA-256 of acceptance.json: {digest}")


def _verify(folder: Path, expected: str | None, as_json: bool) -> int:
    from common.acceptance.verify import verify
    from common.paths import data_root

    checked = verify(folder, data_root(), expected)
    if as_json:
        from common.cli.output import print_json

        print_json(
            {
                "sha256": checked.sha256,
                "intact": not checked.faults,
                "faults": list(checked.faults),
                "unchecked": list(checked.unchecked),
            }
        )
        return int(bool(checked.faults))
    for line in checked.faults:
        print(f"FAULT  {line}")
    for line in checked.unchecked:
        print(f"not checked: {line}")
    if not checked.faults:
        held = "" if expected else "; compare the hash with the one that was signed"
        print(f"{folder} is as it was written{held}")
    print(f"SHA-256 of acceptance.json: {checked.sha256}")
    return int(bool(checked.faults))
