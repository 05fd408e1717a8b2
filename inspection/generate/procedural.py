"""Defects drawn by rules onto a picture of a good part.

A defect's strength goes by the picture's own local contrast and brightness, as
`inspection.methods.synthetic` does for teaching, but nothing is left to chance that a person
asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from inspection.generate.canvas import F32, U8, Rng, Sample, Window, applied, settle, window
from inspection.generate.request import DefectRequest, known_kind
from inspection.methods.shapes import noise

LEAST_CONTRAST_DN = 1.0  # of a flat picture, so that a defect on it still shows


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Local brightness and local contrast (standard deviation), (h, w) each, in DN."""

    brightness: F32
    contrast: F32

    @classmethod
    def of(cls, image: F32) -> Surroundings:
        """Over some pixels around each."""
        brightness = _blur(image, 6)
        contrast = np.sqrt(_blur((image - brightness) ** 2, 12))
        return cls(brightness, np.maximum(contrast, LEAST_CONTRAST_DN))

    def strength(self, severity: float) -> F32:
        """How much darker or brighter a defect of this severity is, in DN."""
        return (1 + 5 * severity) * self.contrast + 0.35 * severity * self.brightness


Look = Callable[[Window, Surroundings, float, Rng], F32]  # the change of (h, w) in DN


class Procedural:
    """Makes defects by rules."""

    name = "procedural"
    identity = ""

    def __init__(self) -> None:
        self.kinds = tuple(_KINDS)

    def make(self, image: U8, request: DefectRequest, rng: Rng) -> Sample:
        """One sample; RequestError for an unknown kind or a place that does not fit."""
        known_kind(request.kind, self.kinds, "the procedural method")
        outline, look = _KINDS[request.kind]
        place = settle(request, image.shape, rng, at_edge=outline == "edge")
        around = window(image, place, outline, rng)
        change = look(around, Surroundings.of(around.image), request.severity, rng)
        return applied(image, around, change, place)


def _blur(image: F32, sigma: float) -> F32:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def _uneven(shape: tuple[int, ...], depth: float, rng: Rng) -> F32:
    return np.asarray(1 + depth * noise(shape, rng.uniform(1.5, 5), rng), np.float32)


def _pit(around: Window, near: Surroundings, severity: float, rng: Rng) -> F32:
    """Dark; of its rim the side towards the light is bright, the other in shade."""
    body = _blur(around.cover, 0.7)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * np.gradient(body, axis=1) + np.sin(angle) * np.gradient(body, axis=0)
    lit = -body * _uneven(body.shape, 0.3, rng) + rng.uniform(0.2, 0.8) * slope
    return np.asarray(near.strength(severity) * lit, np.float32)


def _crack(around: Window, near: Surroundings, severity: float, rng: Rng) -> F32:
    """Dark, unevenly so: light does not come back from within."""
    body = _blur(around.cover, 0.5) * _uneven(around.cover.shape, 0.3, rng)
    return np.asarray(-near.strength(severity) * body, np.float32)


def _scratch(around: Window, near: Surroundings, severity: float, rng: Rng) -> F32:
    """A torn groove: bright or dark along its length, its shoulders the other way."""
    body = _blur(around.cover, 0.5)
    shoulders = np.maximum(_blur(around.cover, 1.6) - body, 0)
    sign = 1 if rng.random() < 0.5 else -1
    drawn = body * _uneven(body.shape, 0.4, rng) - rng.uniform(0, 0.6) * shoulders
    return np.asarray(sign * near.strength(severity) * drawn, np.float32)


def _stain(around: Window, near: Surroundings, severity: float, rng: Rng) -> F32:
    """Lets less light through, soft at its rim, sometimes with a darker one; texture stays."""
    body = np.minimum(_blur(around.cover, rng.uniform(1, 2.5)) * 1.15, 1)
    film = body * _uneven(body.shape, 0.12, rng)
    if rng.random() < 0.5:
        film = film + rng.uniform(0.2, 0.6) * 4 * body * (1 - body)
    absorbed = 0.08 + 0.5 * severity
    return np.asarray(-absorbed * film * around.image, np.float32)


def _chip(around: Window, near: Surroundings, severity: float, rng: Rng) -> F32:
    """Broken off: another brightness and a rough fracture."""
    shape = around.cover.shape
    level = near.brightness * (1 - rng.uniform(0.4, 0.8) * severity)
    grain = noise(shape, rng.uniform(1, 3), rng) + 1.5 * noise(shape, rng.uniform(4, 12), rng)
    fracture = level + grain * near.contrast * (0.4 + severity)
    return np.asarray((fracture - around.image) * around.cover, np.float32)


def _wear(around: Window, near: Surroundings, severity: float, rng: Rng) -> F32:
    """Worked otherwise: rougher or smoother than around, slightly brighter or darker."""
    detail = around.image - near.brightness
    factor = 1 + 2 * severity if rng.random() < 0.5 else -0.9 * severity
    level = rng.uniform(-0.25, 0.25) * severity * near.brightness
    grain = 0.2 * noise(around.cover.shape, 1.5, rng) * near.contrast
    soft = _blur(around.cover, 1)
    return np.asarray((detail * factor + level + grain) * soft, np.float32)


_KINDS: dict[str, tuple[str, Look]] = {
    "pit": ("disc", _pit),
    "crack": ("crack", _crack),
    "scratch": ("scratch", _scratch),
    "stain": ("patch", _stain),
    "chip": ("edge", _chip),
    "wear": ("patch", _wear),
}
