"""manifest.json beside the weights: what every model file is, and the hash it must have."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from common.runtime.errors import ManifestError
from common.runtime.files import Folder

NAME = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
MAX_MODEL_BYTES = 512 << 20  # above any model that runs on the boards we aim at

Text = Annotated[str, Field(min_length=1, max_length=2000)]
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\.onnx$")]
Extent = Annotated[int, Field(ge=0, lt=1 << 31)] | Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TensorCard(_Strict):
    """One input or output. shape: a number, or a name where the extent is free (N, "?")."""

    name: Text
    shape: tuple[Extent, ...]
    dtype: Text
    unit: str = ""


class ModelCard(_Strict):
    """What a model file is, where it comes from and what it scored.

    sha256, bytes: of the file. opset: of the default ONNX domain. data: what it learned from.
    command: reproduces the file. score: the figures that command printed, by name.
    """

    file: FileName
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(gt=0, le=MAX_MODEL_BYTES)]
    opset: Annotated[int, Field(ge=1)]
    inputs: tuple[TensorCard, ...]
    outputs: tuple[TensorCard, ...]
    licence: Text
    data: Text
    command: Text
    score: dict[str, float]


class Manifest(_Strict):
    """All models of one weights folder, by name."""

    models: dict[ModelName, ModelCard]

    @model_validator(mode="after")
    def _one_file_each(self) -> Manifest:
        files = [card.file for card in self.models.values()]
        if len(set(files)) != len(files):
            raise ValueError("two models name the same file")
        return self


def parse_manifest(payload: bytes, source: PurePath) -> Manifest:
    """A manifest from JSON bytes. ManifestError names `source` and every wrong field."""
    try:
        return Manifest.model_validate_json(payload)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors()[:5]
        )
        raise ManifestError(f"{source}: {wrong}") from None


def read_manifest(folder: Folder) -> Manifest:
    """The manifest of an opened weights folder."""
    if NAME not in folder.names():
        raise ManifestError(f"{folder.path}: no {NAME}; the models here cannot be trusted")
    return parse_manifest(folder.read(NAME, MAX_MANIFEST_BYTES), folder.path / NAME)
