"""S3-G1: the case-sheet generator states no number that no report gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from common.acceptance.casesheet import CaseSheetError, render
from common.acceptance.experiment import Context, Experiment
from common.acceptance.hashing import content_hash
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement, rate
from common.acceptance.rows import make_row

GUIDE = "杜绝虚构和夸大"
REFUSED = Indicator(
    id="S3-G1/refused",
    claim="A case sheet that states a number without a report row is refused",
    guide=GUIDE,
    unit="fraction",
    comparator=">=",
    target=0.99,
    evidence="simulated",
    method="Random numbers written in ASCII, full-width, Arabic-Indic and Chinese digits and in "
    "Chinese and English words, put into sentences beside true fields; share refused",
)
PASSED = Indicator(
    id="S3-G1/passed",
    claim="A case sheet whose numbers all come from report rows is written",
    guide=GUIDE,
    unit="fraction",
    comparator=">=",
    target=0.99,
    evidence="simulated",
    method="The same sentences with a report field in the number's place; share written, with the "
    "row's value in it",
)
SENTENCES = (
    "The station misses {} of the defects, and no more.",
    "It inspects {} frames a second on one machine.",
    "漏检率为{}，由独立机构检测。",
    "系统已在{}条产线使用，效果稳定。",
    "Throughput rose by {} after the change.",
    "统一平台接入终端{}台，进一步推广。",
)
_CHINESE = "零一二三四五六七八九"
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ONES = ("two", "three", "four", "five", "six", "seven", "eight", "nine")


def in_chinese(number: int) -> str:
    """2 to 9,999 as it is said, e.g. 3,047 三千零四十七."""
    said, gap = "", False
    for place, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // place % 10
        if digit:
            said += ("零" if gap and said else "") + _CHINESE[digit] + unit
        gap = not digit
    return said


def in_english(number: int) -> str:
    """An English number word for each of 0 to 63, from two to ninety-nine."""
    return f"{_TENS[number // 8 % 8]}-{_ONES[number % 8]}" if number % 3 else _ONES[number % 8]


WRITERS: tuple[Callable[[int], str], ...] = (
    str,
    lambda n: f"{n / 100:.2f} %",
    lambda n: str(n).translate({ord("0") + i: 0xFF10 + i for i in range(10)}),
    lambda n: str(n).translate({ord("0") + i: 0x0660 + i for i in range(10)}),
    lambda n: "".join("〇一二三四五六七八九"[int(c)] for c in str(n + 10)),
    in_chinese,
    in_english,
)


def example() -> dict[str, Any]:
    """The content of a report with one row."""
    row = make_row(
        PASSED, rate(997, 1000, content_hash("x")), direction="common", seed=1, seconds=1
    )
    return {"rows": [asdict(row)], "finished": "2000-01-01T00:00:00+00:00"}


def run(context: Context) -> Mapping[str, Measurement]:
    """Measure both rows."""
    trials = 3000 if context.full else 700
    rng = np.random.default_rng([context.seed, 3])
    report_id, document = content_hash("report"), example()
    refused = passed = 0
    texts = []
    for done in range(trials):
        sentence = SENTENCES[rng.integers(len(SENTENCES))]
        number = WRITERS[done % len(WRITERS)](int(rng.integers(2, 10_000)))
        field = f"{{{{row:{PASSED.id}.value}}}}"
        texts.append(sentence.format(number))
        refused += _is_refused(f"{sentence.format(field)}\n{texts[-1]}", document, report_id)
        passed += "99.7 %" in render(sentence.format(field), document, report_id)
        context.progress(done + 1, trials, "sheets")
    digest = content_hash(*texts)
    return {REFUSED.id: rate(refused, trials, digest), PASSED.id: rate(passed, trials, digest)}


def _is_refused(text: str, document: Mapping[str, Any], report_id: str) -> bool:
    try:
        render(text, document, report_id)
    except CaseSheetError:
        return True
    return False


SHEETS = Experiment("sheets", (REFUSED, PASSED), run)
