"""From paths to the converter's numbers: the mixer's output sample by sample.

For a leg of total delay tau(t) the mixer gives exp(j 2 pi (f0 tau + S tau s - S tau^2 / 2)) at the
time s within the ramp; delays are exact for every pair of antennas at the middle of every ramp, and
the beat frequency holds through one ramp (its change within a ramp turns the phase by less than a
thousandth of a cycle for anything on a road).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.types.radar import RadarCube
from positioning.jit import compiled
from positioning.radar.waveform import LIGHT_MPS, Waveform
from positioning.sim.radar.device import Device, Interferer
from positioning.sim.radar.paths import Paths

Floats = NDArray[np.float64]
Samples = NDArray[np.complex64]
LANES = 8  # recurrences side by side, so that the compiler can use vector registers


def convert(
    waveform: Waveform,
    device: Device,
    paths: Paths,
    rng: np.random.Generator,
    interferers: Sequence[Interferer] = (),
    extra: Sequence[Samples] = (),
) -> RadarCube:
    """One frame as the converter gives it: echoes, interference, thermal noise, quantisation.

    extra: further signals at the receivers, (chirps, rx, samples) in square roots of milliwatts.
    """
    signal = echoes(waveform, paths, oscillator(waveform, device, rng))
    for other in interferers:
        signal += interference(waveform, device, other, rng)
    for more in extra:
        signal += more
    sigma = math.sqrt(device.noise_mw(waveform.sample_rate_hz) / 2)
    noise = rng.standard_normal((*signal.shape, 2), np.float32)
    analogue = signal.view(np.float32).reshape(noise.shape)
    analogue += noise * np.float32(sigma)
    analogue *= np.float32(device.dn_per_root_mw)
    top = 2 ** (device.adc_bits - 1)
    counts = np.clip(np.rint(analogue), -top, top - 1).astype(np.int16)
    return RadarCube(counts.reshape(*waveform.shape, 2))


def echoes(waveform: Waveform, paths: Paths, phase_noise: NDArray[np.float32] | None) -> Samples:
    """(chirps, rx, samples) sum over all paths, in square roots of milliwatts."""
    loops, transmitters, receivers, samples = waveform.shape
    out = np.zeros((loops * transmitters, receivers, samples), np.complex64)
    wobble = np.zeros((0, 0), np.float32) if phase_noise is None else phase_noise
    _accumulate(
        out,
        waveform.chirp_times_s.reshape(-1),
        _placed(waveform.tx, waveform.wavelength_m),
        _placed(waveform.rx, waveform.wavelength_m),
        paths.out,
        paths.home,
        paths.amplitude,
        waveform.centre_hz,
        waveform.slope_hz_per_s,
        waveform.sample_rate_hz,
        wobble,
    )
    return out


def oscillator(
    waveform: Waveform, device: Device, rng: np.random.Generator
) -> NDArray[np.float32] | None:
    """(chirps, samples + longest delay) phase of the oscillator, a random walk; None if clean.

    A Wiener phase has L(f) = linewidth / (2 pi f^2), and grows by 2 pi linewidth a second.
    """
    if device.phase_noise_dbc_hz is None:
        return None
    linewidth_hz = 2 * math.pi * 1e12 * 10 ** (device.phase_noise_dbc_hz / 10)
    step = math.sqrt(2 * math.pi * linewidth_hz / waveform.sample_rate_hz)
    delay = math.ceil(2.5 * waveform.max_range_m / LIGHT_MPS * waveform.sample_rate_hz) + 2
    shape = (waveform.loops * len(waveform.tx), waveform.samples + delay)
    steps = rng.standard_normal(shape, np.float32) * np.float32(step)
    walk: NDArray[np.float32] = np.cumsum(steps, axis=1, dtype=np.float32)
    return walk


def interference(
    waveform: Waveform, device: Device, other: Interferer, rng: np.random.Generator
) -> Samples:
    """(chirps, rx, samples) of another radar's ramps where they cross our band-pass.

    The phase of each of its ramps is drawn: two radars share no oscillator. The receiver passes
    beat frequencies from 0 to the sample rate, eighth order at each edge.
    """
    fs = waveform.sample_rate_hz
    start = waveform.chirp_times_s.reshape(-1, 1) - waveform.ramp_s / 2 + waveform.frame_s / 2
    within = np.arange(waveform.samples) / fs
    since = start + within - other.offset_s
    ramp = np.floor(since / other.interval_s).astype(np.int64)
    into = since - ramp * other.interval_s
    beat = waveform.carrier_hz + waveform.slope_hz_per_s * within
    beat = beat - other.carrier_hz - other.slope_hz_per_s * into
    passed = (1 + ((beat - fs / 2) / (fs / 2)) ** 16) ** -0.5 * (into < other.ramp_s)
    ours = waveform.carrier_hz * within + waveform.slope_hz_per_s * within**2 / 2
    theirs = other.carrier_hz * into + other.slope_hz_per_s * into**2 / 2
    drawn = rng.uniform(0, 1, int(ramp.max() - ramp.min()) + 1)[ramp - ramp.min()]
    phase = 2 * np.pi * ((ours - theirs + drawn) % 1.0)
    place = np.array(other.position_m)
    far = float(np.linalg.norm(place))
    gain = float(device.pattern(place[None] / far)[0]) * 10 ** (other.gain_dbi / 10)
    friis = (waveform.wavelength_m / (4 * np.pi * far)) ** 2
    amplitude = math.sqrt(10 ** (other.tx_power_dbm / 10) * gain * friis)
    antennas = _placed(waveform.rx, waveform.wavelength_m)
    delay = (np.linalg.norm(place - antennas, axis=1) - far) / LIGHT_MPS
    steer = np.exp(2j * np.pi * waveform.centre_hz * delay)
    wave = amplitude * passed * np.exp(1j * phase)
    heard: Samples = (wave[:, None, :] * steer[None, :, None]).astype(np.complex64)
    return heard


def _placed(antennas: tuple[tuple[float, float], ...], wavelength_m: float) -> Floats:
    """(A, 3) antenna positions in metres in the radar's frame."""
    flat = np.array(antennas) * wavelength_m / 2
    return np.column_stack([np.zeros(len(flat)), flat])


