"""One row of acceptance.json, and how a measurement is kept on the disk until the report is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.acceptance.figures import Figure, Picture, Plot
from common.acceptance.indicator import Indicator
from common.acceptance.measurement import Measurement
from common.acceptance.verdict import judge


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the report; the fields are acceptance.json's, in its order."""

    id: str
    direction: str
    claim: str
    guide: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str
    comparator: str
    target: float
    evidence: str
    verdict: str
    method: str
    data_sha256: str
    seed: int | None
    seconds: float
    note: str


def make_row(
    indicator: Indicator,
    measurement: Measurement,
    *,
    direction: str,
    seed: int | None,
    seconds: float,
) -> Row:
    """The row of one measured indicator; `seconds` is its whole experiment's. seed: None where
    nothing was drawn."""
    return Row(
        id=indicator.id,
        direction=direction,
        claim=indicator.claim,
        guide=indicator.guide,
        value=measurement.value,
        low=measurement.low,
        high=measurement.high,
        n=measurement.n,
        unit=indicator.unit,
        comparator=indicator.comparator,
        target=indicator.target,
        evidence=indicator.evidence,
        verdict=judge(indicator, measurement),
        method=indicator.method,
        data_sha256=measurement.data_sha256,
        seed=seed,
        seconds=round(seconds, 1),
        note=measurement.note,
    )


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside `path`, flush to the disk and rename: `path` is the old or the new, whole."""
    aside = path.with_name(path.name + ".new")
    with aside.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)


def dump(value: Any) -> bytes:
    """JSON as every file of a report has it: UTF-8, indented, no NaN."""
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def save_figure(figure: Figure, folder: Path) -> dict[str, str]:
    """Write a figure under its hash; the returned entry names the file and tells what it shows."""
    if isinstance(figure, Picture):
        data, ending, shows = figure.data, figure.media_type.split("/")[1], figure.caption
    else:
        data, ending, shows = dump(asdict(figure)), "json", figure.title
    name = f"{hashlib.sha256(data).hexdigest()}.{ending}"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / name, data)
    return {"file": f"{folder.name}/{name}", "shows": shows}


def save_measurements(measurements: Mapping[str, Measurement], folder: Path) -> dict[str, Any]:
    """Measurements as JSON, their figures as files below folder/figures."""
    return {
        key: {
            "value": m.value,
            "low": m.low,
            "high": m.high,
            "n": m.n,
            "data_sha256": m.data_sha256,
            "note": m.note,
            "figures": [save_figure(figure, folder / "figures") for figure in m.figures],
        }
        for key, m in measurements.items()
    }


def load_measurement(kept: Mapping[str, Any]) -> Measurement:
    """A measurement as `save_measurements` kept it, without its figures."""
    return Measurement(**{key: value for key, value in kept.items() if key != "figures"})


def load_plot(data: bytes) -> Plot:
    """A plot as `save_figure` wrote it."""
    from common.acceptance.figures import ReferenceLine, Series

    kept = json.loads(data)
    kept["series"] = tuple(Series(**series) for series in kept["series"])
    kept["lines"] = tuple(ReferenceLine(**line) for line in kept["lines"])
    return Plot(**kept)
