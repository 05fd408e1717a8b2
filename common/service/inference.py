"""The Open Inference Protocol v2 over HTTP, for every shipped model.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
Errors are `{"error": "..."}`. The header `Lingnan-Record` of an inference's answer is the id of
its durable record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from numpy.typing import NDArray
from pydantic import BaseModel

from common import __version__
from common.errors import LingnanError
from common.runtime.errors import ModelError
from common.service import tensors
from common.service.metrics import Metrics
from common.service.models import Model
from common.service.state import Parts, Service

KIND = "inference"
_SHOWN = 64  # outputs up to so many values are recorded whole, larger ones by their hash
_Length = Annotated[int | None, Header(alias="Inference-Header-Content-Length", ge=0)]


class ProtocolRoute(APIRoute):
    """A route whose errors have the protocol's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except HTTPException as error:
                return JSONResponse({"error": error.detail}, error.status_code, error.headers)
            except RequestValidationError as error:
                return JSONResponse({"error": str(error.errors()[0]["msg"])}, 400)
            except (tensors.TensorError, ModelError) as error:
                return JSONResponse({"error": str(error)}, 400)

        return answer


class TensorMetadata(BaseModel):
    """An input or output; -1 where an extent is free."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    platform: str = "onnxruntime_onnx"
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """What this server is and which extensions it speaks."""

    name: str = "lingnan"
    version: str = __version__
    extensions: list[str] = ["binary_tensor_data"]


class ProtocolError(BaseModel):
    """Why a request was refused."""

    error: str


_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProtocolError, "description": why}
    for status, why in {
        400: "Not what the model takes",
        404: "No such model",
        413: "Body too large",
        429: "Queue full",
        503: "No result in time, stopping, or model broken",
    }.items()
}
router = APIRouter(
    prefix="/v2", tags=["open inference protocol"], route_class=ProtocolRoute, responses=_REFUSALS
)


@router.get("")
def server_metadata() -> ServerMetadata:
    """The server's name, version and extensions."""
    return ServerMetadata()


@router.get("/health/live")
def live() -> dict[str, bool]:
    """Whether the server answers."""
    return {"live": True}


@router.get("/health/ready", responses={409: {"model": ProtocolError}})
def ready(parts: Parts) -> dict[str, bool]:
    """Whether every model can be used; 409 says which cannot."""
    if faults := parts.models.faults():
        raise HTTPException(409, "; ".join(faults))
    return {"ready": True}


@router.get("/models/{name}")
def model_metadata(name: str, parts: Parts) -> ModelMetadata:
    """The model's inputs and outputs."""
    session = _loaded(_model(parts, name))
    return ModelMetadata(
        name=name,
        inputs=[_metadata(spec) for spec in session.inputs],
        outputs=[_metadata(spec) for spec in session.outputs],
    )


@router.get("/models/{name}/ready")
def model_ready(name: str, parts: Parts) -> dict[str, Any]:
    """Whether the model can be used; 503 says why not."""
    _loaded(_model(parts, name))
    return {"name": name, "ready": True}


def _body_schema() -> dict[str, Any]:
    schema = tensors.InferRequest.model_json_schema()
    schema.pop("$defs")
    schema["properties"]["inputs"]["items"] = tensors.InferInput.model_json_schema()
    schema["properties"]["outputs"]["items"] = tensors.InferOutput.model_json_schema()
    return {"required": True, "content": {"application/json": {"schema": schema}}}


@router.post("/models/{name}/infer", openapi_extra={"requestBody": _body_schema()})
async def infer(name: str, request: Request, parts: Parts, json_bytes: _Length = None) -> Response:
    """Run the model on tensors given as JSON, or as bytes behind it."""
    model = _model(parts, name)
    body = await request.body()
    limit = parts.settings.max_elements
    answer, record = await parts.queue.run(
        "inference", _infer, model, body, json_bytes, limit, parts.metrics
    )
    answer.headers["Lingnan-Record"] = str(await parts.records.accept(KIND, record))
    return answer


def _infer(
    model: Model, body: bytes, json_bytes: int | None, max_elements: int, metrics: Metrics
) -> tuple[Response, dict[str, Any]]:
    session = _loaded(model)
    request, inputs = tensors.parse(body, json_bytes, session.inputs, max_elements)
    start = perf_counter()
    outputs = session.run(inputs)
    seconds = perf_counter() - start
    metrics.inference.labels(model.name).observe(seconds)
    head, binary = tensors.serialise(request, model.name, outputs)
    record = {
        "model": model.name,
        "model_sha256": model.sha256,
        "request": request.id,
        "inputs": [_summary(name, array) for name, array in inputs.items()],
        "outputs": [_summary(name, array) for name, array in outputs.items()],
        "seconds": seconds,
    }
    return _answer(head, binary), record


def _answer(head: dict[str, Any], binary: bytes) -> Response:
    text = json.dumps(head, separators=(",", ":")).encode()
    if not binary:
        return Response(text, media_type="application/json")
    headers = {"Inference-Header-Content-Length": str(len(text))}
    return Response(text + binary, headers=headers, media_type="application/octet-stream")


def _summary(name: str, array: NDArray[Any]) -> dict[str, Any]:
    told = {
        "name": name,
        "shape": list(array.shape),
        "datatype": tensors.datatype(array.dtype),
        "sha256": hashlib.sha256(np.ascontiguousarray(array).data).hexdigest(),
    }
    whole = array.size <= _SHOWN and (array.dtype.kind != "f" or bool(np.isfinite(array).all()))
    return {**told, "data": array.ravel().tolist()} if whole else told


def _model(parts: Service, name: str) -> Model:
    model = parts.models.find(name)
    if model is None:
        raise HTTPException(404, f"no model {name!r:.80}")
    return model


def _loaded(model: Model) -> Any:
    try:
        return model.session()
    except LingnanError as error:
        raise HTTPException(503, str(error)) from None


def _metadata(spec: Any) -> TensorMetadata:
    shape = [extent if isinstance(extent, int) else -1 for extent in spec.shape]
    return TensorMetadata(name=spec.name, datatype=tensors.datatype(spec.dtype), shape=shape)
