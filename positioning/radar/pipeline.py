"""The radar's chain, from the converter's samples to clustered detections.

    chain = RadarChain(Waveform(), RadarSettings())
    found = chain.step(sample, ego_mps=wheel_speed)        # Stamped[RadarCube]

Pure: the same frame gives the same detections; no clock, no state between frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.types.radar import RadarCube
from common.types.stamped import Stamped
from positioning.radar import angle, array, bounds, ego, interference, peaks, superresolution
from positioning.radar.cfar import Judged, detect
from positioning.radar.cluster import dbscan
from positioning.radar.detections import RadarDetections
from positioning.radar.settings import RadarSettings
from positioning.radar.spectrum import HANN_NOISE_BANDWIDTH, RangeDoppler, samples, transform
from positioning.radar.unfold import unfolded
from positioning.radar.waveform import Waveform

Floats = NDArray[np.float64]

FIELD_RAD = (1.22, 0.44)  # azimuth, elevation: beyond it echoes are multipath, by their phases
# Variance of a Hann-windowed periodogram's peak over the bound without a window: with x = -1/2..1/2
# along the samples, integral(w^2 x^2) / (12 integral(w x^2)^2)
HANN_EXCESS = 2.34


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Per cell: velocity_mps, range_m, snr and bin_snr (power ratios per element at the peak and
    in its bin) (C,), and the snapshot (C, elements) without the turns of time division."""

    velocity_mps: Floats
    range_m: Floats
    snr: Floats
    bin_snr: Floats
    snapshot: array.Snapshots


@dataclass(frozen=True, slots=True, eq=False)
class Resolved:
    """Directions found: cell (D,), index of the cell each came from; u, elevation and share of
    the cell's power (D,)."""

    cell: NDArray[np.intp]
    u: Floats
    elevation_rad: Floats
    share: Floats

    def where(self, kept: NDArray[np.bool_]) -> Resolved:
        """Some of them."""
        return Resolved(self.cell[kept], self.u[kept], self.elevation_rad[kept], self.share[kept])


