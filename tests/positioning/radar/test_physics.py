"""The chain on simulated samples against what the waveform's numbers promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from positioning.radar import spectrum
from positioning.radar.waveform import RadarError, Waveform
from positioning.sim.radar.device import Device
from positioning.sim.radar.paths import point_targets
from positioning.sim.radar.samples import convert
from tests.positioning.radar.made import QUIET, SMALL, found, frame

pytestmark = pytest.mark.positioning


def test_the_default_waveform_has_the_resolutions_of_the_textbook() -> None:
    wave = Waveform()
    assert wave.range_resolution_m == pytest.approx(299_792_458 / (2 * 512e6))
    carrier = 77e9 + 256e6
    assert wave.wavelength_m == pytest.approx(299_792_458 / carrier)
    assert wave.velocity_resolution_mps == pytest.approx(wave.wavelength_m / (2 * 128 * 108e-6))
    assert wave.ambiguous_velocity_mps == pytest.approx(128 * wave.velocity_resolution_mps)


@settings(max_examples=25)
@given(st.floats(5, 60), st.floats(-25, 25), st.floats(-1.0, 1.0), st.floats(-0.3, 0.3))
def test_a_target_is_where_it_is(distance: float, rate: float, azimuth: float, up: float) -> None:
    """Range, unfolded range rate, azimuth and elevation, over three foldings of the velocity."""
    seen = found(frame([(distance, rate, azimuth, 300.0)], elevation_rad=up))
    assert len(seen) >= 1
    best = int(np.argmax(seen.snr_db))
    assert seen.range_m[best] == pytest.approx(distance, abs=0.02)
    assert seen.radial_velocity_mps[best] == pytest.approx(rate, abs=0.02)
    assert seen.azimuth_rad[best] == pytest.approx(azimuth, abs=0.03)
    assert seen.elevation_rad[best] == pytest.approx(up, abs=0.05)


def test_time_division_folds_velocities_beyond_its_own_three_intervals() -> None:
    """3 transmitters unfold 3 intervals; one interval more looks the same as none."""
    span = 3 * SMALL.ambiguous_velocity_mps
    rates = [found(frame([(30.0, v, 0.2, 50.0)])).radial_velocity_mps[0] for v in (2.0, 2.0 + span)]
    assert rates[1] == pytest.approx(rates[0], abs=0.05)


@pytest.mark.parametrize(("cells", "told_apart"), [(0.7, False), (3.0, True)])
def test_two_targets_part_at_the_range_resolution(cells: float, told_apart: bool) -> None:
    apart = cells * SMALL.range_resolution_m
    seen = found(frame([(20.0, 0.0, 0.0, 5.0), (20.0 + apart, 0.0, 0.0, 5.0)]))
    assert (len(np.unique(seen.range_m)) == 2) is told_apart


@pytest.mark.parametrize(("cells", "told_apart"), [(0.5, False), (3.0, True)])
def test_two_targets_part_at_the_velocity_resolution(cells: float, told_apart: bool) -> None:
    apart = cells * SMALL.velocity_resolution_mps
    seen = found(frame([(20.0, 1.0, 0.0, 5.0), (20.0, 1.0 + apart, 0.0, 5.0)]))
    assert (len(np.unique(seen.radial_velocity_mps)) == 2) is told_apart


def test_the_main_lobe_is_as_wide_as_harris_says() -> None:
    """6 dB width of a Hann window: 2.00 bins, so 2 c / 2B."""
    samples = np.arange(128)
    power = [
        abs(np.vdot(spectrum.hann(128), np.exp(2j * np.pi * d * samples / 128))) ** 2
        for d in (0.0, 1.0)
    ]
    assert 10 * math.log10(power[0] / power[1]) == pytest.approx(6.02, abs=0.02)


def test_processing_gain_is_the_number_of_samples_over_the_windows_loss() -> None:
    """SNR after both FFTs by the radar equation, thermal noise, N M / 1.5^2 and quantisation."""
    distance, rcs = 25.1, 1.0
    paths = point_targets(
        np.array([[distance, 0, 0]]), np.zeros((1, 3)), np.array([rcs]), SMALL, QUIET
    )
    gain = 10 ** ((12 + 2 * 10) / 10)
    power = gain * SMALL.wavelength_m**2 * rcs / ((4 * math.pi) ** 3 * distance**4)
    assert abs(paths.amplitude[0]) ** 2 == pytest.approx(power, rel=1e-6)
    thermal = 1.380649e-20 * 290 * 10e6 * 10**1.5
    rounding = 2 / 12 / (2**11 / 10 ** (-30 / 20)) ** 2
    expected = power / (thermal + rounding) * 128 * 64 / 1.5**2
    snr = [
        10 ** (found(frame([(distance, 0.0, 0.0, rcs)], seed=seed)).snr_db[0] / 10)
        for seed in range(20)
    ]
    assert 10 * math.log10(np.mean(snr) / expected) == pytest.approx(0.0, abs=0.3)


def test_a_target_beyond_the_band_is_not_folded_into_it() -> None:
    assert len(found(frame([(SMALL.max_range_m + 10, 0.0, 0.0, 1e5)]))) == 0


def test_phase_noise_is_correlated_with_range() -> None:
    """Its skirt over the noise grows with the delay (Budge and Burt 1993): 20 dB a decade of range
    for one received power."""
    device = Device(phase_noise_dbc_hz=-75.0, noise_figure_db=-60.0, adc_bits=16)
    skirts = []
    for distance in (6.0, 24.0):
        rcs = np.array([10.0 * (distance / 6.0) ** 4])
        place = np.array([[distance, 0.0, 0.0]])
        paths = point_targets(place, np.zeros((1, 3)), rcs, SMALL, device)
        cube = convert(SMALL, device, paths, np.random.default_rng(1))
        power = spectrum.transform(spectrum.samples(cube, SMALL)).power
        skirts.append(float(np.median(power[:, 60:100])))
    assert 10 * math.log10(skirts[1] / skirts[0]) == pytest.approx(10 * math.log10(4), abs=6)
    assert skirts[1] > 2 * skirts[0]


def test_a_frame_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    one, same, other = (frame([(20.0, 3.0, 0.1, 1.0)], seed=s).value.adc for s in (4, 4, 5))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_a_cube_of_another_shape_is_named() -> None:
    with pytest.raises(RadarError, match=r"\(64, 3, 4, 128\).*\(128, 3, 4, 256\)"):
        found(frame([]), waveform=Waveform())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"slope_hz_per_s": -1.0}, "slope"), ({"samples": 4}, "8 samples"),
     ({"chirp_interval_s": 1e-6}, "longer than the chirp interval")],
)  # fmt: skip
def test_a_waveform_that_cannot_be_is_refused(wrong: dict[str, float], told: str) -> None:
    with pytest.raises(RadarError, match=told):
        Waveform(**wrong)  # type: ignore[arg-type]


def test_a_saturated_converter_still_finds_the_target() -> None:
    sample = frame([(8.0, 2.0, 0.1, 1e6)])
    assert (sample.value.adc == 2047).any()
    seen = found(sample)
    assert np.abs(seen.range_m - 8.0).min() < 0.1


def test_a_dead_converter_gives_no_detections() -> None:
    sample = frame([])
    sample.value.adc[:] = 0
    assert len(found(sample)) == 0
