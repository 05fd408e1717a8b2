"""Numbers as the report and the terminal write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SYMBOLS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">", "==": "="}


def number(value: float, unit: str) -> str:
    """Four significant digits with the unit; a fraction as per cent; thousands separated."""
    return f"{_digits(value, unit)} {_unit(unit)}".rstrip()


def _digits(value: float, unit: str) -> str:
    shown = value * 100 if unit == "fraction" else value
    return f"{shown:,.0f}" if abs(shown) >= 1000 else f"{shown:.4g}"


def _unit(unit: str) -> str:
    return {"fraction": "%", "1": ""}.get(unit, unit)


def value(row: Mapping[str, Any]) -> str:
    """The measured value of a row, or a dash."""
    return "—" if row["value"] is None else number(row["value"], row["unit"])


def interval(row: Mapping[str, Any]) -> str:
    """The bounds of a row, "" where it is not measured or exact, or has none."""
    if row["value"] is None or row["low"] == row["high"]:
        return ""
    return f"{_digits(row['low'], row['unit'])} to {number(row['high'], row['unit'])}"


def target(row: Mapping[str, Any]) -> str:
    """The target of a row with its comparator."""
    return f"{SYMBOLS[row['comparator']]} {number(row['target'], row['unit'])}"
