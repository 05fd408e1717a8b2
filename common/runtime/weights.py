"""Verified weights: the bytes that were hashed are the bytes the session is built from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from common.runtime.errors import WeightsError
from common.runtime.files import Folder, open_folder
from common.runtime.manifest import NAME, Manifest, ModelCard, read_manifest
from common.runtime.scan import scan


@dataclass(frozen=True, slots=True)
class VerifiedModel:
    """A model whose bytes have the hash its card gives, and hold no reference to other files."""

    card: ModelCard
    payload: bytes


def load(folder: Path, name: str) -> VerifiedModel:
    """Model `name` of a weights folder, read once, hashed in memory.

    WeightsError or ManifestError where the file is changed, missing, renamed, a link, or where
    the folder holds a file that the manifest does not name; UnsafeModelError where the model
    keeps data outside itself.
    """
    with open_folder(folder) as opened:
        manifest = read_manifest(opened)
        _same_files(opened, manifest)
        if name not in manifest.models:
            known = ", ".join(sorted(manifest.models)) or "none"
            raise WeightsError(f"{folder / NAME}: no model {name!r}; known: {known}")
        return _verified(opened, manifest.models[name])


def verify_folder(folder: Path) -> Manifest:
    """Check every file of a weights folder as `load` does; gives the manifest they agree with."""
    with open_folder(folder) as opened:
        manifest = read_manifest(opened)
        _same_files(opened, manifest)
        for card in manifest.models.values():
            _verified(opened, card)
    return manifest


def _same_files(folder: Folder, manifest: Manifest) -> None:
    wanted = {NAME, *(card.file for card in manifest.models.values())}
    found = folder.names()
    if missing := wanted - found:
        raise WeightsError(f"{folder.path}: missing {', '.join(sorted(missing))}")
    if extra := found - wanted:
        raise WeightsError(
            f"{folder.path}: {', '.join(map(repr, sorted(extra)))} not named in {NAME}"
        )


def _verified(folder: Folder, card: ModelCard) -> VerifiedModel:
    payload = folder.read(card.file, card.bytes)
    digest = hashlib.sha256(payload).hexdigest()
    if digest != card.sha256:
        raise WeightsError(
            f"{folder.path / card.file}: changed; sha256 is {digest}, {NAME} says {card.sha256}"
        )
    scan(payload)
    return VerifiedModel(card, payload)
