"""lingnan inspection generate | generate-train"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from inspection.generate.canvas import Maker

Method = Literal["procedural", "learned", "circuit"]
AsJson = Annotated[bool, Parameter(name="--json", negative="")]


def generate(
    source: Path,
    *,
    kind: str,
    size_px: float,
    out: Path,
    at: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    severity: float = 0.5,
    angle_deg: float | None = None,
    count: int = 1,
    seed: int = 1,
    method: Method = "procedural",
    model: Path | None = None,
    json: AsJson = False,
) -> None:
    """Put defects of a chosen kind onto pictures of good parts; write samples with their masks.

    OUT can be taught from with `teach OUT --layout folder`. A run that was interrupted goes on.

    Parameters
    ----------
    source:
        A picture of a good part, or a folder of them, used in turn.
    kind:
        procedural: pit, crack, scratch, stain, chip or wear. learned: what the generator knows.
        circuit: open, short, mousebite, spur, copper or pin-hole.
    size_px:
        Diameter of the smallest circle around the defect.
    out:
        Folder for images, masks and samples.jsonl.
    at:
        X,Y of the circle's middle in pixels; without it each sample gets a place of its own.
    severity:
        From just above 0 (invisible) to 1 (as strong as the kind gets).
    angle_deg:
        Direction of the long axis, from x towards y; without it each sample has its own.
    count:
        How many samples.
    seed:
        The same seed gives the same samples.
    method:
        procedural: drawn by rules. learned: made by a generator network. circuit: drawn into the
        pattern of a board in two levels, copper dark.
    model:
        A generator of your own (`generate-train`) in place of the one that comes along.
    json:
        Print the summary as JSON.
    """
    import json as codec

    from common.progress import progress
    from inspection.generate.make import generate as make
    from inspection.generate.make import pictures
    from inspection.generate.request import DefectRequest

    x, y = _point(at)
    request = DefectRequest.of(
        kind=kind,
        x_px=x,
        y_px=y,
        size_px=size_px,
        severity=severity,
        angle_deg=angle_deg,
        count=count,
        seed=seed,
    )
    maker = _maker(method, model)
    with progress() as tell:
        tally = make(pictures(source), request, maker, out, tell)
    if json:
        print(codec.dumps(tally.to_json(), indent=1, ensure_ascii=False))
        return
    print(f"{tally.n_made} made, {tally.n_there} were there: {kind}, {method}, in {out}")


def generate_train(
    data: Path,
    *,
    layout: Literal["mvtec", "magnetic-tile", "kolektor", "folder"],
    out: Path,
    steps: Annotated[int, Parameter(validator=Number(gte=1))] = 1200,
    seed: int = 1,
) -> None:
    """Train a generator network on the masked defects in DATA, into one ONNX file.

    Needs the extra `train`. The data's licence says whether the file may be passed on.

    Parameters
    ----------
    data:
        Folder of good samples and defective ones with masks.
    layout:
        How the folder is laid out.
    out:
        The .onnx file to write, for `generate --method learned --model`.
    steps:
        Of training; some hundred a minute on one core.
    seed:
        Of the initial weights and the draws.
    """
    from common.errors import MissingExtraError
    from common.progress import progress
    from inspection.layouts.table import reader

    try:
        from inspection.train.generator import train_on
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "torch", "train") from None
    with progress() as tell:
        told = train_on(reader(layout)(data, "refuse"), out, steps, seed, tell)
    print(f"{out}: {told}")


def _point(at: str | None) -> tuple[float | None, float | None]:
    from inspection.generate.request import RequestError

    if at is None:
        return None, None
    try:
        x, y = (float(part) for part in at.split(","))
    except ValueError:
        raise RequestError(f"--at wants X,Y in pixels, such as 120,64; got {at!r}") from None
    return x, y


def _maker(method: Method, model: Path | None) -> Maker:
    from inspection.generate.request import RequestError

    if model is not None and method != "learned":
        raise RequestError("--model belongs to --method learned")
    if method == "procedural":
        from inspection.generate.procedural import Procedural

        return Procedural()
    if method == "circuit":
        from inspection.generate.circuit import Circuit

        return Circuit()
    from inspection.generate import learned

    return learned.shipped() if model is None else learned.from_file(model)
