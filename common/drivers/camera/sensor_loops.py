"""The sensor's arithmetic in one pass over its pixels, compiled: the very numbers of `sensor`."""

from __future__ import annotations

import numpy as np
from numba import njit

F = np.float32


@njit(cache=True, nogil=True, error_model="numpy")
def look_up(bits, table, z):  # type: ignore[no-untyped-def]
    """z = table[bits]."""
    for i in range(bits.size):
        z[i] = table[bits[i]]


@njit(cache=True, nogil=True, error_model="numpy")
def develop(light, z, frame, exposure, dark, well, read, gain, black, top):  # type: ignore[no-untyped-def]
    """frame: (N,) digital numbers of light (N,) with noise z (N,), which is lost. exposure in us,
    dark in electrons, read: variance of read noise, black: DN + 1/2, top: highest DN."""
    for i in range(light.size):
        mu = light[i] * exposure + dark
        mu = mu if mu < well else well
        variance = mu + read
        skew = mu * F(1 / 6) / variance
        variance = variance - skew * skew * F(2)
        variance = variance if variance > F(0) else F(0)
        dn = ((np.sqrt(variance) + skew * z[i]) * z[i] - skew + mu) * gain + black
        dn = dn if dn > F(0) else F(0)
        z[i] = dn if dn < top else top
    for i in range(light.size):
        frame[i] = np.int32(z[i])