@compiled
def _leg(curve: Floats, time_s: float, antenna: Floats) -> tuple[float, float]:
    """(distance, its rate) from an antenna to the point of a curve at a time."""
    square, product = 0.0, 0.0
    for axis in range(3):
        place = curve[0, axis] + time_s * (curve[1, axis] + time_s * curve[2, axis])
        rate = curve[1, axis] + 2 * time_s * curve[2, axis]
        away = place - antenna[axis]
        square += away * away
        product += away * rate
    distance = math.sqrt(square)
    return distance, product / distance


@compiled
def _phasors(wave: Samples, turn: float) -> None:
    """exp(j turn (n - (N - 1) / 2)) for all n of `wave`; turn in radians a sample."""
    middle = (len(wave) - 1) / 2
    for n in range(LANES):
        wave[n] = complex(math.cos(turn * (n - middle)), math.sin(turn * (n - middle)))
    step = np.complex64(complex(math.cos(turn * LANES), math.sin(turn * LANES)))
    for first in range(LANES, len(wave), LANES):
        for n in range(first, min(first + LANES, len(wave))):
            wave[n] = wave[n - LANES] * step


@compiled
def _shake(wave: Samples, walk: NDArray[np.float32], delay: float) -> None:
    """Multiply by exp(j (phase now - phase at departure)), to first order."""
    extra = len(walk) - len(wave)
    whole = min(int(delay), extra - 2)
    part = np.float32(min(delay - whole, 1.0))
    for n in range(len(wave)):
        now = n + extra
        before = walk[now - whole] + part * (walk[now - whole - 1] - walk[now - whole])
        wave[n] += wave[n] * np.complex64(complex(0.0, walk[now] - before))


@compiled
def _accumulate(
    signal: Samples,
    times_s: Floats,
    tx_m: Floats,
    rx_m: Floats,
    out: Floats,
    home: Floats,
    amplitude: NDArray[np.complex128],
    centre_hz: float,
    slope: float,
    sample_rate_hz: float,
    wobble: NDArray[np.float32],
) -> None:
    """Add every path to every chirp and receiver of `signal`."""
    samples = signal.shape[2]
    wave = np.empty(samples, np.complex64)
    half_ramp = (samples - 1) / 2 / sample_rate_hz - samples / 2 / sample_rate_hz
    for chirp in range(len(times_s)):
        time = times_s[chirp] + half_ramp
        antenna = tx_m[chirp % len(tx_m)]
        for path in range(len(amplitude)):
            sent, sent_rate = _leg(out[path], time, antenna)
            back, back_rate = _leg(home[path], time, rx_m[0])
            delay, rate = (sent + back) / LIGHT_MPS, (sent_rate + back_rate) / LIGHT_MPS
            beat_hz = slope * delay + centre_hz * rate
            if beat_hz > sample_rate_hz or beat_hz < 0:  # the receiver's band-pass ends there
                continue
            _phasors(wave, 2 * math.pi * beat_hz / sample_rate_hz)
            if len(wobble):
                _shake(wave, wobble[chirp], delay * sample_rate_hz)
            for receiver in range(len(rx_m)):
                back, _ = _leg(home[path], time, rx_m[receiver])
                delay = (sent + back) / LIGHT_MPS
                turns = centre_hz * delay - slope * delay * delay / 2
                angle = 2 * math.pi * (turns - math.floor(turns))
                factor = np.complex64(amplitude[path] * complex(math.cos(angle), math.sin(angle)))
                for n in range(samples):
                    signal[chirp, receiver, n] += factor * wave[n]
