"""Edge deployment over HTTP: the targets, and what is proven of the shipped networks."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel

from common.runtime.weights import load, verify_folder
from common.service.queue import Work
from edge_deploy.c.build import TARGETS
from edge_deploy.checksets import NETS, WEIGHTS
from edge_deploy.pipeline import prepare_bytes
from edge_deploy.reference.run import run
from edge_deploy.verify import onnxruntime, tools
from edge_deploy.verify.compare import Network
from edge_deploy.verify.inputs import make
from edge_deploy.verify.rounding import LayerRounding, layers

__all__ = ["router"]

MOST_INPUTS = 32
NAMES = frozenset(f"{net.name}_int8" for net in NETS)

Name = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,32}$", description="a shipped network")]


class TargetCard(BaseModel):
    """A target as the API shows it. missing: tools to install, with the packages; "" where none."""

    name: str
    compiler: str
    emulated: bool
    missing: str


class NetworkCard(BaseModel):
    """A shipped network."""

    name: str
    bytes: int
    sha256: str
    data: str
    score: dict[str, Any]


class Summary(BaseModel):
    """What `verify` found: values that differ from ONNX Runtime's, and the proof of the rounding.

    proven: accumulators that the proof covers. exceptions: of these, how many need their own
    correction. parting: layers whose sums ONNX Runtime rounds otherwise on ARM64.
    """

    name: str
    macs: int
    arena_bytes: int
    arena_bound_bytes: int
    inputs: int
    values: int
    mismatches: dict[str, int]
    proven: int
    exceptions: int
    parting: list[str]


def router() -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["edge"])

    @routes.get("/targets")
    def list_targets() -> list[TargetCard]:
        """Every target, and whether this machine can build and run it."""
        return [
            TargetCard(
                name=target.name,
                compiler=target.compiler,
                emulated=bool(target.runner),
                missing=tools.missing(target.tools) or "",
            )
            for target in TARGETS.values()
        ]

    @routes.get("/networks")
    def list_networks() -> list[NetworkCard]:
        """The shipped int8 networks."""
        cards = verify_folder(WEIGHTS).models
        return [
            NetworkCard(
                name=name,
                bytes=card.bytes,
                sha256=card.sha256,
                data=card.data,
                score=dict(card.score),
            )
            for name, card in sorted(cards.items())
            if name in NAMES
        ]

    @routes.get("/networks/{name}/verify", responses={404: {"description": "no such network"}})
    async def verify(
        name: Name, work: Work, inputs: Annotated[int, Query(ge=1, le=MOST_INPUTS)] = 8
    ) -> Summary:
        """The reference and the integer forms against ONNX Runtime on extreme and random inputs."""
        if name not in NAMES:
            raise HTTPException(404, f"no network {name!r}; there are {', '.join(sorted(NAMES))}")
        return await work.run("edge.verify", _summary, name, inputs)

    return routes


@cache
def _prepared(name: str) -> tuple[Network, tuple[LayerRounding, ...]]:
    network = prepare_bytes(load(WEIGHTS, name).payload, name)
    return network, layers(network.graph, network.sources.forms)


def _summary(name: str, count: int) -> Summary:
    network, rounding = _prepared(name)
    graph, plan = network.graph, network.sources.memory.plan
    inputs = make(graph, count, 0)
    wanted = onnxruntime.run(network.payload, graph, inputs)
    forms = network.sources.forms.rescales
    found = {"reference": run(graph, inputs), "integers": run(graph, inputs, forms)}
    return Summary(
        name=name,
        macs=graph.macs,
        arena_bytes=plan.size,
        arena_bound_bytes=plan.bound,
        inputs=count,
        values=sum(value.size for value in wanted.values()),
        mismatches={
            backend: sum(int(np.sum(each[key] != wanted[key])) for key in wanted)
            for backend, each in found.items()
        },
        proven=sum(layer.accumulators for layer in rounding),
        exceptions=sum(len(v) for layer in rounding for v in layer.exceptions.values()),
        parting=[layer.layer for layer in rounding if layer.neon_differences],
    )
