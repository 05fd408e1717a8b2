"""How often a message is decoded without an error, by C/N0.

LNAV is uncoded bits under parity: a closed form. I/NAV pages pass a convolutional code (K = 7,
rate 1/2; OS SIS ICD 4.1.4): decoded here, over simulated symbols. B-CNAV1's LDPC is not built; the
same convolutional code stands for it, which needs some tenths of a dB more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from positioning.jit import compiled

_G1, _G2 = 0o171, 0o133
_STATES = 64


@dataclass(frozen=True, slots=True)
class Coding:
    """bits: of one message. symbol_rate_hz. share: of the signal's power in its data component.
    parts: code blocks that make up a message. coded: rate 1/2 convolutional, else plain bits."""

    bits: int
    symbol_rate_hz: float
    share: float
    parts: int = 1
    coded: bool = True


LNAV = Coding(300, 50.0, 1.0, coded=False)
INAV = Coding(120, 250.0, 0.5, parts=2)
BCNAV1 = Coding(600, 100.0, 0.25)


def error_rate(coding: Coding, cn0_dbhz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of messages that are lost at C/N0 of the whole signal, dBHz; of any shape."""
    symbol_db = np.asarray(cn0_dbhz) + 10 * np.log10(coding.share / coding.symbol_rate_hz)
    if not coding.coded:
        bit_error = 0.5 * special.erfc(np.sqrt(10 ** (symbol_db / 10)))
        return np.asarray(-np.expm1(coding.bits * np.log1p(-bit_error)))
    grid_db, lost = _measured(coding.bits)
    logit = np.interp(symbol_db, grid_db, np.log(lost / (1 - lost)))
    one = 1 / (1 + np.exp(-logit))
    return np.asarray(np.where(np.isnan(symbol_db), 1.0, 1 - (1 - one) ** coding.parts))


@cache
def _measured(bits: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Es/N0 in dB and the share of blocks lost there, of 400 each; never quite 0 or 1."""
    grid_db = np.arange(-4.0, 3.01, 0.5)
    rng = np.random.default_rng([7, bits])
    count = 400
    lost = [(_blocks_lost(bits, float(db), count, rng) + 0.5) / (count + 1) for db in grid_db]
    return grid_db, np.array(lost)


def _blocks_lost(bits: int, symbol_db: float, count: int, rng: np.random.Generator) -> int:
    sent = rng.integers(0, 2, (count, bits)).astype(np.int8)
    sent[:, -6:] = 0  # the tail brings the encoder home
    sigma = np.sqrt(0.5 / 10 ** (symbol_db / 10))
    lost = 0
    for block in sent:
        symbols = 1.0 - 2.0 * encode(block)
        lost += int(np.any(viterbi(symbols + rng.normal(0, sigma, symbols.size)) != block))
    return lost


@compiled
def encode(bits: NDArray[np.int8]) -> NDArray[np.int8]:
    """(2 n,) symbols of n bits, the encoder starting at zero."""
    out = np.empty(2 * bits.size, np.int8)
    register = 0
    for i in range(bits.size):
        register = (register >> 1) | (bits[i] << 6)
        out[2 * i] = _parity(register & _G1)
        out[2 * i + 1] = _parity(register & _G2)
    return out


@compiled
def viterbi(symbols: NDArray[np.float64]) -> NDArray[np.int8]:
    """(n,) most likely bits of 2 n soft symbols (+1 is a 0), from state zero to state zero."""
    count = symbols.size // 2
    sign = np.empty((2 * _STATES, 2))
    for register in range(2 * _STATES):
        sign[register, 0] = 1 - 2 * _parity(register & _G1)
        sign[register, 1] = 1 - 2 * _parity(register & _G2)
    metric, fresh = np.full(_STATES, -1e18), np.empty(_STATES)
    metric[0] = 0.0
    came = np.empty((count, _STATES), np.int8)
    for i in range(count):
        one, two = symbols[2 * i], symbols[2 * i + 1]
        for after in range(_STATES):  # its register before the shift ends in a 0 or a 1
            low, high = 2 * after, 2 * after + 1
            zero = metric[low % _STATES] + one * sign[low, 0] + two * sign[low, 1]
            odd = metric[high % _STATES] + one * sign[high, 0] + two * sign[high, 1]
            came[i, after] = odd > zero
            fresh[after] = max(zero, odd)
        metric, fresh = fresh, metric
    bits = np.empty(count, np.int8)
    state = 0
    for i in range(count - 1, -1, -1):
        bits[i] = state >> 5
        state = ((state << 1) & 63) | came[i, state]
    return bits


@compiled
def _parity(word: int) -> int:
    parity = 0
    while word:
        parity ^= word & 1
        word >>= 1
    return parity
