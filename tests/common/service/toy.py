"""A small application: a direction with routes and a demonstration, a broken one, a model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Annotated, Any, cast

import cv2
import numpy as np
import onnx
from fastapi import APIRouter, FastAPI, File, Query, UploadFile
from onnx import TensorProto, helper
from pydantic import SecretStr

from common.directions import Direction
from common.runtime.session import Session
from common.service.app import create_app
from common.service.demo import DemoFrame
from common.service.images import decode
from common.service.models import Model, ModelShelf
from common.service.queue import Work
from common.service.records import Records
from common.service.settings import Settings

TOKEN = "a-token-that-only-these-tests-know"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOST = "http://127.0.0.1"


def doubling_model() -> bytes:
    """y = x + x, float32, (n, 3)."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "double",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def shelf() -> ModelShelf:
    """The doubling model as `toy.double`."""
    return ModelShelf([Model("toy.double", "toy", "0" * 64, lambda: Session(doubling_model()))])


def router() -> APIRouter:
    """Routes as a direction writes them."""
    routes = APIRouter(tags=["toy"])

    @routes.post("/inspect")
    async def inspect(
        image: Annotated[UploadFile, File()], work: Work, records: Records
    ) -> dict[str, Any]:
        data = await image.read()
        pixels = await work.run("toy.inspect", decode, data, 1_000_000)
        answer = {"shape": list(pixels.shape), "mean": float(pixels.mean())}
        return {**answer, "record": await records.accept("toy.result", answer)}

    @routes.post("/sleep")
    async def sleep(work: Work, seconds: Annotated[float, Query(ge=0, le=5)] = 0.0) -> str:
        await work.run("toy.sleep", time.sleep, seconds)
        return "slept"

    @routes.post("/note")
    async def note(records: Records, number: int = 0) -> int:
        return await records.accept("toy.note", {"number": number})

    @routes.get("/boom", include_in_schema=False)
    def boom() -> str:
        raise RuntimeError("a fault of the direction's own")

    return routes


def demo(stop: threading.Event) -> Iterator[DemoFrame]:
    """A square that moves; every fifth part has a spot."""
    number = 0
    while not stop.wait(0.02):
        picture = np.full((120, 160, 3), 90, np.uint8)
        cv2.rectangle(picture, (number % 120, 40), (number % 120 + 30, 70), (160, 160, 160), -1)
        spot = number % 5 == 0
        if spot:
            cv2.circle(picture, (80, 60), 5, (20, 20, 220), -1)
        found = [{"label": "spot", "score": 0.9, "box_px": [74, 54, 86, 66]}] if spot else []
        yield DemoFrame(
            cv2.imencode(".jpg", picture)[1].tobytes(),
            {
                "part": number,
                "verdict": "defect" if spot else "good",
                "findings": found,
                "counters": {"parts": number + 1},
                "drivers": {"camera": "READY"},
                "simulated": True,
            },
        )
        number += 1


class Toy(Direction):
    """A direction whose rooms are here."""

    __slots__ = ()

    def has(self, room: str) -> bool:
        return room == "service"

    def load(self, room: str) -> ModuleType:
        if self.name == "broken":
            raise ImportError("a plug-in that needs what is not installed")
        return cast(ModuleType, SimpleNamespace(router=router, demo=demo))


DIRECTIONS = (Toy("broken", "broken"), Toy("toy", "toy"))


def make(state_dir: Path, **settings: Any) -> FastAPI:
    """The application; its client must close it by its lifespan."""
    told = Settings(
        token=SecretStr(TOKEN), state_dir=state_dir, **{"hosts": ("127.0.0.1",), **settings}
    )
    return create_app(told, models=shelf(), directions=DIRECTIONS)
