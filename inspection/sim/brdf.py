"""How a surface scatters light: an anisotropic GGX microfacet coat over a Lambertian body.

Directions are in the local frame of the surface, z along the normal, x across the brushing.
GGX: Walter et al. 2007, EGSR. Anisotropy and the height-correlated masking-shadowing term:
Heitz 2014, JCGT 3(2). Fresnel: Schlick 1994. The body is seen through the coat twice, so it is
weighted by (1 - F) on the way in and on the way out, which keeps the sum reciprocal and its
albedo at or below one.
"""

from __future__ import annotations

from math import pi, sqrt

from inspection.sim.jit import njit


@njit(cache=True, fastmath=True, inline="always")
def fresnel(f0, cosine):  # type: ignore[no-untyped-def]
    """Reflectance at the angle whose cosine is given, from `f0` at normal incidence."""
    c = 1.0 - cosine
    c2 = c * c
    return f0 + (1.0 - f0) * c2 * c2 * c


@njit(cache=True, fastmath=True, inline="always")
def ggx(hx, hy, hz, alpha_x, alpha_y):  # type: ignore[no-untyped-def]
    """Density of facet normals, 1/sr; its projection integrates to one over the hemisphere."""
    x, y = hx / alpha_x, hy / alpha_y
    k = x * x + y * y + hz * hz
    return 1.0 / (pi * alpha_x * alpha_y * k * k)


@njit(cache=True, fastmath=True, inline="always")
def smith_lambda(x, y, z, alpha_x, alpha_y):  # type: ignore[no-untyped-def]
    """Smith's Lambda of a direction above the horizon, for the GGX density."""
    slope2 = (alpha_x * alpha_x * x * x + alpha_y * alpha_y * y * y) / (z * z)
    return 0.5 * (sqrt(1.0 + slope2) - 1.0)


@njit(cache=True, fastmath=True, inline="always")
def brdf(ix, iy, iz, ox, oy, oz, albedo, f0, alpha_x, alpha_y):  # type: ignore[no-untyped-def]
    """Scattered radiance per incident irradiance, 1/sr; 0 where either direction is below.

    i towards the light, o towards the camera, unit vectors. albedo: of the body. f0: reflectance
    of the coat at normal incidence. alpha_x, alpha_y: GGX roughness of the coat.
    """
    if iz <= 1e-4 or oz <= 1e-4:
        return 0.0
    hx, hy, hz = ix + ox, iy + oy, iz + oz
    length = sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx / length, hy / length, hz / length
    shadowing = 1.0 / (
        1.0
        + smith_lambda(ix, iy, iz, alpha_x, alpha_y)
        + smith_lambda(ox, oy, oz, alpha_x, alpha_y)
    )
    at_facet = fresnel(f0, ix * hx + iy * hy + iz * hz)
    coat = ggx(hx, hy, hz, alpha_x, alpha_y) * shadowing * at_facet / (4.0 * iz * oz)
    body = albedo / pi * (1.0 - fresnel(f0, iz)) * (1.0 - fresnel(f0, oz))
    return coat + body
