"""How bright each light really is, from the images themselves.

Semi-calibrated photometric stereo (Cho, Matsushita, Tai and Kweon 2016, ECCV): directions are
known, intensities are not. With N a basis of what no Lambertian pixel can show, the left null space
of the directions, the inverse gains h make N^T diag(h) I vanish; that is the quadratic form of
(N N^T) o (I I^T). A flat part has one normal only, which leaves gains and tilt entangled: a prior
towards equal gains decides, and what remains is a tilt of the whole part. What misfit is left in
the pixels is taken as an error of the model common to all of them, which the prior is weighed
against: exact images are solved exactly, images under lights a few degrees off are hardly touched.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.imaging.photometric import SHADOW, check

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

KEPT = 0.8  # share of pixels, those that fit best: the others hold highlights
MOST_PIXELS = 8192
ROUNDS = 20
LEAST_PRIOR = 1e-9


def solve_gains(images: F32, lights: F32, tolerance: float = 0.1) -> F64:
    """(K,) gains with geometric mean 1: images[k] / gains[k] is what equal lights would show.

    tolerance: how far gains are expected to lie apart, as a fraction. ValueError as
    `photometric.solve`, and for fewer than four lights: three fit whatever the gains are.
    """
    check(images, lights)
    if len(images) < 4:
        raise ValueError("gains need at least four lights")
    flat = images.reshape(len(images), -1)
    flat = flat[:, :: -(-flat.shape[1] // MOST_PIXELS)].astype(np.float64)
    null = np.linalg.svd(np.asarray(lights, np.float64))[0][:, 3:]
    flat = flat[:, (flat > SHADOW * flat.max(axis=0)).all(axis=0) & (flat.min(axis=0) > 0)]
    if flat.shape[1] < len(images):
        return np.ones(len(images))  # no pixel sees every light
    flat = flat / np.linalg.norm(flat, axis=0)
    inverse = np.ones(len(images))
    for _ in range(ROUNDS):
        misfit = np.linalg.norm(null.T @ (inverse[:, None] * flat), axis=0)
        fits = misfit <= np.quantile(misfit, KEPT)
        kept, model = flat[:, fits], float(np.mean(misfit[fits] ** 2))
        form = (null @ null.T) * (kept @ kept.T)
        prior = max(model / tolerance**2, LEAST_PRIOR) * np.diag(np.diag(kept @ kept.T))
        inverse = np.linalg.solve(form + prior, prior @ np.ones(len(images)))
    if (inverse <= 0).any():
        raise ValueError("the images fit no positive gains: are the lights in the images' order?")
    gains = 1 / inverse
    return np.asarray(gains / np.exp(np.log(gains).mean()), np.float64)
