"""The page: self-contained, escaped, readable in light and dark; the plots on it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from common.acceptance import format as form
from common.acceptance import palette
from common.acceptance.document import now
from common.acceptance.figures import Picture, Plot, ReferenceLine, Series
from common.acceptance.machine import machine, versions
from common.acceptance.measurement import Measurement, not_measured, rate
from common.acceptance.report import page
from common.acceptance.rows import load_plot, make_row, save_figure
from common.acceptance.strip import strip

from .rows import DATA, indicator

pytestmark = pytest.mark.common
EVIL = "</td><script>alert('x')</script>\"'&$title"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


class Parsed(HTMLParser):
    """Every tag with its attributes, and the text without style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("style", "script"):
            self.text += data

    def all(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def plot(**other: Any) -> Plot:
    series = (
        Series("线 $a_1$", [1, 10, 100], [0.5, 0.7, 0.9], [0.4, 0.6, 0.8], [0.6, 0.8, 1.0]),
        Series("points", [1, 10, 100], [0.2, 0.3, 0.4], [0.1, 0.2, 0.3], [0.3, 0.4, 0.5], "points"),
        Series("steps", [1, 10, 100], [0.1, 0.2, 0.3], kind="step"),
    )
    lines = (ReferenceLine("target", 0.6), ReferenceLine("30 um", 30, "x"))
    return Plot(**{"title": EVIL, "x_label": "size [um]", "y_label": "rate", "series": series, "lines": lines, **other})  # fmt: skip  # noqa: E501


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    told = [
        (indicator(id="T-1/a", claim=EVIL, guide=EVIL), rate(0, 1000, DATA, EVIL)),
        (indicator(id="T-2", comparator=">=", target=100, unit="frames/s"),
         Measurement(1234.5, 1200.0, 1300.0, 12_345, DATA)),
        (indicator(id="T-3"), not_measured("No hospital takes part")),
    ]  # fmt: skip
    rows = [asdict(make_row(i, m, direction="x", seed=7, seconds=1.5)) for i, m in told]
    figures = [plot(), plot(x_log=True, y_log=True), Picture(PNG, EVIL)]
    kept = [save_figure(figure, tmp_path / "figures") for figure in figures]
    return {
        "lingnan": "0.1.0", "commit": None, "machine": machine(), "versions": versions(),
        "seed": 7, "size": "quick", "only": None, "started": now(), "finished": now(),
        "verdicts": {"met": 2, "on track": 0, "not met": 0, "not measured": 1},
        "stopped": {"x.y": EVIL}, "rows": rows, "figures": {"T-1/a": kept, "T-2": kept[:1]},
        "files": {},
    }  # fmt: skip


@pytest.fixture
def html(document: dict[str, Any], tmp_path: Path) -> str:
    pytest.importorskip("matplotlib")
    return page(document, DATA, tmp_path)


def test_nothing_is_fetched(html: str) -> None:
    parsed = Parsed(html)
    for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
        assert all(value.startswith(("data:", "#")) for value in parsed.all(name)), name
    assert not re.search(r"url\((?!#)|@import|https?://|//\w", html.replace("data:,", ""))
    policy = next(value for value in parsed.all("content") if "default-src" in value)
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_the_policy_allows_exactly_the_script_of_the_page(html: str) -> None:
    import base64
    import hashlib

    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_what_a_row_says_stays_text(html: str) -> None:
    parsed = Parsed(html)
    assert parsed.text.count(EVIL) >= 5
    assert Counter(tag for tag, _ in parsed.tags)["script"] == 1
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)


def test_ids_are_unique_and_every_reference_leads_somewhere(html: str) -> None:
    parsed = Parsed(html)
    ids = Counter(parsed.all("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    wanted = {value[1:] for value in parsed.all("href") if value.startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", html))
    assert len([name for name in wanted if name.startswith("figure-2-")]) > 2
    assert wanted <= ids.keys()


def test_a_figure_of_two_rows_is_drawn_once(html: str) -> None:
    assert len(re.findall(r'<svg viewBox="[^"]+" role="img"', html)) == 2
    assert 'see <a href="#row-T-1--a">' in html


