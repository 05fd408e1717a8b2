"""Tensors as the Open Inference Protocol v2 sends them: JSON, or bytes behind the JSON.

https://github.com/kserve/open-inference-protocol; the binary extension puts the raw little-endian,
row-major values behind the JSON part, whose length is in `Inference-Header-Content-Length`.
Everything is checked against what the model declares before an array is made.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, PositiveInt, ValidationError

from common.errors import LingnanError
from common.runtime.session import TensorSpec

DATATYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
}
_NAMES = {dtype: name for name, dtype in DATATYPES.items()}
_JSON_KINDS = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}  # what JSON may give for each

Name = Annotated[str, Field(min_length=1, max_length=256)]


class TensorError(LingnanError):
    """A request's tensors are refused; the message says which and why."""


class InferInput(BaseModel):
    """One input tensor; `data` is row-major, flat or nested, or absent when it is binary."""

    name: Name
    shape: Annotated[list[PositiveInt], Field(max_length=16)]
    datatype: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    data: list[Any] | None = None


class InferOutput(BaseModel):
    """An output that is asked for."""

    name: Name
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferRequest(BaseModel):
    """The JSON part of a request; without `outputs` all are given."""

    id: Annotated[str, Field(max_length=256)] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    inputs: Annotated[list[InferInput], Field(min_length=1, max_length=64)]
    outputs: Annotated[list[InferOutput], Field(max_length=64)] = Field(default_factory=list)

    def wants_binary(self, output: str) -> bool:
        """Whether this output is to come as bytes."""
        asked = next((o.parameters for o in self.outputs if o.name == output), {})
        return bool(asked.get("binary_data", self.parameters.get("binary_data_output", False)))


def datatype(dtype: np.dtype[Any]) -> str:
    """The protocol's name of a dtype; strings are "BYTES", which is not served."""
    return _NAMES.get(dtype, "BYTES")


def parse(
    body: bytes, json_bytes: int | None, specs: Sequence[TensorSpec], max_elements: int
) -> tuple[InferRequest, dict[str, NDArray[Any]]]:
    """The request and its arrays. json_bytes: length of the JSON part, None when it is all."""
    if json_bytes is not None and not 0 < json_bytes <= len(body):
        raise TensorError(f"the JSON part has {json_bytes} bytes of a body of {len(body)}")
    try:
        request = InferRequest.model_validate_json(body[:json_bytes])
    except ValidationError as error:
        raise TensorError(_first(error)) from None
    known = {spec.name: spec for spec in specs}
    binary = memoryview(body)[len(body) if json_bytes is None else json_bytes :]
    arrays: dict[str, NDArray[Any]] = {}
    for given in request.inputs:
        if given.name not in known or given.name in arrays:
            raise TensorError(f"input {given.name!r} is not one of {sorted(known)}, or is twice")
        _fits(given, known[given.name], max_elements)
        n_bytes = _binary_size(given, len(binary))
        if n_bytes is None:
            arrays[given.name] = _from_json(given)
        else:
            arrays[given.name] = _from_bytes(given, binary[:n_bytes])
            binary = binary[n_bytes:]
    if missing := sorted(set(known) - set(arrays)):
        raise TensorError(f"inputs {missing} are missing")
    if len(binary):
        raise TensorError(f"{len(binary)} bytes follow the last tensor")
    return request, arrays


