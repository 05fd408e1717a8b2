"""Ephemerides of RTCM 3 (messages 1019, 1020, 1042, 1044, 1045, 1046) as records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from positioning.gnss.formats import inav, lnav
from positioning.gnss.navigation import Message
from positioning.gnss.satellite import encode
from positioning.gnss.time import BEIDOU_WEEKS, LATEST_LEAP_S, WEEK_S, shifted

# RTCM data fields in the order of their messages, by the field of a record that they fill;
# pyrtcm has scaled them, angles are semicircles
_GPS = {
    "source": "DF078", "idot": "DF079", "issue": "DF071", "toc_s": "DF081",
    "clock_drift_rate": "DF082", "clock_drift": "DF083", "clock_bias_s": "DF084",
    "delay1_s": "DF085", "crs": "DF086", "delta_n": "DF087", "m0": "DF088", "cuc": "DF089",
    "eccentricity": "DF090", "cus": "DF091", "sqrt_a": "DF092", "toe_s": "DF093", "cic": "DF094",
    "omega0": "DF095", "cis": "DF096", "i0": "DF097", "crc": "DF098", "omega": "DF099",
    "omega_dot": "DF100", "delay0_s": "DF101", "health": "DF102", "flag": "DF103",
}  # fmt: skip
_GALILEO = {
    "issue": "DF290", "idot": "DF292", "toc_s": "DF293", "clock_drift_rate": "DF294",
    "clock_drift": "DF295", "clock_bias_s": "DF296", "crs": "DF297", "delta_n": "DF298",
    "m0": "DF299", "cuc": "DF300", "eccentricity": "DF301", "cus": "DF302", "sqrt_a": "DF303",
    "toe_s": "DF304", "cic": "DF305", "omega0": "DF306", "cis": "DF307", "i0": "DF308",
    "crc": "DF309", "omega": "DF310", "omega_dot": "DF311", "delay0_s": "DF312",
}  # fmt: skip
_BEIDOU = {
    "idot": "DF491", "issue": "DF492", "toc_s": "DF493", "clock_drift_rate": "DF494",
    "clock_drift": "DF495", "clock_bias_s": "DF496", "fit": "DF497", "crs": "DF498",
    "delta_n": "DF499", "m0": "DF500", "cuc": "DF501", "eccentricity": "DF502", "cus": "DF503",
    "sqrt_a": "DF504", "toe_s": "DF505", "cic": "DF506", "omega0": "DF507", "cis": "DF508",
    "i0": "DF509", "crc": "DF510", "omega": "DF511", "omega_dot": "DF512", "delay0_s": "DF513",
    "delay1_s": "DF514", "health": "DF515",
}  # fmt: skip
_QZSS = {
    "toc_s": "DF430", "clock_drift_rate": "DF431", "clock_drift": "DF432", "clock_bias_s": "DF433",
    "issue": "DF434", "crs": "DF435", "delta_n": "DF436", "m0": "DF437", "cuc": "DF438",
    "eccentricity": "DF439", "cus": "DF440", "sqrt_a": "DF441", "toe_s": "DF442", "cic": "DF443",
    "omega0": "DF444", "cis": "DF445", "i0": "DF446", "crc": "DF447", "omega": "DF448",
    "omega_dot": "DF449", "idot": "DF450", "source": "DF451", "health": "DF454",
    "delay0_s": "DF455", "delay1_s": "DF456", "flag": "DF457",
}  # fmt: skip
_ANGLES = ("delta_n", "m0", "omega0", "i0", "omega", "omega_dot", "idot")
_BEIDOU_ACCURACY_M = (
    2.4, 3.4, 4.85, 6.85, 9.65, 13.65, 24.0, 48.0, 96.0, 192.0, 384.0, 768.0, 1536.0, 3072.0,
    6144.0,
)  # fmt: skip
_GEOSTATIONARY = (1, 2, 3, 4, 5, 59, 60, 61, 62, 63)
_MOSCOW_S = 3 * 3600
_INAV_SOURCE, _FNAV_SOURCE = 513.0, 258.0


def kepler(message: Any, near_week: int) -> dict[str, Any]:
    """The record of a 1019, 1042, 1044, 1045 or 1046; near_week: a GPS week within 500 of it.

    ValueError, AttributeError or TypeError for a message that is not one.
    """
    record, week = _MAKERS[message.identity](message)
    cycle = {"1019": 1024, "1044": 1024, "1042": 8192}.get(message.identity, 4096)
    week += cycle * round((near_week - week) / cycle)
    record["toe_week"] = week
    record["toc_week"] = week + round((record["toe_s"] - record["toc_s"]) / WEEK_S)
    record["sent_s"] = record["toe_s"]  # RTCM does not tell when a message was sent
    return record


def glonass(message: Any, near: tuple[int, float], leap_s: int = LATEST_LEAP_S) -> dict[str, Any]:
    """The record of a 1020; near: a GPS time within half a day of its time of ephemeris."""
    of_day = int(message.DF110) * 900.0 - _MOSCOW_S + leap_s
    day, now = divmod(near[1], 86_400)
    of_week = (day + round((now - of_day) / 86_400)) * 86_400 + of_day
    week, toe_s = shifted(near[0], of_week, 0.0)
    told = {name: [float(getattr(message, f"DF{k}")) for k in ks] for name, ks in _STATE.items()}
    state = {name: [1e3 * v for v in values] for name, values in told.items()}
    return {
        "satellite": encode(f"R{int(message.DF038):02d}"),
        "channel": int(message.DF040) - 7,
        "toe_week": week,
        "toe_s": toe_s,
        "clock_bias_s": -math.ldexp(float(message.DF124), -30),
        "clock_drift": math.ldexp(float(message.DF121), -40),
        "sent_s": toe_s,
        "health": float(int(message.DF108)),
        "age_days": float(message.DF126),
        **state,
    }


_STATE = {
    "velocity_mps": (111, 114, 117),
    "position_m": (112, 115, 118),
    "acceleration_mps2": (113, 116, 119),
}


def _filled(message: Any, table: Mapping[str, str], name: str, kind: Message) -> dict[str, Any]:
    record: dict[str, Any] = {field: float(getattr(message, df)) for field, df in table.items()}
    for field in _ANGLES:
        record[field] *= math.pi
    return record | {"satellite": encode(name), "message": int(kind)}


def _gps(message: Any) -> tuple[dict[str, Any], int]:
    record = _filled(message, _GPS, f"G{int(message.DF009):02d}", Message.LNAV)
    record["accuracy_m"] = lnav.accuracy_m(int(message.DF077))
    record["fit"] = 6.0 if int(message.DF137) else 4.0
    return record, int(message.DF076)


def _qzss(message: Any) -> tuple[dict[str, Any], int]:
    record = _filled(message, _QZSS, f"J{int(message.DF429):02d}", Message.LNAV)
    record["accuracy_m"] = lnav.accuracy_m(int(message.DF453))
    return record, int(message.DF452)


def _inav(message: Any) -> tuple[dict[str, Any], int]:
    record = _galileo(message, Message.INAV, int(message.DF286))
    record["delay1_s"] = float(message.DF313)
    e1, e5b = (int(message.DF287), int(message.DF288)), (int(message.DF316), int(message.DF317))
    record["health"] = float(e1[1] | e1[0] << 1 | e5b[1] << 6 | e5b[0] << 7)
    return record | {"source": _INAV_SOURCE}, int(message.DF289) + 1024


def _fnav(message: Any) -> tuple[dict[str, Any], int]:
    record = _galileo(message, Message.FNAV, int(message.DF291))
    record["health"] = float(int(message.DF315) << 3 | int(message.DF314) << 4)
    return record | {"source": _FNAV_SOURCE}, int(message.DF289) + 1024


def _galileo(message: Any, kind: Message, accuracy: int) -> dict[str, Any]:
    record = _filled(message, _GALILEO, f"E{int(message.DF252):02d}", kind)
    return record | {"accuracy_m": inav.accuracy_m(accuracy)}


def _beidou(message: Any) -> tuple[dict[str, Any], int]:
    number = int(message.DF488)
    kind = Message.D2 if number in _GEOSTATIONARY else Message.D1
    record = _filled(message, _BEIDOU, f"C{number:02d}", kind)
    for field in ("delay0_s", "delay1_s"):
        record[field] *= 1e-9
    index = int(message.DF490)
    told = index < len(_BEIDOU_ACCURACY_M)
    record["accuracy_m"] = _BEIDOU_ACCURACY_M[index] if told else 8192.0
    return record, int(message.DF489) + BEIDOU_WEEKS


_MAKERS = {"1019": _gps, "1042": _beidou, "1044": _qzss, "1045": _fnav, "1046": _inav}
