"""All models that the installed directions ship."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from common.directions import Direction, installed
from common.runtime.errors import ModelError
from common.runtime.files import open_folder
from common.runtime.manifest import ModelCard, read_manifest
from common.runtime.weights import verify_folder


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """A model in a direction's weights/; load it with `weights.load(folder, name)`."""

    direction: str
    name: str
    card: ModelCard
    folder: Path


@dataclass(frozen=True, slots=True)
class FolderVerdict:
    """What verifying one weights folder gave; `error` is "" where every file agrees."""

    direction: str
    folder: Path
    models: int
    error: str


def shipped() -> tuple[ShippedModel, ...]:
    """Every shipped model as its manifest describes it; files are hashed when loaded.

    ManifestError where a weights folder's manifest is missing or not what it must be.
    """
    return tuple(
        ShippedModel(direction, name, card, folder)
        for direction, folder in _folders()
        for name, card in _cards(folder).items()
    )


def verify() -> tuple[FolderVerdict, ...]:
    """Hash every file of every weights folder; one verdict a folder, nothing raised."""
    return tuple(_verdict(direction, folder) for direction, folder in _folders())


def _folders() -> list[tuple[str, Path]]:
    found = [(direction.package, _weights(direction)) for direction in installed()]
    return [(package, folder) for package, folder in found if folder is not None]


def _weights(direction: Direction) -> Path | None:
    spec = importlib.util.find_spec(direction.package)
    places = spec.submodule_search_locations if spec else None
    folders = [Path(place) / "weights" for place in places or ()]
    return next((folder for folder in folders if folder.is_dir() and any(folder.iterdir())), None)


def _cards(folder: Path) -> dict[str, ModelCard]:
    with open_folder(folder) as opened:
        return read_manifest(opened).models


def _verdict(direction: str, folder: Path) -> FolderVerdict:
    try:
        return FolderVerdict(direction, folder, len(verify_folder(folder).models), "")
    except ModelError as error:
        return FolderVerdict(direction, folder, 0, str(error))
