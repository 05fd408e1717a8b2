"""Carries out a request over good pictures, into a folder of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.lock import alone
from inspection.generate.canvas import Maker, Rng
from inspection.generate.request import DefectRequest, RequestError
from inspection.generate.store import Key, SampleStore
from inspection.layouts.imagesize import SUFFIXES
from inspection.layouts.pixels import read_image
from inspection.methods.base import Progress


@dataclass(slots=True)
class Tally:
    """What a run came to. n_there: samples that an earlier run had made."""

    kind: str
    method: str
    out: str
    n_made: int = 0
    n_there: int = 0
    sources: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def pictures(named: Path) -> list[Path]:
    """The picture, or those in the folder (not in folders below); RequestError where none is."""
    if named.is_file():
        return [named]
    if not named.is_dir():
        raise RequestError(f"{named}: no such picture or folder")
    found = sorted(p for p in named.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise RequestError(f"{named}: no picture in this folder ({', '.join(sorted(SUFFIXES))})")
    return found


def generate(
    sources: Sequence[Path], request: DefectRequest, maker: Maker, out: Path, progress: Progress
) -> Tally:
    """`request.count` samples on the sources in turn; those that are in `out` already are passed.

    Sample i follows from the request's seed and i alone, however many were made before.
    RequestError where a picture has no room, LayoutError where it cannot be read.
    """
    tally = Tally(request.kind, maker.name, str(out))
    used = list(sources)[: request.count]
    wanted = request.model_copy(update={"count": 1})
    told = wanted.to_json()
    with alone(out), SampleStore(out) as store:
        for path in used:
            image, payload = read_image(path), path.read_bytes()
            digest = sha256(payload).hexdigest()
            for index in range(used.index(path), request.count, len(used)):
                key = Key(told, index, maker.name, maker.identity, path.name, digest)
                if key in store:
                    tally.n_there += 1
                else:
                    store.add(key, _one(image, wanted, maker, index, path))
                    tally.n_made += 1
                progress(tally.n_made + tally.n_there, request.count, "making defects")
            store.add_good(path.name, payload)
            tally.sources.append(str(path))
    return tally


def stream(seed: int, index: int) -> Rng:
    """The random stream of one sample."""
    return np.random.default_rng([seed, index])


def _one(
    image: NDArray[np.uint8], request: DefectRequest, maker: Maker, index: int, path: Path
) -> Any:
    try:
        return maker.make(image, request, stream(request.seed, index))
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None
