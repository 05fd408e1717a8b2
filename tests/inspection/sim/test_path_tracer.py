"""The renderer against a path tracer (Mitsuba 3, Jakob et al. 2022) that shares no code with it."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs lingnan[sim]")

from inspection.sim.lighting import Lighting
from inspection.sim.render import DARK, Lamps, Points

mi = pytest.importorskip("mitsuba", reason="needs the path tracer: pip install mitsuba")
mi.set_variant("scalar_rgb")

pytestmark = [pytest.mark.inspection, pytest.mark.slow]

N, PIXEL = 64, 10.0
LAMPS = [(1.0, 0.0, 1.0), (0.4, 0.9, 1.2), (0.0, 0.0, 1.0)]


def corners() -> np.ndarray:
    """A dent, a bump and a ramp, mirror symmetric in nothing; heights at the pixels' corners."""
    y, x = np.mgrid[0 : N + 1, 0 : N + 1] * PIXEL
    bump = 45 * np.exp(-((x - 400) ** 2 + (y - 250) ** 2) / (2 * 70**2))
    dent = 25 * np.exp(-((x - 180) ** 2 + (y - 430) ** 2) / (2 * 50**2))
    return np.asarray(bump - dent + 0.03 * x)


def traced(
    height: np.ndarray, bsdf: dict, light: dict, samples: int = 64, depth: int = 2
) -> np.ndarray:
    """(N, N) radiance towards an orthographic camera above."""
    side = N * PIXEL / 2
    to_world = mi.ScalarTransform4f().look_at([side, side, 5e3], [side, side, 0], [0, 1, 0])
    film = {
        "type": "hdrfilm", "width": N, "height": N, "rfilter": {"type": "box"},
        "component_format": "float32", "pixel_format": "luminance",
    }  # fmt: skip
    sensor = {
        "type": "orthographic",
        "to_world": to_world @ mi.ScalarTransform4f().scale([side, side, 1]),
        "film": film,
        "sampler": {"type": "independent", "sample_count": samples},
    }
    scene = {"type": "scene", "integrator": {"type": "path", "max_depth": depth}, "light": light}
    scene |= {"part": mesh(height, bsdf), "sensor": sensor}
    return np.asarray(mi.render(mi.load_dict(scene)))[::-1, :, 0]  # its rows run down


def mesh(height: np.ndarray, bsdf: dict) -> object:
    """The height field as triangles with the smooth normals of its slopes."""
    rows, columns = height.shape
    y, x = np.mgrid[0:rows, 0:columns] * PIXEL
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    faces = [np.stack([i.ravel() for i in corner], 1) for corner in ((a, b, d), (a, d, c))]
    slope_y, slope_x = np.gradient(height, PIXEL)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(height)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    told = mi.Properties()
    told["mesh_bsdf"] = mi.load_dict(bsdf)
    made = mi.Mesh("part", rows * columns, 2 * a.size, props=told, has_vertex_normals=True)
    inside = mi.traverse(made)
    inside["vertex_positions"] = np.stack([x, y, height], -1).astype(np.float32).ravel()
    inside["faces"] = np.concatenate(faces).astype(np.uint32).ravel()
    inside["vertex_normals"] = normal.astype(np.float32).ravel()
    inside.update()
    return made


def ours(height: np.ndarray, lamps: Lamps, **material: float) -> np.ndarray:
    """(N, N) radiance of the same part at its pixels' middles."""

    def middle(values: np.ndarray) -> np.ndarray:
        both = values[:-1] + values[1:]
        return np.asarray((both[:, :-1] + both[:, 1:]) / 4, np.float32)

    slope_y, slope_x = (middle(slope).ravel() for slope in np.gradient(height, PIXEL))
    maps = (
        np.full(N * N, material[name], np.float32) for name in ("albedo", "f0", "alpha", "alpha")
    )
    lighting = Lighting.over(middle(height), PIXEL, lamps, DARK, are_shadows_hard=False)
    return lighting.on(Points(slope_x, slope_y, *maps)).reshape(N, N)


