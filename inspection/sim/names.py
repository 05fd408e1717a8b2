"""What the simulated materials and geometries are called, and which exist; light to import."""

from __future__ import annotations

CHINESE = {
    "metal": "金属",
    "glass": "玻璃",
    "glaze": "陶瓷釉面",
    "smd": "贴片式电子原件（电容、电阻）",
    "plastic": "塑料",
    "eink": "水墨屏",
    "inductor": "贴片式电子原件（电感）",
}
GEOMETRY_CHINESE = {"flat": "平面", "arc": "弧面", "freeform": "异形面"}
SHAPE = {"flat": "flat", "arc": "curved", "freeform": "free-form"}

GEOMETRIES: dict[str, tuple[str, ...]] = {
    material: ("flat",) if material == "inductor" else tuple(GEOMETRY_CHINESE)
    for material in CHINESE
}
"""Material -> its geometries. Chips ride on bent flexible boards; an inductor of 4 mm does not."""

CELLS = tuple((material, form) for material, forms in GEOMETRIES.items() for form in forms)
"""Every (material, geometry) that is simulated."""