@dataclass(frozen=True, slots=True, eq=False)
class RadarChain:
    """A waveform and its settings; `step` is the method."""

    waveform: Waveform = field(default_factory=Waveform)
    settings: RadarSettings = field(default_factory=RadarSettings)

    def step(
        self, frame: Stamped[RadarCube], ego_mps: Floats | None = None
    ) -> Stamped[RadarDetections]:
        """Detections of one frame; RadarError for a cube of another shape.

        ego_mps: (2,) the radar's own velocity, forward and to the left; None estimates it.
        """
        signal = samples(frame.value, self.waveform)
        disturbed = self._clean(signal)
        spectrum = transform(signal)
        cells = self._detect(spectrum)
        located = self._locate(spectrum, cells)
        resolved = self._directions(located.snapshot, cells.noise / spectrum.elements)
        result = self._describe(located, resolved, ego_mps, disturbed)
        return frame.with_value(result)

    def _clean(self, signal: NDArray[np.complex64]) -> float:
        """Other radars cut out; returns the share of samples they were heard in."""
        if not self.settings.mitigate_interference:
            return 0.0
        mask = interference.disturbed(signal)
        interference.mitigate(signal, mask)
        return float(mask.mean())

    def _detect(self, spectrum: RangeDoppler) -> Judged:
        """Local maxima over the threshold."""
        row, column = peaks.candidates(spectrum.power)
        rate, kind = self.settings.false_alarm_rate, self.settings.cfar
        return detect(spectrum.power, spectrum.elements, rate, kind, row, column)

    def _locate(self, spectrum: RangeDoppler, cells: Judged) -> Located:
        """Where between the bins the peaks lie, which folding holds, and what that leaves."""
        wave = self.waveform
        along_doppler, along_range = peaks.around(spectrum.values, cells.doppler, cells.range)
        beside_doppler, gain = peaks.offsets(along_doppler, wave.loops)
        beside_range, more = peaks.offsets(along_range, wave.samples)
        signed = (cells.doppler + wave.loops // 2) % wave.loops - wave.loops // 2
        folded = (signed + beside_doppler) * wave.velocity_resolution_mps
        found = array.snapshots(spectrum.values, cells.doppler, cells.range)
        limit = self._residual_limit(cells.noise / spectrum.elements)
        velocity = unfolded(found, wave, folded, limit)
        apparent = (cells.range + beside_range) * wave.range_resolution_m
        range_m = apparent - velocity * wave.range_doppler_coupling_s
        snr = np.maximum(spectrum.power[cells.doppler, cells.range] / cells.noise - 1, 1e-3)
        freed = array.compensated(found, wave, velocity)
        return Located(velocity, range_m, snr * gain * more, snr, freed)

    def _directions(self, flat: array.Snapshots, noise: Floats) -> Resolved:
        """One direction a cell, two where one does not explain what the row received."""
        layout = array.rows(self.waveform)
        row = flat[:, layout.level]
        u, residual = angle.single(row, layout.y)
        elevation = angle.elevation_rad(flat, layout, u)
        cell, share = np.arange(len(u)), np.ones(len(u))
        kind = self.settings.angle
        if kind != "fft":
            limit = self._residual_limit(noise)
            crowded = residual > limit
            pair = superresolution.ESTIMATORS[kind](row[crowded], layout.y)
            stays, part = superresolution.believed(row[crowded], layout.y, pair, limit[crowded])
            up = superresolution.elevations_rad(flat[crowded], layout, pair)
            u = np.concatenate([u[~crowded], pair[stays]])
            elevation = np.concatenate([elevation[~crowded], up[stays]])
            share = np.concatenate([share[~crowded], part[stays]])
            cell = np.concatenate([cell[~crowded], cell[crowded][np.nonzero(stays)[0]]])
        return Resolved(cell, u, elevation, share)

    def _residual_limit(self, noise: Floats) -> Floats:
        """(C,) energy of the row over which one source does not explain a cell."""
        row = len(array.rows(self.waveform).level)
        return noise * superresolution.residual_limit(row, self.settings.second_source_rate)

    def _describe(
        self, located: Located, resolved: Resolved, ego_mps: Floats | None, disturbed: float
    ) -> RadarDetections:
        """Everything that is told of a detection, clusters included."""
        azimuth = angle.azimuth_rad(resolved.u, resolved.elevation_rad)
        aside = (np.abs(azimuth) > FIELD_RAD[0]) | (np.abs(resolved.elevation_rad) > FIELD_RAD[1])
        seen = ~aside & (located.range_m[resolved.cell] > 0)
        resolved, azimuth = resolved.where(seen), azimuth[seen]
        cell, elevation = resolved.cell, resolved.elevation_rad
        range_m, velocity = located.range_m[cell], located.velocity_mps[cell]
        snr = located.snr[cell] * resolved.share
        toward = ego.directions(azimuth, elevation)
        own = ego_mps
        if own is None:
            own = ego.estimate(velocity, toward, self.settings.static_mps)
        ground = np.full(len(cell), np.nan)
        if own is not None:
            ground = ego.over_ground(velocity, toward, own)
        level = range_m[:, None] * toward
        features = np.column_stack(
            [level / self.settings.cluster_m, velocity / self.settings.cluster_mps]
        )
        return RadarDetections(
            range_m,
            velocity,
            azimuth,
            elevation,
            10 * np.log10(snr),
            self._covariance(snr, located.bin_snr[cell] * resolved.share, azimuth),
            ground,
            np.abs(ground) < self.settings.static_mps,
            dbscan(features, self.settings.cluster_points),
            own,
            disturbed,
        )

    def _covariance(self, snr: Floats, bin_snr: Floats, azimuth: Floats) -> Floats:
        """(N, 3, 3) of range, range rate and azimuth by the bounds and the window's excess.

        A range rate that is wrong by dv shifts the range by dv times the range-Doppler coupling.
        """
        row = len(array.rows(self.waveform).level)
        energy = snr * HANN_NOISE_BANDWIDTH * self.waveform.elements  # the other axis' loss stays
        rate = HANN_EXCESS * bounds.velocity_variance(self.waveform, energy)
        distance = HANN_EXCESS * bounds.range_variance_m2(self.waveform, energy)
        direction = bounds.direction_variance(row, bin_snr * row)
        coupling = self.waveform.range_doppler_coupling_s
        covariance = np.zeros((len(snr), 3, 3))
        covariance[:, 0, 0] = distance + coupling**2 * rate
        covariance[:, 0, 1] = covariance[:, 1, 0] = -coupling * rate
        covariance[:, 1, 1] = rate
        covariance[:, 2, 2] = direction / np.maximum(np.cos(azimuth), 0.05) ** 2
        return covariance
