"""The report as one self-contained HTML page: nothing on it is fetched from anywhere.

The page's frame, style and script lie in `page/`; whatever comes from a row goes through `escape`.
The content security policy allows the one script by its hash and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from common.acceptance import format as form
from common.acceptance.palette import css
from common.acceptance.plots import svg
from common.acceptance.rows import load_plot
from common.acceptance.strip import strip
from common.acceptance.verdict import VERDICTS
from common.errors import MissingExtraError

Row = Mapping[str, Any]
PAGE = Path(__file__).with_name("page")
MARKS = {"met": "✓", "on track": "◐", "not met": "✕", "not measured": "–"}
MEANING = {
    "met": "the 95 % bound on the worse side holds the target",
    "on track": "the value holds the target, the sample is too small for the bound",
    "not met": "the value does not hold the target",
    "not measured": "cannot be honestly measured here; the reason is given",
}
COLUMNS = ("Indicator", "Claim", "Measured", "n", "Target", "Evidence", "Verdict")


def page(document: Mapping[str, Any], sha256: str, folder: Path) -> str:
    """The page for acceptance.json's content; figures are read from below `folder`.

    sha256: hash of acceptance.json, printed on the page for the signature.
    """
    rows: list[Row] = document["rows"]
    script = (PAGE / "report.js").read_text(encoding="utf-8")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template((PAGE / "report.html").read_text(encoding="utf-8")).substitute(
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'",
        style=css() + (PAGE / "report.css").read_text(encoding="utf-8"),
        script=script,
        date=escape(document["finished"][:10]),
        version=escape(document["lingnan"]),
        sha256=escape(sha256),
        summary=_summary(document),
        stopped=_stopped(document["stopped"]),
        provenance=_facts(_provenance(document)),
        versions=_facts(document["versions"].items()),
        meaning=_facts((verdict, MEANING[verdict]) for verdict in VERDICTS),
        verdict_options=_options(v for v in VERDICTS if any(r["verdict"] == v for r in rows)),
        direction_options=_options(sorted({row["direction"] for row in rows})),
        head="".join(f'<th role="columnheader" scope="col">{name}</th>' for name in COLUMNS),
        rows="".join(map(_table_row, rows)),
        sections=_sections(document, folder),
    )


def chip(verdict: str) -> str:
    """A verdict with its mark, so that the colour is not what tells it."""
    name = escape(verdict)
    return (
        f'<span class="chip {name.replace(" ", "-")}">'
        f'<span aria-hidden="true">{MARKS[verdict]}</span> {name}</span>'
    )


def anchor(row_id: str) -> str:
    """The fragment that leads to a row's section."""
    return "row-" + row_id.replace("/", "--")


def _summary(document: Mapping[str, Any]) -> str:
    counts = document["verdicts"]
    return "".join(
        f'<li class="{v.replace(" ", "-")}"><b>{counts[v]}</b> '
        f'<span aria-hidden="true">{MARKS[v]}</span> {v}</li>'
        for v in VERDICTS
    )


def _stopped(stopped: Mapping[str, str]) -> str:
    if not stopped:
        return ""
    items = "".join(f"<li><b>{escape(k)}</b>: {escape(v)}</li>" for k, v in stopped.items())
    return f'<aside class="stopped"><h2>Could not run</h2><ul>{items}</ul></aside>'


