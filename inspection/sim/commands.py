"""lingnan inspection station, exposures, relief-station."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

Count = Annotated[int, Parameter(validator=Number(gte=0, lte=10_000))]
Seed = Annotated[int, Parameter(validator=Number(gte=0, lt=2**31))]
Decibel = Annotated[float, Parameter(validator=Number(gte=-16, lte=40))]
Room = Annotated[float, Parameter(validator=Number(gte=0, lte=1000))]


def station(
    out: Path,
    *,
    material: str,
    rig: str = "A",
    good: Count = 30,
    defective: Count = 10,
    seed: Seed = 1,
    gain_db: Decibel = 0.0,
) -> None:
    """Set up a simulated station; take pictures of its parts, with masks, and of its target.

    A call that was interrupted goes on when it is given again.

    Parameters
    ----------
    out:
        New folder: parts/ in the layout `folder`, target.png, camera.json, station.json.
    material:
        metal, glass, glaze, smd, plastic, eink or inductor.
    rig:
        The station: A, or B, C, D with another lens, camera, lamps and pose.
    good:
        Pictures of good parts.
    defective:
        Pictures of parts with a point, as many with a scratch, as many with a stain.
    seed:
        Of the parts; two stations see the same parts of one seed.
    gain_db:
        What the camera is set brighter by, as `migrate` may ask.
    """
    from common.progress import progress
    from inspection.sim.pictures import Order, write

    order = Order(material, rig, good, defective, seed, gain_db)
    with progress() as tell:
        made, there = write(out, order, tell)
    before = f" {there} of them were there before." if there else ""
    print(
        f"{out}: {made + there} pictures of {material} on the simulated station {rig}, and its "
        f"target.{before}"
    )


def exposures(
    out: Path,
    *,
    material: str = "metal",
    seed: Seed = 1,
    room: Room = 3.0,
) -> None:
    """Expose a simulated part with and without strobe, for several times, and as it passes.

    Parameters
    ----------
    out:
        New folder: strobe/, hdr/ and belt/, each with frames and exposures.csv, for `strobe`, `hdr`
        and `events`; truth.png, station.json.
    material:
        metal, glass, glaze, smd, plastic, eink or inductor.
    seed:
        Of the part, its defects and the noise.
    room:
        The room light, in what the material's own strobes make of a white surface.
    """
    from inspection.sim.exposures import write

    told = write(out, material, seed, room)
    camera = (
        f"--black-level-dn {told['black_level_dn']:g} --saturation-dn {told['saturation_dn']:g} "
        f"--dn-per-e {told['dn_per_e']:.4g} --read-noise-e {told['read_noise_e']:g}"
    )
    print(
        f"{out}: frames of a simulated {material} part of 12 bits, room light {room:g} times the "
        f"strobes'.\nThe simulated camera: {camera}"
    )


def relief_station(
    out: Path,
    *,
    product: str,
    good: Count = 2,
    defective: Count = 4,
    seed: Seed = 1,
) -> None:
    """Measure parts by a simulated height sensor; write their maps, the truth, and the sensor.

    Parameters
    ----------
    out:
        New folder: NUMBER.npz, truth.jsonl, sensor.json, station.json.
    product:
        smd-chip, wafer-die, connector-pin or battery-tab.
    good:
        Parts without a flaw; they come first.
    defective:
        Parts with one flaw or two.
    seed:
        Of parts, flaws and noise.
    """
    from common.progress import progress
    from inspection.sim.maps import MapOrder, write

    order = MapOrder(product, good, defective, seed)
    with progress() as tell:
        count = write(out, order, tell)
    print(f"{out}: {count} maps of the product {product} by a simulated fringe sensor.")