def test_every_row_and_its_words_are_on_the_page(html: str, document: dict[str, Any]) -> None:
    text = Parsed(html).text
    for row in document["rows"]:
        for told in (row["id"].split("/")[-1], row["guide"], row["evidence"], row["verdict"]):
            assert told in text
    assert "1,234 frames/s" in text or "1,235 frames/s" in text
    assert "0 to 0.2991 %" in text
    assert "No hospital takes part" in text
    assert DATA in text


def test_without_matplotlib_the_page_is_written_and_names_the_extra(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = Parsed(page(document, DATA, tmp_path)).text
    assert "pip install 'lingnan[report]'" in text
    assert "A plot of 9 points" in text


def test_a_plot_survives_the_disk(tmp_path: Path) -> None:
    entry = save_figure(plot(), tmp_path / "figures")
    assert load_plot((tmp_path / entry["file"]).read_bytes()) == plot()


def test_the_curve_is_drawn_where_its_numbers_are() -> None:
    pytest.importorskip("matplotlib")
    from common.acceptance.plots import svg

    curve = Plot("t", "x", "y", (Series("s", [0, 1, 2, 3], [0.0, 1.0, 4.0, 9.0]),))
    drawn = svg(curve, "p")
    root = ElementTree.fromstring(drawn)  # well formed on its own
    paths = [e.get("d", "") for e in root.iter("path") if "--series-1" in e.get("style", "")]
    points = [[float(x) for x in pair] for pair in re.findall(r"[ML] ([\d.]+) ([\d.]+)", paths[0])]
    x0, y0 = points[0]
    x3, y3 = points[3]
    for (x, y), (wanted_x, wanted_y) in zip(points, [(0, 0), (1, 1), (2, 4), (3, 9)], strict=True):
        assert (x - x0) / (x3 - x0) == pytest.approx(wanted_x / 3, abs=1e-4)
        assert (y - y0) / (y3 - y0) == pytest.approx(wanted_y / 9, abs=1e-4)
    assert y3 < y0  # upwards on the page
    assert "#0" not in drawn  # no sentinel colour is left


def test_same_plot_same_bytes() -> None:
    pytest.importorskip("matplotlib")
    from common.acceptance.plots import svg

    assert svg(plot(), "p") == svg(plot(), "p")
    assert "10^" not in svg(plot(x_log=True, y_log=True), "p")


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_has_contrast(scheme: int) -> None:
    for ground in ("paper", "panel"):
        back = luminance(palette.COLOURS[ground][scheme])
        for name in ("ink", "muted", "accent", "met", "on-track", "not-met", "not-measured"):
            front = luminance(palette.COLOURS[name][scheme])
            ratio = (max(front, back) + 0.05) / (min(front, back) + 0.05)
            assert ratio >= 4.5, (name, ground, ratio)


def test_every_colour_of_the_style_has_a_value() -> None:
    style = (Path(palette.__file__).parent / "page" / "report.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--([\w-]+)\)", style)) - {"font", "mono", "tone"}
    assert used <= palette.COLOURS.keys()


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.00299128, "fraction", "0.2991 %"),
        (131.42, "frames/s", "131.4 frames/s"),
        (12345.6, "ms", "12,346 ms"),
        (0.0, "decisions", "0 decisions"),
        (2.5, "1", "2.5"),
    ],
)
def test_numbers_are_written_for_people(value: float, unit: str, told: str) -> None:
    assert form.number(value, unit) == told


def test_the_strip_shades_the_failing_side() -> None:
    def shaded(comparator: str, value: float) -> tuple[float, float, float]:
        row = {"value": value, "low": value, "high": value, "target": 1.0, "comparator": comparator}
        drawn = strip(row)
        found = re.search(r'x="([\d.]+)" y="0" width="([\d.]+)".*cx="([\d.]+)"', drawn)
        assert found is not None
        x, width, dot = map(float, found.groups())
        return x, x + width, dot

    for comparator, good, bad in (("<=", 0.5, 2.0), (">=", 2.0, 0.5)):
        start, end, dot = shaded(comparator, good)
        assert not start < dot < end
        start, end, dot = shaded(comparator, bad)
        assert start < dot < end
