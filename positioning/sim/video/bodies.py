"""Road users, walls and roadside things as coloured prisms: what the rasteriser fills.

A body's axes: x forward, y to the left, z up, origin on the ground. Colours are BGR albedo in 0..1;
above 1 a face glows by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.sim.road.shapes import Shape
from positioning.sim.video.raster import FACADE, GLOW, LEAVES, NOBODY, PLAIN

Floats = NDArray[np.float64]
Colour = tuple[float, float, float]

GLASS: Colour = (0.10, 0.09, 0.08)
RUBBER: Colour = (0.05, 0.05, 0.05)
HEADLAMP: Colour = (9.0, 10.0, 10.0)
TAIL_LAMP: Colour = (0.12, 0.10, 3.0)
PAINTS: tuple[Colour, ...] = (
    (0.85, 0.85, 0.85), (0.62, 0.62, 0.62), (0.10, 0.10, 0.10), (0.12, 0.12, 0.55),
    (0.50, 0.25, 0.10), (0.30, 0.31, 0.33), (0.15, 0.35, 0.20), (0.20, 0.55, 0.75),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (0.15, 0.15, 0.15), (0.55, 0.30, 0.15), (0.20, 0.20, 0.60), (0.70, 0.70, 0.70),
    (0.25, 0.45, 0.25), (0.15, 0.55, 0.70), (0.35, 0.30, 0.30), (0.45, 0.20, 0.40),
)  # fmt: skip
SKIN: tuple[Colour, ...] = ((0.45, 0.55, 0.75), (0.30, 0.40, 0.60), (0.15, 0.22, 0.35))


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Q quadrilaterals: corners_m (Q, 4, 3), colour (Q, 3), texture (Q,), owner (Q,)."""

    corners_m: Floats
    colour: NDArray[np.float32]
    texture: NDArray[np.int32]
    owner: NDArray[np.int32]

    @classmethod
    def of(cls, quads: Floats, colour: Colour, texture: int = PLAIN) -> Faces:
        """All in one colour, nobody's."""
        n = len(quads)
        return cls(
            quads,
            np.tile(np.asarray(colour, np.float32), (n, 1)),
            np.full(n, texture, np.int32),
            np.full(n, NOBODY, np.int32),
        )

    @classmethod
    def join(cls, parts: list[Faces]) -> Faces:
        """One after the other."""
        if not parts:
            return cls.of(np.zeros((0, 4, 3)), (0, 0, 0))
        return cls(
            np.concatenate([part.corners_m for part in parts]),
            np.concatenate([part.colour for part in parts]),
            np.concatenate([part.texture for part in parts]),
            np.concatenate([part.owner for part in parts]),
        )

    def placed(self, at_m: Floats, yaw_rad: float, owner: int = NOBODY) -> Faces:
        """Turned about z, moved to (x, y) on the ground, and owned."""
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        moved = self.corners_m @ turn.T + np.array([at_m[0], at_m[1], 0.0])
        return Faces(moved, self.colour, self.texture, np.full_like(self.owner, owner))


def prism(
    middle: tuple[float, float, float],
    size: tuple[float, float, float],
    colour: Colour,
    *,
    top: float = 1.0,
    sides: int = 4,
    texture: int = PLAIN,
) -> Faces:
    """An upright prism around `middle`; its top is `top` times as long and wide as its foot."""
    angle = np.pi / sides + 2 * np.pi * np.arange(sides) / sides
    round_off = np.cos(np.pi / sides)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) / round_off * np.array(size[:2]) / 2
    low = np.column_stack([ring, np.full(sides, -size[2] / 2)]) + middle
    high = np.column_stack([ring * top, np.full(sides, size[2] / 2)]) + middle
    after = np.roll(np.arange(sides), -1)
    walls = np.stack([low, low[after], high[after], high], axis=1)
    lids = [high[[0, i, i + 1, min(i + 2, sides - 1)]] for i in range(1, sides - 1, 2)]
    return Faces.of(np.concatenate([walls, np.array(lids)]), colour, texture)


