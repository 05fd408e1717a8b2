"""Writes manifests; what training code calls after it exported a model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from common.runtime.errors import ManifestError
from common.runtime.files import read_file
from common.runtime.manifest import MAX_MODEL_BYTES, NAME, Manifest, ModelCard, TensorCard
from common.runtime.scan import scan
from common.runtime.session import Session, TensorSpec


def card_of(
    path: Path,
    *,
    licence: str,
    data: str,
    command: str,
    score: Mapping[str, float],
    units: Mapping[str, str] | None = None,
) -> ModelCard:
    """The card of the model file at `path`: hash, size and tensors are read from the file.

    units: tensor name -> unit of its values, where it has one.
    """
    payload = read_file(path, MAX_MODEL_BYTES)
    opsets = scan(payload).opsets
    session = Session(payload, warmup=0)
    units = units or {}
    if unknown := set(units) - {spec.name for spec in (*session.inputs, *session.outputs)}:
        raise ManifestError(f"{path}: no tensor named {', '.join(sorted(unknown))} to give a unit")
    return ModelCard(
        file=path.name,
        sha256=hashlib.sha256(payload).hexdigest(),
        bytes=len(payload),
        opset=opsets.get("", opsets.get("ai.onnx", 1)),
        inputs=tuple(_tensor(spec, units) for spec in session.inputs),
        outputs=tuple(_tensor(spec, units) for spec in session.outputs),
        licence=licence,
        data=data,
        command=command,
        score={name: float(value) for name, value in score.items()},
    )


def write_manifest(folder: Path, cards: Mapping[str, ModelCard]) -> Path:
    """Write manifest.json with exactly these models; same cards, same bytes.

    To add to a folder that has some: `{**verify_folder(folder).models, name: card}`.
    """
    manifest = Manifest(models={name: cards[name] for name in sorted(cards)})
    target, draft = folder / NAME, folder / f".{NAME}.{os.getpid()}"
    draft.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    draft.replace(target)  # readers see the old manifest or the new one
    return target


def _tensor(spec: TensorSpec, units: Mapping[str, str]) -> TensorCard:
    return TensorCard(
        name=spec.name,
        shape=spec.shape,
        dtype=spec.dtype.name,
        unit=units.get(spec.name, ""),
    )
