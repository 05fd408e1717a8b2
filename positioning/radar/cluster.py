"""DBSCAN (Ester et al. 1996) over positions and velocities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def dbscan(features: Floats, points: int) -> Labels:
    """(N,) cluster of each of (N, F) features at a neighbourhood of radius 1; -1 is noise.

    points: neighbours, itself included, that make a core. Clusters are numbered in the order of
    their first core; a border point joins its nearest core.
    """
    count = len(features)
    labels = np.full(count, -1, np.int64)
    if count == 0:
        return labels
    pairs = KDTree(features).query_pairs(1.0, output_type="ndarray")
    neighbours = np.bincount(pairs.ravel(), minlength=count) + 1
    is_core = neighbours >= points
    linked = pairs[is_core[pairs].all(axis=1)]
    graph = coo_array((np.ones(len(linked)), (linked[:, 0], linked[:, 1])), (count, count))
    component = connected_components(graph, directed=False)[1]
    labels[is_core] = np.unique(component[is_core], return_inverse=True)[1]
    return _with_borders(features, labels, is_core)


def _with_borders(features: Floats, labels: Labels, is_core: NDArray[np.bool_]) -> Labels:
    cores, others = np.flatnonzero(is_core), np.flatnonzero(~is_core)
    if len(cores) and len(others):
        distance, nearest = KDTree(features[cores]).query(features[others])
        near = distance <= 1.0
        labels[others[near]] = labels[cores[nearest[near]]]
    order = {old: new for new, old in enumerate(dict.fromkeys(labels[cores].tolist()))}
    order[-1] = -1
    return np.array([order[label] for label in labels.tolist()], np.int64)
