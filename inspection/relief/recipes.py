"""Products: what a good one measures, how its faces are formed, and what is no longer good.

A part's frame has its origin in the middle of the outline, x to the right, y down, heights over the
stage. Lengths in um.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import hypot, inf

from common.errors import LingnanError
from inspection.relief.form import Model


class UnknownRecipeError(LingnanError):
    """No product has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no recipe is called {name!r}; there are: {', '.join(RECIPES)}")


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangular face: its middle, its size, its form.

    level_um: nominal median height over the stage; level_tolerance_um: by how much it may differ.
    radius_um: of a cylinder, whose axis lies along x.
    """

    name: str
    x_um: float
    y_um: float
    width_um: float
    height_um: float
    model: Model
    level_um: float
    level_tolerance_um: float
    radius_um: float = 1000.0


@dataclass(frozen=True, slots=True)
class Bump:
    """A solder bump on a region: place, footprint, nominal height over the face."""

    name: str
    region: str
    x_um: float
    y_um: float
    radius_um: float
    height_um: float
    tolerance_um: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """A product.

    width_um, height_um: of the outline; size_tolerance_um: by how much it may differ.
    thickness_um: of the outline over the stage; half of it tells part from stage. 0: the whole map
    is one face, no outline is sought.
    depth_um, scratch_um: a flaw (a scratch) that may be deeper or higher than this is refused; more
    than the texture of a good part has.
    seen: share of a region that must have been seen.
    """

    name: str
    what: str
    width_um: float
    height_um: float
    size_tolerance_um: float
    thickness_um: float
    regions: tuple[Region, ...]
    bumps: tuple[Bump, ...] = ()
    depth_um: float = 8.0
    scratch_um: float = 5.0
    seen: float = 0.9

    @property
    def reach_um(self) -> float:
        """Half the diagonal of the outline."""
        return hypot(self.width_um, self.height_um) / 2


INSET_UM = 40.0  # nearer to an edge than this, its rounding is no flaw
PITCH_UM, BUMP_RADIUS_UM, BUMP_UM = 400.0, 55.0, 60.0
HOUSING_UM, PIN_RADIUS_UM, PIN_PITCH_UM, PIN_UM = 250.0, 250.0, 700.0, 2000.0


def smd_chip() -> Recipe:
    """A 0805 chip part: ceramic body under a glass coat, a tinned terminal at each end."""
    body, terminal = 1200.0, 400.0
    inner = 1250.0 - 2 * INSET_UM
    ends = tuple(
        Region(f"terminal-{side}", at, 0, terminal - 2 * INSET_UM, inner, "quadratic", 480, 25)
        for side, at in (("left", -(body + terminal) / 2), ("right", (body + terminal) / 2))
    )
    middle = Region("body", 0, 0, body - 2 * INSET_UM, inner, "quadratic", 450, 25)
    return Recipe(
        "smd-chip", "chip part 0805 (2.0 x 1.25 mm)", 2000, 1250, 30, 450, (*ends, middle)
    )


def wafer_die(side_um: float = 2200.0) -> Recipe:
    """A sawn die with solder bumps on a square grid; its face bows."""
    face = side_um - 2 * INSET_UM
    count = int((side_um / 2 - 300) / PITCH_UM)
    steps = range(-count, count + 1)
    bumps = tuple(
        Bump(f"bump {i + count}/{j + count}", "face", i * PITCH_UM, j * PITCH_UM, BUMP_RADIUS_UM,
             BUMP_UM, 15)
        for j, i in product(steps, steps)
    )  # fmt: skip
    region = Region("face", 0, 0, face, face, "quadratic", 300, 20)
    what = f"bumped die ({side_um / 1000:.1f} x {side_um / 1000:.1f} mm)"
    return Recipe("wafer-die", what, side_um, side_um, 20, 300, (region,), bumps)


def connector_pin() -> Recipe:
    """Three round contact pins in a moulded housing; their upper third is inspected."""
    crest = HOUSING_UM + PIN_RADIUS_UM
    pins = tuple(
        Region(
            f"pin-{i + 2}", 0, i * PIN_PITCH_UM, PIN_UM - 4 * INSET_UM, 340, "cylinder",
            crest - 12, 30, PIN_RADIUS_UM,
        )
        for i in (-1, 0, 1)
    )  # fmt: skip
    return Recipe(
        "connector-pin", "three contact pins in a housing", 2400, 2400, 40, HOUSING_UM, pins
    )


def battery_tab() -> Recipe:
    """The tab of a pouch cell: rolled foil that waves, with lines of rolling up to 4 um deep."""
    face = Region("face", 0, 0, 2600 - 2 * INSET_UM, 2000 - 2 * INSET_UM, "quartic", 200, 40)
    return Recipe(
        "battery-tab", "foil tab of a pouch cell", 2600, 2000, 40, 200, (face,), scratch_um=6
    )


def surface() -> Recipe:
    """Any surface that fills the map: form of degree 4, no outline, no level."""
    face = Region("surface", 0, 0, inf, inf, "quartic", 0, inf)
    return Recipe("surface", "a surface that fills the map", inf, inf, inf, 0, (face,))


PRODUCTS = (smd_chip(), wafer_die(), connector_pin(), battery_tab())
RECIPES = {recipe.name: recipe for recipe in (*PRODUCTS, surface())}


def recipe(name: str) -> Recipe:
    """The recipe of this name; UnknownRecipeError names those there are."""
    if name not in RECIPES:
        raise UnknownRecipeError(name)
    return RECIPES[name]