def serialise(
    request: InferRequest, model: str, outputs: dict[str, NDArray[Any]]
) -> tuple[dict[str, Any], bytes]:
    """The JSON part of the answer, and the bytes that follow it (b"" when there are none)."""
    names = [asked.name for asked in request.outputs] or list(outputs)
    if unknown := sorted(set(names) - set(outputs)):
        raise TensorError(f"outputs {unknown} are not of {sorted(outputs)}")
    told: list[dict[str, Any]] = []
    binary = b""
    for name in dict.fromkeys(names):
        array = outputs[name]
        entry: dict[str, Any] = {
            "name": name,
            "datatype": datatype(array.dtype),
            "shape": list(array.shape),
        }
        if request.wants_binary(name):
            raw = _little_endian(np.ascontiguousarray(array)).tobytes()
            entry["parameters"] = {"binary_data_size": len(raw)}
            binary += raw
        else:
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise TensorError(f"output {name!r} is not finite: ask for it as binary data")
            entry["data"] = array.ravel().tolist()
        told.append(entry)
    answer: dict[str, Any] = {"model_name": model, "outputs": told}
    return ({"id": request.id, **answer} if request.id is not None else answer), binary


def _first(error: ValidationError) -> str:
    what = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, what["loc"]))
    return f"{where}: {what['msg']}" if where else str(what["msg"])


def _fits(given: InferInput, spec: TensorSpec, max_elements: int) -> None:
    shape, wanted = tuple(given.shape), datatype(spec.dtype)
    if wanted == "BYTES":
        raise TensorError(f"input {spec.name!r} takes strings, which are not served")
    if given.datatype != wanted or not spec.fits(shape):
        raise TensorError(
            f"input {spec.name!r} must be {wanted} {list(spec.shape)}, "
            f"got {given.datatype!r:.40} {given.shape}"
        )
    if math.prod(shape) > max_elements:
        raise TensorError(f"input {spec.name!r} has over {max_elements} elements")


def _binary_size(given: InferInput, left: int) -> int | None:
    size = given.parameters.get("binary_data_size")
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= left:
        raise TensorError(f"binary_data_size of {given.name!r} is no size within the body")
    if given.data is not None:
        raise TensorError(f"input {given.name!r} has data both as JSON and as bytes")
    return size


def _from_bytes(given: InferInput, raw: memoryview) -> NDArray[Any]:
    dtype = DATATYPES[given.datatype]
    if len(raw) != math.prod(given.shape) * dtype.itemsize:
        raise TensorError(f"input {given.name!r}: {len(raw)} bytes do not fill {given.shape}")
    array = np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype).reshape(given.shape)
    if dtype.kind == "b" and np.frombuffer(raw, np.uint8).max() > 1:
        raise TensorError(f"input {given.name!r}: a BOOL is 0 or 1")
    return array


def _from_json(given: InferInput) -> NDArray[Any]:
    dtype, shape = DATATYPES[given.datatype], tuple(given.shape)
    try:
        values = np.asarray(given.data if given.data is not None else [])
    except (ValueError, OverflowError, RecursionError):
        raise TensorError(f"input {given.name!r}: data is ragged or no numbers") from None
    if dtype == np.uint64 and values.dtype.kind == "f":
        values = _wide(given.data, values)
    if values.shape not in (shape, (math.prod(shape),)):
        raise TensorError(f"input {given.name!r}: data {values.shape} does not fill {given.shape}")
    if values.dtype.kind not in _JSON_KINDS[dtype.kind]:
        raise TensorError(f"input {given.name!r}: data is not {given.datatype}")
    with np.errstate(over="ignore", invalid="ignore"):
        array = values.astype(dtype).reshape(shape)
    exact = (
        np.isfinite(array).all() if dtype.kind == "f" else (array.ravel() == values.ravel()).all()
    )
    if not exact:
        raise TensorError(f"input {given.name!r}: a value is outside {given.datatype}")
    return array


def _wide(data: object, rounded: NDArray[Any]) -> NDArray[Any]:
    """Integers of which some lie above int64: numpy makes floats of them beside small ones."""
    exact = np.asarray(data, dtype=object)
    if not all(type(value) is int and 0 <= value < 1 << 64 for value in exact.flat):
        return rounded
    return exact.astype(np.uint64)


def _little_endian(array: NDArray[Any]) -> NDArray[Any]:
    return array if sys.byteorder == "little" else array.astype(array.dtype.newbyteorder("<"))
