"""From light to digital numbers: lens, shot and read noise, gain, quantisation (EMVA 1288 model).

With mu electrons of signal and dark current, read noise r (electrons) and system gain K (DN per
electron), the mean is K mu + black level and the variance K^2 (mu + r^2) + 1/12 (DN^2): the
photon-transfer line (Janesick, Photon Transfer, 2007).
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel

F32 = NDArray[np.float32]

LEAST_READ_NOISE_E = 0.25  # from here on V > 1/18 >= 2 b^2: no root of less than nothing
_STRIP_PX = 32_768  # a strip's arrays stay in the cache and off the page tables
_LEVELS = 65_536
_TAIL = 64  # table entries at either end whose bins are too wide: drawn exactly instead


def system_gain(model: SensorModel, gain_db: float) -> float:
    """K in DN per electron: a full well is the end of the scale at 0 dB."""
    span = float((1 << model.bits) - 1) - model.black_level_dn
    return float(span / model.full_well_e * 10 ** (gain_db / 20))


def expose(
    irradiance: F32,
    exposure_us: float,
    gain_db: float,
    model: SensorModel,
    rng: np.random.Generator,
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """One frame of (H, W) uint8, or uint16 in 0..4095, from irradiance in electrons/us.

    Shot and read noise are one draw z a pixel. It has the mean, the variance and the third moment
    of Poisson plus Gaussian noise (Cornish and Fisher 1938):
    mu + sqrt(V - 2 b^2) z + b (z^2 - 1), V = mu + r^2, b = mu / (6 V).
    """
    blurred = _lens(irradiance, model.blur_sigma_px)
    scale = system_gain(model, gain_db)
    frame = np.empty(blurred.shape, np.uint8 if model.bits == 8 else np.uint16)
    strip = max(_STRIP_PX // blurred.shape[1], 1)
    for top in range(0, len(frame), strip):
        rows = slice(top, top + strip)
        z = standard_normal(rng, blurred[rows].shape)
        _develop(blurred[rows], z, frame[rows], exposure_us, scale, model)
    return frame


def prepare() -> None:
    """Load what `expose` is compiled to, which it else does with the first frame: seconds, once."""
    dark, rng = np.zeros((1, 1), np.float32), np.random.default_rng(0)
    for bits in (8, 12):
        expose(dark, 1.0, 0.0, SensorModel(bits=bits), rng)


def _lens(irradiance: F32, sigma_px: float) -> F32:
    plain = np.ascontiguousarray(irradiance)
    if sigma_px == 0:
        return plain
    size = 2 * int(np.ceil(4 * sigma_px)) + 1
    blurred: F32 = cv2.GaussianBlur(plain, (size, size), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return blurred


def _develop(
    light: F32,
    z: F32,
    frame: NDArray[np.uint8] | NDArray[np.uint16],
    exposure_us: float,
    gain: float,
    model: SensorModel,
) -> None:
    """Digital numbers of `light` with noise z, which is lost, into `frame`."""
    if (loops := _loops()) is None:
        mu = _collected(light, exposure_us, model)
        frame[:] = _quantise(_with_noise(mu, model.read_noise_e, z), gain, model)
        return
    numbers = (
        *(exposure_us, model.dark_e_per_s * exposure_us * 1e-6, model.full_well_e),
        *(model.read_noise_e**2 + 1e-6, gain, model.black_level_dn + 0.5, (1 << model.bits) - 1),
    )
    loops.develop(light.ravel(), z.ravel(), frame.ravel(), *map(np.float32, numbers))


@cache
def _loops() -> ModuleType | None:
    """The same arithmetic compiled; None without numba, which is slower and no worse."""
    try:
        from common.drivers.camera import sensor_loops
    except ImportError:
        return None
    return sensor_loops


def _collected(irradiance: F32, exposure_us: float, model: SensorModel) -> F32:
    """Mean electrons at the end of the exposure, at most a full well."""
    mu: F32 = irradiance * np.float32(exposure_us)
    if dark := model.dark_e_per_s * exposure_us * 1e-6:
        mu += np.float32(dark)
    return np.asarray(cv2.min(mu, model.full_well_e, mu), np.float32)


def _with_noise(mu: F32, read_noise_e: float, z: F32) -> F32:
    """mu with noise, in place of z."""
    variance = mu + np.float32(read_noise_e**2 + 1e-6)
    skew = cv2.divide(mu, variance, scale=1 / 6)
    product = cv2.multiply(skew, skew, scale=2.0)
    variance -= product
    if read_noise_e < LEAST_READ_NOISE_E:
        np.maximum(variance, 0, out=variance)
    spread: F32 = cv2.sqrt(variance, variance)
    spread += cv2.multiply(skew, z, product)
    spread *= z
    spread -= skew
    spread += mu
    return spread


def _quantise(electrons: F32, gain: float, model: SensorModel) -> F32:
    """Digital numbers + 1/2, within the scale, in place: the cast to integer then rounds."""
    electrons *= np.float32(gain)
    electrons += np.float32(model.black_level_dn + 0.5)
    return np.clip(electrons, 0, (1 << model.bits) - 1, out=electrons)


def standard_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> F32:
    """Normal deviates, float32: 16 random bits each through the inverse distribution.

    The outermost bins (2 in 1000 deviates) are drawn afresh from the exact tail, so that the tail
    is not cut at 4.3 sigma. About six times as fast as the ziggurat of numpy at this size.
    """
    count = int(np.prod(shape))
    bits = rng.bit_generator.random_raw((count + 3) // 4).view(np.uint16)[:count]
    z = _looked_up(bits)
    in_tail = np.flatnonzero((bits - np.uint16(_TAIL)) >= np.uint16(_LEVELS - 2 * _TAIL))
    z[in_tail] = _tail(rng, bits[in_tail] < _LEVELS // 2)
    return z.reshape(shape)


def _looked_up(bits: NDArray[np.uint16]) -> F32:
    if (loops := _loops()) is None:
        return np.take(_quantiles(), bits)
    z = np.empty(bits.size, np.float32)
    loops.look_up(bits, _quantiles(), z)
    return z


@cache
def _quantiles() -> F32:
    from scipy.special import ndtri

    table: F32 = ndtri((np.arange(_LEVELS) + 0.5) / _LEVELS).astype(np.float32)
    return table


def _tail(rng: np.random.Generator, is_low: NDArray[np.bool_]) -> F32:
    from scipy.special import ndtri

    share = (1.0 - rng.random(is_low.size)) * (_TAIL / _LEVELS)  # in (0, share]: never 0
    z = ndtri(share)
    result: F32 = np.where(is_low, z, -z).astype(np.float32)
    return result