def _provenance(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    machine = document["machine"]
    memory = f"{machine['cores']} cores, {machine['memory_gib']} GiB"
    return [
        *_order(document),
        ("Started", document["started"]),
        ("Finished", document["finished"]),
        ("Commit", document["commit"] or "not a checkout"),
        ("Machine", f"{machine['cpu']} ({machine['architecture']}), {memory}"),
        ("System", machine["system"]),
    ]


def _order(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was asked for; without a seed, what somebody measured on parts of their own."""
    if document["seed"] is None:
        return [("Measured", document["size"])]
    only = f", only {document['only']}" if document["only"] else ""
    return [("Size", document["size"] + only), ("Seed", str(document["seed"]))]


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(key)}</dt><dd>{escape(told)}</dd>" for key, told in pairs)


def _options(values: Iterable[str]) -> str:
    return "".join(f"<option>{escape(value)}</option>" for value in values)


def _table_row(row: Row) -> str:
    bounds = form.interval(row)
    measured = f'<b class="value">{escape(form.value(row))}</b>'
    measured += f' <span class="bounds">{escape(bounds)}</span>' if bounds else ""
    cells = (
        f'<a href="#{escape(anchor(row["id"]))}">{_pieces(row["id"])}</a>'
        f'<span class="direction">{escape(row["direction"])}</span>',
        f'{escape(row["claim"])}<span class="guide" lang="zh-Hans">{escape(row["guide"])}</span>',
        measured + strip(row),
        f"{row['n']:,}" if row["n"] else "—",
        escape(form.target(row)),
        f'<span class="evidence">{escape(row["evidence"])}</span>',
        chip(row["verdict"]),
    )
    body = "".join(
        f'<td role="cell" data-label="{name}">{cell}</td>'
        for name, cell in zip(COLUMNS, cells, strict=True)
    )
    return (
        f'<tr role="row" data-verdict="{escape(row["verdict"])}" '
        f'data-direction="{escape(row["direction"])}">{body}</tr>'
    )


def _pieces(row_id: str) -> str:
    """An id that breaks after its strokes and nowhere else."""
    pieces = escape(row_id).split("/")
    return "/<wbr>".join(f'<span class="piece">{piece}</span>' for piece in pieces)


def _sections(document: Mapping[str, Any], folder: Path) -> str:
    seen: dict[str, str] = {}
    parts = []
    for row in document["rows"]:
        figures = document["figures"].get(row["id"], [])
        shown = "".join(_figure(figure, row["id"], folder, seen) for figure in figures)
        parts.append(_section(row, shown))
    return "".join(parts)


def _section(row: Row, figures: str) -> str:
    facts = [
        ("Measured", form.value(row)),
        ("95 % bounds", form.interval(row)),
        ("Target", form.target(row)),
        ("n", f"{row['n']:,}" if row["n"] else ""),
        ("Evidence", row["evidence"]),
        ("Method", row["method"]),
        ("Note", row["note"]),
        ("Data SHA-256", row["data_sha256"]),
        ("Experiment", f"{row['seconds']:g} s" + _seed(row)),
    ]
    body = _facts((key, told) for key, told in facts if told)
    return (
        f'<article id="{escape(anchor(row["id"]))}" data-verdict="{escape(row["verdict"])}" '
        f'data-direction="{escape(row["direction"])}">'
        f"<h3>{escape(row['id'])} {chip(row['verdict'])}</h3><p>{escape(row['claim'])}"
        f'<span class="guide" lang="zh-Hans">{escape(row["guide"])}</span></p>'
        f'<dl class="facts">{body}</dl>'
        + (f'<div class="figures">{figures}</div>' if figures else "")
        + "</article>"
    )


def _seed(values: Row) -> str:
    return "" if values["seed"] is None else f", seed {values['seed']}"


def _figure(figure: Mapping[str, str], row_id: str, folder: Path, seen: dict[str, str]) -> str:
    """A figure, or a link to the row that already shows the same one."""
    name, shows = figure["file"], escape(figure["shows"])
    if name in seen:
        first = seen[name]
        return f'<p class="again">{shows}: see <a href="#{anchor(first)}">{escape(first)}</a></p>'
    seen[name] = row_id
    data = (folder / name).read_bytes()
    if not name.endswith(".json"):
        source = f"data:image/{name.rpartition('.')[2]};base64,{base64.b64encode(data).decode()}"
        drawn = f'<img src="{source}" alt="{shows}" loading="lazy">'
    else:
        drawn = _plot(data, f"figure-{len(seen)}")
    return f"<figure>{drawn}<figcaption>{shows}</figcaption></figure>"


def _plot(data: bytes, prefix: str) -> str:
    try:
        return svg(load_plot(data), prefix)
    except MissingExtraError as error:
        points = sum(len(series["x"]) for series in json.loads(data)["series"])
        return f'<p class="missing">A plot of {points} points. {escape(str(error))}</p>'
