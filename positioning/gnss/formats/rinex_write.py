"""RINEX 3.04 out of arrays, for other programs to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from positioning.gnss.navigation import Message, NavigationMessages, Records
from positioning.gnss.observations import Observations
from positioning.gnss.satellite import BANDS, GLONASS_HZ, SYSTEMS, decode
from positioning.gnss.time import BEIDOU_WEEKS, calendar, leap_seconds, shifted

_Signals = dict[str, list[str]]
_MOST_TYPES = 13
_SOURCES = {Message.INAV: 517.0, Message.FNAV: 258.0}  # of Galileo's data, where not told


def write_observations(path: Path, observations: Observations, *, marker: str = "LINGNAN") -> None:
    """Write RINEX 3.04 observations; mm, thousandths of a cycle, of a Hz and of a dB-Hz remain.

    Raises ValueError where a phase has more digits than the format's ten.
    """
    if np.nanmax(np.abs(observations.phase_cycles), initial=0) >= 1e10:
        raise ValueError("a phase has over ten digits; take whole cycles off it first")
    signals = _signals(observations)
    lines = [*_observation_header(observations, signals, marker), *_epochs(observations, signals)]
    Path(path).write_text("\n".join(lines) + "\n", encoding="ascii")


def write_navigation(path: Path, messages: NavigationMessages) -> None:
    """Write RINEX 3.04 navigation messages, all systems in one file."""
    lines = list(_navigation_header(messages))
    for record in messages.kepler:
        lines += _kepler_lines(record)
    for record in messages.glonass:
        lines += _glonass_lines(record)
    Path(path).write_text("\n".join(lines) + "\n", encoding="ascii")


def _labelled(text: str, label: str) -> str:
    return f"{text:60.60}{label}"


def _signals(observations: Observations) -> _Signals:
    """System letter -> its signals, in the order of their columns."""
    systems = observations.satellite // 100
    return {
        SYSTEMS[s]: [x.decode() for x in np.unique(observations.signal[systems == s]) if x]
        for s in np.unique(systems)
    }


def _observation_header(
    observations: Observations, signals: _Signals, marker: str
) -> Iterator[str]:
    yield _labelled("     3.04           OBSERVATION DATA    M", "RINEX VERSION / TYPE")
    yield _labelled(f"{'lingnan':60}", "PGM / RUN BY / DATE")
    yield _labelled(marker, "MARKER NAME")
    position = observations.approx_position_m
    x, y, z = np.zeros(3) if position is None else position
    yield _labelled(f"{x:14.4f}{y:14.4f}{z:14.4f}", "APPROX POSITION XYZ")
    yield _labelled(f"{0:14.4f}{0:14.4f}{0:14.4f}", "ANTENNA: DELTA H/E/N")
    for letter, columns in signals.items():
        types = [kind + signal for signal in columns for kind in "CLDS"]
        for at in range(0, len(types), _MOST_TYPES):
            head = f"{letter}  {len(types):3d}" if at == 0 else " " * 6
            row = "".join(f" {code}" for code in types[at : at + _MOST_TYPES])
            yield _labelled(head + row, "SYS / # / OBS TYPES")
    y4, mo, d, h, mi, s = calendar(int(observations.week[0]), float(observations.tow_s[0]))
    first = f"{y4:6d}{mo:6d}{d:6d}{h:6d}{mi:6d}{s:13.7f}     GPS"
    yield _labelled(first, "TIME OF FIRST OBS")
    yield from _channels(observations)
    yield _labelled("", "END OF HEADER")


def _channels(observations: Observations) -> Iterator[str]:
    here = observations.satellite // 100 == SYSTEMS.index("R")
    centre, step = GLONASS_HZ["1"]
    channels = (observations.frequency_hz[here, 0] - centre) / step
    known = np.isfinite(channels)
    pairs = {
        decode(int(s)): round(float(c))
        for s, c in zip(observations.satellite[here][known], channels[known], strict=True)
    }
    texts = [f"{name} {channel:2d} " for name, channel in sorted(pairs.items())]
    for at in range(0, len(texts), 8):
        count = f"{len(texts):3d} " if at == 0 else "    "
        yield _labelled(count + "".join(texts[at : at + 8]), "GLONASS SLOT / FRQ #")


def _epochs(observations: Observations, signals: _Signals) -> Iterator[str]:
    columns = {letter: {c: k for k, c in enumerate(listed)} for letter, listed in signals.items()}
    names = [decode(int(s)) for s in observations.satellite]
    for e in range(len(observations)):
        low, high = int(observations.first[e]), int(observations.first[e + 1])
        week, tow = int(observations.week[e]), round(float(observations.tow_s[e]), 7)
        year, month, day, hour, minute, second = calendar(*shifted(week, tow, 0.0))
        time = f"{year:4d} {month:02d} {day:02d} {hour:02d} {minute:02d}{second:11.7f}"
        yield f"> {time}  0{high - low:3d}"
        for row in range(low, high):
            yield names[row] + _row(observations, row, columns[names[row][0]])


def _row(observations: Observations, row: int, columns: dict[str, int]) -> str:
    fields = [" " * 64] * len(columns)
    for slot in range(BANDS):
        signal = observations.signal[row, slot].decode()
        if signal:
            fields[columns[signal]] = _fields(observations, row, slot)
    return "".join(fields).rstrip()


def _fields(observations: Observations, row: int, slot: int) -> str:
    cn0 = float(observations.cn0_dbhz[row, slot])
    strength = str(min(max(int(cn0 // 6), 1), 9)) if cn0 == cn0 else " "
    lost = int(observations.slip[row, slot]) + 2 * int(observations.half_cycle[row, slot])
    return (
        _number(observations.code_m[row, slot], " ", strength)
        + _number(observations.phase_cycles[row, slot], str(lost) if lost else " ", strength)
        + _number(observations.doppler_hz[row, slot], " ", " ")
        + _number(cn0, " ", " ")
    )


def _number(value: float, lost: str, strength: str) -> str:
    return f"{value:14.3f}{lost}{strength}" if value == value else " " * 16


def _navigation_header(messages: NavigationMessages) -> Iterator[str]:
    yield _labelled("     3.04           N: GNSS NAV DATA    M: MIXED", "RINEX VERSION / TYPE")
    yield _labelled("lingnan", "PGM / RUN BY / DATE")
    for name, values in messages.ionosphere.items():
        row = "".join(f"{v:12.4E}" for v in values)
        yield _labelled(f"{name:4} {row}", "IONOSPHERIC CORR")
    yield _labelled(f"{messages.leap_s:6d}", "LEAP SECONDS")
    yield _labelled("", "END OF HEADER")


def _first_line(satellite: int, week: int, second: float, values: Sequence[Any]) -> str:
    year, month, day, hour, minute, s = calendar(*shifted(week, round(second), 0.0))
    time = f"{year:4d} {month:02d} {day:02d} {hour:02d} {minute:02d} {round(s):02d}"
    return f"{decode(satellite)} {time}" + "".join(f"{v:19.12E}" for v in values)


def _kepler_lines(record: Records) -> list[str]:
    r = record
    is_beidou = r["satellite"] // 100 == SYSTEMS.index("C")
    week = r["toe_week"] - (BEIDOU_WEEKS if is_beidou else 0)
    source = float(r["source"]) or _SOURCES.get(Message(int(r["message"])), 0.0)
    clock = [r["clock_bias_s"], r["clock_drift"], r["clock_drift_rate"]]
    rows: list[list[Any]] = [
        [r["issue"], r["crs"], r["delta_n"], r["m0"]],
        [r["cuc"], r["eccentricity"], r["cus"], r["sqrt_a"]],
        [r["toe_s"], r["cic"], r["omega0"], r["cis"]],
        [r["i0"], r["crc"], r["omega"], r["omega_dot"]],
        [r["idot"], source, float(week), r["flag"]],
        [r["accuracy_m"], r["health"], r["delay0_s"], r["delay1_s"]],
        [r["sent_s"], r["fit"]],
    ]
    first = _first_line(int(r["satellite"]), int(r["toc_week"]), float(r["toc_s"]), clock)
    return [first, *(_continued(row) for row in rows)]


def _continued(values: Sequence[Any]) -> str:
    return "    " + "".join(f"{v:19.12E}" for v in values)


def _glonass_lines(record: Records) -> list[str]:
    r = record
    year, month, *_ = calendar(int(r["toe_week"]), float(r["toe_s"]))
    week, second = shifted(int(r["toe_week"]), float(r["toe_s"]), -leap_seconds(year, month))
    clock = [r["clock_bias_s"], r["clock_drift"], r["sent_s"]]
    last = (r["health"], float(r["channel"]), r["age_days"])
    axes = ("position_m", "velocity_mps", "acceleration_mps2")
    rows: list[list[Any]] = [[*(r[name][k] / 1e3 for name in axes), last[k]] for k in range(3)]
    return [
        _first_line(int(r["satellite"]), week, second, clock),
        *(_continued(row) for row in rows),
    ]
