"""Velocities freed of the Doppler ambiguity that time division brings.

A transmitter sends every loop_s alone, so velocities fold at lambda / 2 loop_s. Each of as many
foldings as there are transmitters leaves other phases between them, and only the true one leaves
those of a direction (Roos et al. 2018, IEEE ICMIM, hypothetical phase compensation). Velocities are
unambiguous over that many intervals.
"""

from __future__ import annotations

import numpy as np

from positioning.radar.array import Floats, Snapshots, beams, compensated, rows
from positioning.radar.superresolution import explained_by_pair
from positioning.radar.waveform import Waveform

GRID_LOSS = 0.05  # of a source's energy that may lie between the beams' directions


def unfolded(found: Snapshots, waveform: Waveform, folded_mps: Floats, limit: Floats) -> Floats:
    """(D,) velocities, from (D, tx, rx) snapshots and velocities within one interval.

    The folding whose strongest beam is strongest holds; where that beam leaves more than `limit`
    (D,) of the row's energy, two sources share the cell, and the folding that a pair explains best.
    """
    order = range(-(len(waveform.tx) // 2), (len(waveform.tx) + 1) // 2)
    level = rows(waveform).level
    guesses = [folded_mps + fold * waveform.ambiguous_velocity_mps for fold in order]
    row = np.stack([compensated(found, waveform, guess)[:, level] for guess in guesses])
    beam = np.stack([beams(each).max(axis=1) for each in row])
    energy = (np.abs(row[0]) ** 2).sum(axis=1)
    best = np.argmax(beam, axis=0)
    crowded = energy - beam.max(axis=0) > limit + GRID_LOSS * energy
    if crowded.any():
        pair = np.stack([explained_by_pair(each[crowded]) for each in row])
        best[crowded] = np.argmax(pair, axis=0)
    velocity: Floats = np.stack(guesses)[best, np.arange(len(folded_mps))]
    return velocity
