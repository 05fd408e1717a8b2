"""A case sheet whose every number comes from an acceptance report.

The template is text with fields `{{row:ID.FIELD}}`, e.g. `{{row:S4-D1-K3.value}}`, and
`{{report.id}}`, `{{report.date}}`. A number written out in the template, in digits of any script or
in words, is refused: it would come from no report. "one" and "一" pass, they are articles as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.acceptance import document as files
from common.acceptance import format as form
from common.errors import LingnanError

MAX_BYTES = 2**20
FIELDS = ("id", "claim", "guide", "value", "bounds", "target", "n", "evidence", "verdict", "method")
_FIELD = re.compile(r"\{\{([^{}]*)\}\}")
_CHINESE = "〇零二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟"
_CHINESE_NUMBER = re.compile(rf"三(?!方)|[{_CHINESE.replace('三', '')}]|一[{_CHINESE}]|分之")
_WORD = re.compile(
    r"(?<![A-Za-z])(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|"
    r"seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundreds?|thousands?|"
    r"millions?|billions?|dozens?|per\s?cent|percent|half|third(?!.part)|quarter|twice|thrice|"
    r"doubled?|tripled?|halved?|(?:two|three|ten)fold)(?![A-Za-z])",
    re.IGNORECASE,
)


class CaseSheetError(LingnanError):
    """A template states what no report row says; the message names line and words."""


def fill(report: Path, template: Path) -> str:
    """The template with its fields filled from the report folder; the report's id at its end."""
    if not template.is_file():
        lacks = "is no file" if template.exists() else "does not exist"
        raise CaseSheetError(f"{template} {lacks}")
    if template.stat().st_size > MAX_BYTES:
        raise CaseSheetError(f"{template} is over {MAX_BYTES} bytes, too large for a template")
    try:
        text = template.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CaseSheetError(f"{template} is not UTF-8: {error}") from error
    document, digest = files.read(report)
    return render(text, document, digest, str(template))


def render(text: str, document: Mapping[str, Any], report_id: str, name: str = "template") -> str:
    """`fill` on text and acceptance.json's content; report_id is the hash of acceptance.json."""
    if not re.fullmatch(r"[0-9a-f]{64}", report_id):
        raise CaseSheetError(f"{report_id!r} is no report id (the SHA-256 of acceptance.json)")
    rows = {row["id"]: row for row in document["rows"]}
    lines = []
    for place, line in enumerate(text.splitlines(), 1):
        if stated := number_in(_FIELD.sub(" ", line)):
            raise CaseSheetError(
                f"{name}, line {place}: {stated!r} is a number that no report gives; "
                "write {{row:ID.value}} instead"
            )
        try:
            lines.append(_FIELD.sub(lambda m: _value(m.group(1), rows, document, report_id), line))
        except CaseSheetError as error:
            raise CaseSheetError(f"{name}, line {place}: {error}") from error
    foot = f"Every number comes from acceptance report {report_id} ({document['finished']})."
    return "\n".join([*lines, "", foot, ""])


def number_in(text: str) -> str:
    """The first number stated in `text`, in digits of any script or in words; "" without one."""
    digit = next((c for c in text if unicodedata.category(c) in ("Nd", "Nl", "No")), "")
    found = _CHINESE_NUMBER.search(text) or _WORD.search(text)
    return digit or (found.group() if found else "")


def _value(
    field: str, rows: Mapping[str, Mapping[str, Any]], document: Mapping[str, Any], report_id: str
) -> str:
    if field == "report.id":
        return report_id
    if field == "report.date":
        return str(document["finished"])[:10]
    kind, _, where = field.strip().partition(":")
    key, _, name = where.rpartition(".")
    if kind != "row" or key not in rows:
        raise CaseSheetError(f"the report has no row for {{{{{field}}}}}")
    if name not in FIELDS:
        raise CaseSheetError(f"{name!r} is no field of a row; there are: {', '.join(FIELDS)}")
    return _shown(rows[key], name)


def _shown(row: Mapping[str, Any], name: str) -> str:
    """A field as the sheet says it: a value tells where it was not taken on real hardware."""
    if name in ("value", "bounds") and row["value"] is None:
        raise CaseSheetError(f"{row['id']} is not measured: {row['note']}")
    if name == "value":
        tag = "" if row["evidence"] == "real-hardware" else f" ({row['evidence']})"
        return form.value(row) + tag
    if name == "bounds":
        return form.interval(row) or "exact"
    return form.target(row) if name == "target" else str(row[name])
