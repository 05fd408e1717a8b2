"""What can be wrong with a model; every message names the file or the tensor."""

from __future__ import annotations

from common.errors import LingnanError


class ModelError(LingnanError):
    """A model cannot be used."""


class ManifestError(ModelError):
    """manifest.json is missing, too large, or not what it must be."""


class WeightsError(ModelError):
    """A weights file is changed, missing, extra, renamed, or not a plain file of its own."""


class UnsafeModelError(ModelError):
    """The bytes are no plain self-contained ONNX model."""


class ProviderError(ModelError):
    """The execution provider asked for is not available here."""


class ModelInputError(ModelError, ValueError):
    """An input array has another name, shape or dtype than the model declares."""


class ForeignModelError(ModelError):
    """A foreign model failed its check in the child process."""
