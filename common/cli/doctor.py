"""`lingnan doctor`: what is installed, what is missing, what is broken."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter


def doctor(
    *,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="print JSON")] = False,
) -> int:
    """Look at the installation and the machine; exit 1 where something essential is broken."""
    from common.cli.checks import every
    from common.cli.output import print_json, print_table

    found = list(every())
    faults = [check for check in found if check.state == "fault"]
    if as_json:
        print_json({"sound": not faults, "checks": [asdict(check) for check in found]})
    else:
        print_table(("", "about", ""), [(c.state, c.about, c.told) for c in found])
        names = ", ".join(check.about for check in faults)
        print(f"\nbroken: {names}" if faults else "\nnothing essential is broken")
    return int(bool(faults))