def one(direction: tuple[float, float, float], half_angle: float = 0.0) -> tuple[Lamps, dict]:
    """The same distant lamp of unit irradiance, ours and the path tracer's."""
    toward = np.array(direction) / np.linalg.norm(direction)
    lamps = Lamps(
        toward[None].astype(np.float32), np.ones(1, np.float32), np.full(1, half_angle, np.float32)
    )
    sun = {
        "type": "directional",
        "direction": (-toward).tolist(),
        "irradiance": {"type": "rgb", "value": 1.0},
    }
    return lamps, sun


def differs(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference as a share of the mean."""
    return float(np.abs(a - b).mean() / b.mean())


@pytest.mark.parametrize("direction", LAMPS)
@pytest.mark.parametrize("alpha", [0.15, 0.3])
def test_rough_metal(direction: tuple[float, float, float], alpha: float) -> None:
    lamps, sun = one(direction)
    bsdf = {"type": "roughconductor", "material": "none", "distribution": "ggx", "alpha": alpha}
    reference = traced(corners(), bsdf, sun)
    assert differs(ours(corners(), lamps, albedo=0, f0=1, alpha=alpha), reference) < 0.01


@pytest.mark.parametrize("direction", LAMPS)
def test_glazed_ceramic(direction: tuple[float, float, float]) -> None:
    """How much of the body's light leaves through the coat is read from a plane under one lamp; the
    relief under every lamp then follows."""
    lamps, sun = one(direction)
    oblique, oblique_sun = one(LAMPS[0])
    bsdf = {
        "type": "roughplastic", "distribution": "ggx", "alpha": 0.12, "int_ior": 1.5,
        "diffuse_reflectance": {"type": "rgb", "value": 0.8},
    }  # fmt: skip
    plane = np.zeros_like(corners())
    level = traced(plane, bsdf, oblique_sun).mean()
    coat, white = (
        ours(plane, oblique, albedo=albedo, f0=0.04, alpha=0.12).mean() for albedo in (0.0, 1.0)
    )
    seen = (level - coat) / (white - coat)
    assert 0.5 < seen < 0.9
    reference = traced(corners(), bsdf, sun)
    assert differs(ours(corners(), lamps, albedo=seen, f0=0.04, alpha=0.12), reference) < 0.03


def test_what_bounces_between_surfaces_is_left_out_and_little() -> None:
    """On this metal relief of slopes up to 0.5, more bounces add less than 2 %."""
    _, sun = one((1.0, 0.0, 1.0))
    bsdf = {"type": "roughconductor", "material": "none", "distribution": "ggx", "alpha": 0.2}
    direct, full = (traced(corners(), bsdf, sun, depth=depth) for depth in (2, 8))
    assert 1.0 <= full.mean() / direct.mean() < 1.02


@pytest.mark.parametrize("half_angle_deg", [4.0, 8.0])
def test_the_penumbra_of_a_wall(half_angle_deg: float) -> None:
    """A step of 150 um under a disk of light at 45 degrees, on a plain white body."""
    height = np.zeros((N + 1, N + 1))
    height[:, N // 2 :] = 150.0
    half = np.deg2rad(half_angle_deg)
    lamps, _ = one((1.0, 0.0, 1.0), half)
    side, far = N * PIXEL / 2, 1e6
    toward = np.array([1.0, 0.0, 1.0]) / np.sqrt(2)
    place = mi.ScalarTransform4f().look_at(
        (np.array([side, side, 0]) + far * toward).tolist(), [side, side, 0], [0, 1, 0]
    )
    radius = far * np.tan(half)
    disk = {
        "type": "disk",
        "to_world": place @ mi.ScalarTransform4f().scale([radius, radius, 1]),
        "emitter": {
            "type": "area",
            "radiance": {"type": "rgb", "value": float(1 / (pi * np.sin(half) ** 2))},
        },
    }
    bsdf = {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.6}}
    reference = traced(height, bsdf, disk, samples=256).mean(axis=0)
    shadow = ours(height, lamps, albedo=0.6, f0=0.0, alpha=0.5).mean(axis=0)
    x = np.arange(N // 2 - 2) * PIXEL
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):  # where so much of the disk is seen
        ends = [np.interp(-share, -row[: len(x)] / row[2], x) for row in (shadow, reference)]
        assert ends[0] == pytest.approx(ends[1], abs=PIXEL)