def pick(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    """One of them, a little lighter or darker."""
    chosen = np.array(colours[int(rng.integers(len(colours)))]) * rng.uniform(0.8, 1.15)
    b, g, r = np.clip(chosen, 0.02, 0.95)
    return float(b), float(g), float(r)


def body(shape: Shape, rng: np.random.Generator, stride: float) -> Faces:
    """The faces of a road user; stride: -1..1, where its legs are."""
    if shape.kind == "pedestrian":
        return Faces.join(_person(shape.height_m, rng, stride))
    if shape.kind == "cyclist":
        return Faces.join(_cyclist(shape, rng, stride))
    return Faces.join(_vehicle(shape, rng))


def _vehicle(shape: Shape, rng: np.random.Generator) -> list[Faces]:
    length, width, height = shape.length_m, shape.width_m, shape.height_m
    paint = pick(PAINTS, rng)
    sill = 0.28 if shape.kind == "car" else 0.4
    parts = [
        prism(
            (sx * 0.31 * length, sy * (width / 2 - 0.12), 0.32), (0.64, 0.22, 0.64), RUBBER, sides=8
        )
        for sx in (1, -1)
        for sy in (1, -1)
    ]
    if shape.kind == "car":
        belt = 0.56 * height
        parts += [
            prism((0, 0, (sill + belt) / 2), (length, width, belt - sill), paint, top=0.97),
            prism(
                (-0.06 * length, 0, (belt + height) / 2 - 0.03),
                (0.62 * length, 0.92 * width, height - belt - 0.06),
                GLASS,
                top=0.74,
            ),
            prism((-0.06 * length, 0, height - 0.03), (0.46 * length, 0.70 * width, 0.06), paint),
        ]  # fmt: skip
    else:
        cab = 0.25 * length if shape.kind == "truck" else length
        load = pick(PAINTS, rng)
        parts.append(
            prism(
                ((length - cab) / 2, 0, (sill + 0.9 * height) / 2),
                (cab, width, 0.9 * height - sill),
                paint,
            )
        )
        if shape.kind == "truck":
            parts.append(
                prism((-cab / 2, 0, (0.9 + height) / 2), (length - cab, width, height - 0.9), load)
            )
        else:
            parts.append(prism((0, 0, 0.95 * height), (length, 0.98 * width, 0.1 * height), paint))
            parts.append(_side_glass(length, width, height))
        parts.append(_pane(length / 2 + 0.01, 0.9 * width, 0.52 * height, 0.84 * height, GLASS))
        if shape.kind == "van":
            parts.append(_pane(-length / 2 - 0.01, 0.8 * width, 0.55 * height, 0.8 * height, GLASS))
    return parts + _lamps(length, width, sill + 0.3)


def _lamps(length: float, width: float, up: float) -> list[Faces]:
    def lamp(x: float, y: float, colour: Colour) -> Faces:
        return _pane(x, 0.28, up, up + 0.16, colour, y, GLOW)

    side = width / 2 - 0.22
    front = [lamp(length / 2 + 0.02, y, HEADLAMP) for y in (side, -side)]
    return front + [lamp(-length / 2 - 0.02, y, TAIL_LAMP) for y in (side, -side)]


def _pane(
    x: float,
    width: float,
    low: float,
    high: float,
    colour: Colour,
    y: float = 0.0,
    texture: int = PLAIN,
) -> Faces:
    """A rectangle across the body at x."""
    half = width / 2
    quad = [(x, y - half, low), (x, y + half, low), (x, y + half, high), (x, y - half, high)]
    return Faces.of(np.array([quad]), colour, texture)


def _side_glass(length: float, width: float, height: float) -> Faces:
    half, y = 0.42 * length, width / 2 + 0.01
    quads = [
        [
            (x, s * y, up * height)
            for x, up in ((-half, 0.5), (half, 0.5), (half, 0.8), (-half, 0.8))
        ]
        for s in (1, -1)
    ]  # fmt: skip
    return Faces.of(np.array(quads), GLASS)


def _person(height: float, rng: np.random.Generator, stride: float, up: float = 0.0) -> list[Faces]:
    """Legs, trunk, arms and head as prisms of six sides."""
    coat, trousers, skin = pick(CLOTHES, rng), pick(CLOTHES, rng), pick(SKIN, rng)
    h, parts = height, []
    for side, swing in ((0.09, stride), (-0.09, -stride)):
        parts += [
            prism((0.16 * swing, side, 0.24 * h + up), (0.17, 0.16, 0.48 * h), trousers, sides=6),
            prism(
                (-0.14 * swing, 2.6 * side, 0.62 * h + up), (0.11, 0.10, 0.34 * h), coat, sides=6
            ),
        ]
    parts.append(prism((0, 0, 0.64 * h + up), (0.26, 0.42, 0.36 * h), coat, top=1.05, sides=6))
    parts.append(prism((0, 0, 0.92 * h + up), (0.20, 0.17, 0.16 * h), skin, sides=6))
    return parts


def _cyclist(shape: Shape, rng: np.random.Generator, stride: float) -> list[Faces]:
    reach = shape.length_m / 2 - 0.33
    frame = pick(PAINTS, rng)
    wheels = [_wheel(x) for x in (reach, -reach)]
    bars = [
        prism((0, 0, 0.55), (1.2 * reach, 0.05, 0.06), frame),
        prism((0.8 * reach, 0, 0.75), (0.05, 0.5, 0.08), frame),
    ]
    rider = _person(0.74 * shape.height_m, rng, 0.5 * stride, up=0.26 * shape.height_m)
    return [*wheels, *bars, *rider]


def _wheel(x: float) -> Faces:
    angle = 2 * np.pi * np.arange(9) / 8
    rim = np.stack([x + 0.33 * np.cos(angle), np.zeros(9), 0.34 + 0.33 * np.sin(angle)], 1)
    hub = np.stack([x + 0.27 * np.cos(angle), np.zeros(9), 0.34 + 0.27 * np.sin(angle)], 1)
    quads = [np.stack([rim[i], rim[i + 1], hub[i + 1], hub[i]]) for i in range(8)]
    return Faces.of(np.array(quads), RUBBER)


def wall(start_m: Floats, end_m: Floats, height_m: float, colour: Colour, is_facade: bool) -> Faces:
    """A vertical plane."""
    low = [(start_m[0], start_m[1], 0.0), (end_m[0], end_m[1], 0.0)]
    high = [(end_m[0], end_m[1], height_m), (start_m[0], start_m[1], height_m)]
    return Faces.of(np.array([low + high]), colour, FACADE if is_facade else PLAIN)


def pole(at_m: Floats, height_m: float) -> Faces:
    """A lamp or sign post."""
    return prism((at_m[0], at_m[1], height_m / 2), (0.14, 0.14, height_m), (0.3, 0.3, 0.3), sides=6)


def tree(at_m: Floats, height_m: float) -> Faces:
    """A trunk with a crown."""
    trunk = prism(
        (at_m[0], at_m[1], 0.2 * height_m), (0.3, 0.3, 0.4 * height_m), (0.1, 0.16, 0.22), sides=6
    )
    crown = (at_m[0], at_m[1], 0.68 * height_m)
    leaves = prism(
        crown, (2.6, 2.6, 0.64 * height_m), (0.10, 0.26, 0.14), top=0.45, sides=8, texture=LEAVES
    )
    return Faces.join([trunk, leaves])


def bin_(at_m: Floats, colour: Colour) -> Faces:
    """A litter bin or switch box: as high as a child, and no road user."""
    return prism((at_m[0], at_m[1], 0.55), (0.55, 0.5, 1.1), colour)
