"""The Keplerian user algorithm of GPS, Galileo, BeiDou and QZSS, compiled.

IS-GPS-200, Galileo OS SIS ICD 2.1, BeiDou B1I ICD 3.0 (with its turn for geostationary ones).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from positioning.gnss.orbits.states import F64
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS, SYSTEMS
from positioning.jit import compiled

GPS_MU = 3.9860050e14
MU = 3.986004418e14
GPS_RATE = 7.2921151467e-5
BEIDOU_RATE = 7.292115e-5

_BEIDOU = SYSTEMS.index("C")
_GPS, _QZSS = SYSTEMS.index("G"), SYSTEMS.index("J")
_D2 = 4
_SIN5, _COS5 = math.sin(math.radians(-5)), math.cos(math.radians(-5))
_C2 = SPEED_OF_LIGHT_MPS**2


@compiled
def since(week: int, tow_s: float, other_week: int, other_s: float) -> float:
    """Seconds from another time to this one, exact over the change of a week."""
    return (week - other_week) * 604_800.0 + (tow_s - other_s)


@compiled
def evaluate(record: Any, week: int, tow_s: float, out: F64) -> None:
    """Fill out (8,): position, velocity (m, m/s, ECEF), clock (s) and its rate."""
    system = record.satellite // 100
    beidou = system == _BEIDOU
    if beidou:
        tow_s = tow_s - 14.0
    mu = GPS_MU if system in (_GPS, _QZSS) else MU
    rate = BEIDOU_RATE if beidou else GPS_RATE
    t = since(week, tow_s, record.toe_week, record.toe_s)
    axis = record.sqrt_a * record.sqrt_a
    e = record.eccentricity
    n = math.sqrt(mu / axis) / axis + record.delta_n
    anomaly = _eccentric(record.m0 + n * t, e)
    sin, cos = math.sin(anomaly), math.cos(anomaly)
    anomaly_rate = n / (1 - e * cos)
    root = math.sqrt(1 - e * e)
    phi = math.atan2(root * sin, cos - e) + record.omega
    phi_rate = root * anomaly_rate / (1 - e * cos)
    s2, c2 = math.sin(2 * phi), math.cos(2 * phi)
    u = phi + record.cus * s2 + record.cuc * c2
    u_rate = phi_rate * (1 + 2 * (record.cus * c2 - record.cuc * s2))
    r = axis * (1 - e * cos) + record.crs * s2 + record.crc * c2
    r_rate = axis * e * sin * anomaly_rate + 2 * phi_rate * (record.crs * c2 - record.crc * s2)
    i = record.i0 + record.idot * t + record.cis * s2 + record.cic * c2
    i_rate = record.idot + 2 * phi_rate * (record.cis * c2 - record.cic * s2)
    still = beidou and record.message == _D2
    node_rate = record.omega_dot - (0.0 if still else rate)
    node = record.omega0 + node_rate * t - rate * record.toe_s
    _place(r, r_rate, u, u_rate, i, i_rate, node, node_rate, out)
    if still:
        _turn(rate, t, out)
    _clock(record, week, tow_s, mu, anomaly, anomaly_rate, out)


@compiled
def _eccentric(mean: float, e: float) -> float:
    """Kepler's equation by Newton."""
    anomaly = mean + e * math.sin(mean)
    for _ in range(12):
        step = (anomaly - e * math.sin(anomaly) - mean) / (1 - e * math.cos(anomaly))
        anomaly -= step
        if abs(step) < 1e-14:
            break
    return anomaly


@compiled
def _place(
    r: float,
    r_rate: float,
    u: float,
    u_rate: float,
    i: float,
    i_rate: float,
    node: float,
    node_rate: float,
    out: F64,
) -> None:
    su, cu = math.sin(u), math.cos(u)
    x, y = r * cu, r * su
    vx, vy = r_rate * cu - y * u_rate, r_rate * su + x * u_rate
    si, ci = math.sin(i), math.cos(i)
    sn, cn = math.sin(node), math.cos(node)
    out[0] = x * cn - y * ci * sn
    out[1] = x * sn + y * ci * cn
    out[2] = y * si
    across = vy * ci - y * si * i_rate
    out[3] = vx * cn - across * sn - out[1] * node_rate
    out[4] = vx * sn + across * cn + out[0] * node_rate
    out[5] = vy * si + y * ci * i_rate


@compiled
def _turn(rate: float, t: float, out: F64) -> None:
    """A geostationary BeiDou satellite: by -5 degrees about x, then by the Earth's turn."""
    s, c = math.sin(rate * t), math.cos(rate * t)
    for k in (0, 3):
        x, y, z = out[k], out[k + 1], out[k + 2]
        y, z = y * _COS5 + z * _SIN5, z * _COS5 - y * _SIN5
        out[k], out[k + 1], out[k + 2] = x * c + y * s, y * c - x * s, z
    out[3] += rate * out[1]
    out[4] -= rate * out[0]


@compiled
def _clock(
    record: Any, week: int, tow_s: float, mu: float, anomaly: float, anomaly_rate: float, out: F64
) -> None:
    t = since(week, tow_s, record.toc_week, record.toc_s)
    bias, drift, bend = record.clock_bias_s, record.clock_drift, record.clock_drift_rate
    eccentric = -2 * math.sqrt(mu) * record.sqrt_a * record.eccentricity / _C2
    out[6] = bias + (drift + bend * t) * t + eccentric * math.sin(anomaly)
    out[7] = drift + 2 * bend * t + eccentric * math.cos(anomaly) * anomaly_rate


@compiled
def delay(record: Any, carrier_hz: float) -> float:
    """Group delay (s) of the code on a carrier against the clock that the message tells."""
    system = record.satellite // 100
    if np.isnan(carrier_hz):
        return np.nan
    if system == _BEIDOU:
        if abs(carrier_hz - 1561.098e6) < 1e3:
            return float(record.delay0_s)
        return float(record.delay1_s) if abs(carrier_hz - 1207.14e6) < 1e3 else 0.0
    if system in (_GPS, _QZSS):
        return float(record.delay0_s) * (1575.42e6 / carrier_hz) ** 2
    e5a, e5b = (1575.42e6 / 1176.45e6) ** 2, (1575.42e6 / 1207.14e6) ** 2
    on_e1 = float(record.delay0_s if record.message == 2 else record.delay1_s)
    if abs(carrier_hz - 1176.45e6) < 1e3:
        return on_e1 - float(record.delay0_s) * (1 - e5a)
    if abs(carrier_hz - 1207.14e6) < 1e3:
        return on_e1 - float(record.delay1_s) * (1 - e5b)
    return on_e1
