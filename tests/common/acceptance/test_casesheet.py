"""Case sheets: numbers come from rows or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from common.acceptance.casesheet import CaseSheetError, fill, number_in, render
from common.acceptance.ground.sheets import in_chinese, in_english
from common.acceptance.measurement import not_measured
from common.acceptance.rows import make_row

from ..conftest import Lingnan
from .rows import DATA, indicator

pytestmark = pytest.mark.common


@pytest.fixture
def document() -> dict[str, Any]:
    from dataclasses import asdict

    from common.acceptance.ground.sheets import example

    missing = make_row(indicator(id="T-9"), not_measured("no hospital"), direction="x", seed=1, seconds=0)  # fmt: skip  # noqa: E501
    base = example()
    return {**base, "rows": [*base["rows"], asdict(missing)]}


def test_fields_are_filled_and_simulation_is_told(document: dict[str, Any]) -> None:
    text = render(
        "Passed: {{row:S3-G1/passed.value}}, bounds {{row:S3-G1/passed.bounds}}, "
        "{{row:S3-G1/passed.verdict}}.",
        document,
        DATA,
    )
    assert "Passed: 99.7 % (simulated), bounds 99.23 to 99.92 %, met." in text
    assert f"acceptance report {DATA}" in text


@pytest.mark.parametrize(
    "line",
    [
        "misses 3", "漏检率为0.3%", "漏检率千分之三", "３条产线", "٣ lines", "x² more", "Ⅳ lines",
        "twenty lines", "ninety-nine percent", "两条产线", "一百台", "twice as fast",
    ],
)  # fmt: skip
def test_a_number_of_its_own_is_refused(line: str, document: dict[str, Any]) -> None:
    with pytest.raises(CaseSheetError, match=r"line 2: .* no report gives"):
        render(f"A sheet\n{line} {{{{row:S3-G1/passed.value}}}}", document, DATA)


@pytest.mark.parametrize(
    "line", ["No one knows", "统一平台，进一步推广", "由第三方检测", "weight, often, tent",
     "a third-party test"]
)  # fmt: skip
def test_words_without_a_number_pass(line: str) -> None:
    assert number_in(line) == ""


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("row:T-404.value", "no row"),
        ("row:S3-G1/passed.seed", "no field"),
        ("row:T-9.value", "not measured: no hospital"),
        ("99", "no row"),
    ],
)
def test_fields_that_nothing_measured_are_refused(
    field: str, told: str, document: dict[str, Any]
) -> None:
    with pytest.raises(CaseSheetError, match=told):
        render(f"{{{{{field}}}}}", document, DATA)


def test_without_a_report_there_is_no_sheet(tmp_path: Path, document: dict[str, Any]) -> None:
    with pytest.raises(CaseSheetError, match="report id"):
        render("x", document, "")
    (tmp_path / "t.md").write_bytes(b"\xff\xfe")
    with pytest.raises(CaseSheetError, match="UTF-8"):
        fill(tmp_path, tmp_path / "t.md")


def test_the_command_writes_what_the_report_says(lingnan: Lingnan, tmp_path: Path) -> None:
    lingnan("accept", "fake", "--only", "T-RUN-public", "--out", "p")
    (tmp_path / "good.md").write_text("Missed: {{row:T-RUN-public.value}}\n")
    (tmp_path / "bad.md").write_text("Missed: 0.1 %\n")
    assert "Missed: 0 % (simulated)" in lingnan("case-sheet", "p", "good.md").stdout
    refused = lingnan("case-sheet", "p", "bad.md", "--out", "sheet.md")
    assert refused.returncode == 2
    assert "bad.md, line 1" in refused.stderr
    assert not (tmp_path / "sheet.md").exists()


def test_the_template_is_not_written_over(lingnan: Lingnan, tmp_path: Path) -> None:
    template = tmp_path / "t.md"
    template.write_text("{{row:S4-D1-K3.value}}\n")
    done = lingnan("case-sheet", tmp_path, template, "--out", template)
    assert done.returncode == 2 and "name another file" in done.stderr
    assert template.read_text() == "{{row:S4-D1-K3.value}}\n"


def test_numbers_are_said_as_they_are_said() -> None:
    said = {
        7: "七",
        10: "一十",
        47: "四十七",
        3047: "三千零四十七",
        9990: "九千九百九十",
        5001: "五千零一",
    }
    assert {n: in_chinese(n) for n in said} == said
    assert {in_english(n) for n in (1, 3)} == {"twenty-three", "five"}
