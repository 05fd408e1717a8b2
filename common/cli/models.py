"""`lingnan models`: what is shipped, and whether its bytes are those of the manifest."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def models(
    *,
    verify: Annotated[
        bool, Parameter(negative="", help="hash every file; exit 1 where one disagrees")
    ] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="print JSON")] = False,
) -> int:
    """List the models of the installed directions as their manifests describe them."""
    return _verify(as_json) if verify else _list(as_json)


def _list(as_json: bool) -> int:
    from common.cli.output import print_json, print_table
    from common.runtime.models import shipped

    found = shipped()
    if as_json:
        cards = [
            {"direction": m.direction, "name": m.name, **m.card.model_dump(mode="json")}
            for m in found
        ]
        print_json(cards)
    else:
        rows = [
            (m.direction, m.name, f"{m.card.bytes / 1e6:.2f} MB", m.card.licence, m.card.data)
            for m in found
        ]
        print_table(("direction", "model", "size", "licence", "trained on"), rows)
    return 0


def _verify(as_json: bool) -> int:
    from common.cli.output import print_json, print_table
    from common.runtime.models import verify

    verdicts = verify()
    if as_json:
        print_json(
            [{"direction": v.direction, "models": v.models, "error": v.error} for v in verdicts]
        )
    else:
        rows = [(v.direction, str(v.models), v.error or "every file agrees") for v in verdicts]
        print_table(("direction", "models", "files"), rows)
    return int(any(verdict.error for verdict in verdicts))
