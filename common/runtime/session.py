"""An ONNX Runtime session from bytes, with its inputs checked by name, shape and dtype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.runtime.errors import ModelError, ModelInputError, ProviderError, UnsafeModelError
from common.runtime.products import exact, is_narrow, overflows
from common.runtime.scan import scan

if TYPE_CHECKING:  # imported where used: it starts a thread, which a fork would leave behind
    import onnxruntime as ort

_DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output. shape: a number, or a name ("?" if it has none) where it is free."""

    name: str
    shape: tuple[int | str, ...]
    dtype: np.dtype[Any]

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape can be given; free extents fit any size."""
        return len(shape) == len(self.shape) and all(
            isinstance(wanted, str) or wanted == got
            for wanted, got in zip(self.shape, shape, strict=True)
        )

    def zeros(self, free: int = 1) -> NDArray[Any]:
        """Zeros that fit; a free extent is `free`, or 1 if it is the first (the batch)."""
        sizes = (free if at else 1 for at in range(len(self.shape)))
        shape = [
            size if isinstance(extent, str) else extent
            for size, extent in zip(sizes, self.shape, strict=True)
        ]
        return np.full(shape, "" if self.dtype == object else 0, self.dtype)


class Session:
    """A loaded model.

    payload: the bytes of a self-contained ONNX model; they are scanned before the runtime sees
        them. Verify a shipped model first: `Session(load(folder, name).payload)`.
    threads: within an operator. One by default, so that a measured time is a core's time and
        that many sessions share a machine.
    providers: in order of preference; each must be available. ProviderError lists what is.
    warmup: runs on zeros before the first real one; a model with free extents other than the
        first (the batch) is not warmed up, since zeros of a made-up size may not run.

    Raises UnsafeModelError for a model that the scan refuses, ModelError for one that ONNX
    Runtime refuses. `run` may be called from several threads.
    """

    def __init__(
        self,
        payload: bytes,
        *,
        threads: int = 1,
        providers: Sequence[str] = ("CPUExecutionProvider",),
        warmup: int = 1,
    ) -> None:
        scan(payload)
        is_lossless = not overflows() or is_narrow(payload)
        self._session = _open(
            payload if is_lossless else exact(payload),
            _options(threads, is_lossless),
            _available(providers),
        )
        self.inputs = tuple(_spec(node) for node in self._session.get_inputs())
        self.outputs = tuple(_spec(node) for node in self._session.get_outputs())
        if all(isinstance(extent, int) for spec in self.inputs for extent in spec.shape[1:]):
            for _ in range(warmup):
                self.run({spec.name: spec.zeros() for spec in self.inputs})

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers in use, in order."""
        return tuple(self._session.get_providers())

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own key-value pairs; as trustworthy as the file."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs by name. ModelInputError names the input that does not fit."""
        self._check(inputs)
        try:
            values = self._session.run(None, dict(inputs))
        except Exception as error:  # ONNX Runtime's own classes share no narrower base
            raise ModelError(f"the model failed on its inputs: {error}") from error
        return {spec.name: value for spec, value in zip(self.outputs, values, strict=True)}

    def _check(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        wanted = [spec.name for spec in self.inputs]
        if set(inputs) != set(wanted):
            raise ModelInputError(f"inputs {sorted(inputs)} given, the model takes {wanted}")
        for spec in self.inputs:
            array = inputs[spec.name]
            if array.dtype != spec.dtype or not spec.fits(array.shape):
                raise ModelInputError(
                    f"input {spec.name!r} must be {spec.dtype} {_shape(spec.shape)}, "
                    f"got {array.dtype} {_shape(array.shape)}"
                )


def _shape(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))})"


def _available(providers: Sequence[str]) -> list[str]:
    import onnxruntime as ort

    there = ort.get_available_providers()
    missing = [name for name in providers if name not in there]
    if missing or not providers:
        raise ProviderError(
            f"execution provider {', '.join(missing) or '(none named)'} is not in this "
            f"onnxruntime; available: {', '.join(there)}. Another build of onnxruntime "
            "(e.g. onnxruntime-gpu) brings others"
        )
    return list(providers)


def _options(threads: int, is_lossless: bool) -> ort.SessionOptions:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised; nothing is to be printed besides
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if not is_lossless:  # int8 networks as they are meant (see common.runtime.products)
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _open(payload: bytes, options: ort.SessionOptions, providers: list[str]) -> Any:
    import onnxruntime as ort

    try:
        session = ort.InferenceSession(payload, options, providers=providers)
    except Exception as error:  # ONNX Runtime's own classes share no narrower base
        raise ModelError(f"ONNX Runtime refuses the model: {error}") from error
    if unused := set(providers) - set(session.get_providers()):
        raise ProviderError(f"{', '.join(sorted(unused))} could not start on this machine")
    return session


def _spec(node: Any) -> TensorSpec:
    if node.type not in _DTYPES:
        raise UnsafeModelError(f"{node.name!r} is a {node.type}; only plain tensors are accepted")
    shape = tuple(
        extent if isinstance(extent, int) and extent >= 0 else str(extent or "?")
        for extent in node.shape
    )
    return TensorSpec(node.name, shape, np.dtype(_DTYPES[node.type]))
