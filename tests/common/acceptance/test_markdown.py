"""The table that goes into a README holds the report's numbers and nothing else changes."""

from __future__ import annotations

import pytest

from common.acceptance.markdown import BEGIN, END, main, replace, table

pytestmark = pytest.mark.common

ROW = {
    "id": "X-1",
    "direction": "inspection",
    "claim": "It works.",
    "value": 0.01,
    "low": 0.002,
    "high": 0.03,
    "n": 1234,
    "unit": "fraction",
    "comparator": "<=",
    "target": 0.05,
    "evidence": "simulated",
    "verdict": "met",
    "note": "",
}
DOCUMENT = {
    "size": "quick",
    "seed": 7,
    "started": "2026-01-02T03:04:05+00:00",
    "machine": {"cpu": "abacus", "cores": 2},
    "rows": [
        ROW,
        {**ROW, "id": "X-2", "value": None, "low": None, "high": None, "note": "no data"},
        {**ROW, "id": "Y-1", "direction": "other"},
    ],
}


def test_rows_of_the_direction_alone() -> None:
    lines = table(DOCUMENT, "inspection").splitlines()
    assert [line.split(" | ")[0] for line in lines[2:4]] == ["| X-1", "| X-2"]
    assert "1 %" in lines[2] and "0.2 to 3 %" in lines[2] and "1,234" in lines[2]
    assert "not measured" in lines[3] and lines[3].endswith("| no data |")
    assert lines[-1] == "`lingnan accept`, size quick, seed 7, abacus, 2 cores, 2026-01-02."
    assert "Y-1" not in "".join(lines)


def test_only_what_stands_between_the_comments_is_replaced() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = replace(text, "new")
    assert once == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert replace(once, "new") == once
    with pytest.raises(ValueError, match="has no"):
        replace("nothing here", "new")


def test_mistakes_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere", "inspection", "README.md"]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert main([]) == 2
