"""Configurations become parameters and come back equal; wrong values are named. No ROS needed."""

from __future__ import annotations

import json
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.drivers.camera.config import CameraConfig, ReplayCameraConfig, SimCameraConfig
from common.ros.errors import ParameterError
from common.ros.parameters import ParameterMap

pytestmark = pytest.mark.common


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Lens(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    focal_mm: Annotated[float, Field(gt=0, le=500, description="focal length")] = 25.0
    bits: Literal[8, 12] = 8


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "a"
    is_fast: bool = False
    count: Annotated[int, Field(ge=0, lt=100)] = 3
    threshold: Annotated[float, Field(json_schema_extra={"live": True})] = 0.5
    limit_s: float | None = None
    colour: Colour = Colour.RED
    path: Path = Path("x")
    tags: tuple[str, ...] = ()
    gains: list[float] = Field(default_factory=list)
    pair: tuple[int, float] = (1, 2.0)
    table: dict[str, int] = Field(default_factory=dict)
    lens: Lens = Lens()
    spare: Lens | None = None
    camera: CameraConfig | None = None
    low: int = 0
    high: int = 10

    @model_validator(mode="after")
    def _ordered(self) -> Config:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


finite = st.floats(allow_nan=False, allow_infinity=False)
lenses = st.builds(Lens, focal_mm=st.floats(0.1, 500), bits=st.sampled_from([8, 12]))
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
cameras = st.builds(SimCameraConfig, seed=st.integers(0, 9), parameters=st.just({"x": [1]}))
replays = st.builds(ReplayCameraConfig, path=st.just(Path("a.mcap")))
configs = st.builds(
    Config,
    name=text,
    is_fast=st.booleans(),
    count=st.integers(0, 99),
    threshold=finite,
    limit_s=st.none() | finite,
    colour=st.sampled_from(Colour),
    path=text.filter(lambda t: t.strip("./")).map(Path),
    tags=st.lists(text, max_size=3).map(tuple),
    gains=st.lists(finite, max_size=3),
    pair=st.tuples(st.integers(-5, 5), finite),
    table=st.dictionaries(text, st.integers(-(2**60), 2**60), max_size=3),
    lens=lenses,
    spare=st.none() | lenses,
    camera=st.none() | cameras | replays,
    low=st.integers(-(2**62), 0),
    high=st.integers(1, 2**62),
)


@given(config=configs)
def test_what_was_declared_comes_back_equal(config: Config) -> None:
    parameters = ParameterMap(Config())
    values = parameters.values(config)
    for value in values.values():  # what ROS can hold, and nothing else
        items = value if isinstance(value, list) else [value]
        assert {type(item) for item in items} <= {bool, int, float, str, type(None)}
    assert parameters.config(values) == config


def test_declarations_say_what_the_schema_says() -> None:
    found = ParameterMap(Config()).declarations
    assert list(found)[:6] == ["name", "is_fast", "count", "threshold", "limit_s", "colour"]
    focal = found["lens.focal_mm"]
    assert (focal.kind, focal.low, focal.high) == ("number", 0, 500)
    assert focal.description == "focal length"
    assert found["colour"].choices == ("red", "blue")
    assert found["lens.bits"].kind == "integer"
    assert [name for name, d in found.items() if d.live] == ["threshold"]
    assert [name for name, d in found.items() if d.optional] == ["limit_s"]
    assert [name for name, d in found.items() if d.is_list] == ["tags", "gains"]
    assert {n for n, d in found.items() if d.kind == "json"} == {"pair", "table", "spare", "camera"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 100}, "count: .*less than 100"),
        ({"count": "many"}, "count: "),
        ({"lens.focal_mm": 0.0}, r"lens\.focal_mm: .*greater than 0"),
        ({"colour": "green"}, "colour: "),
        ({"pair": "[1"}, "pair must be JSON"),
        ({"camera": json.dumps({"kind": "camera", "type": "no-such"})}, "camera"),
        ({"low": 11}, "low must not be above high"),
    ],
)
def test_wrong_values_are_named(change: dict, message: str) -> None:
    parameters = ParameterMap(Config())
    with pytest.raises(ParameterError, match=message):
        parameters.config(parameters.values(Config()) | change)


def test_integers_that_ros_cannot_hold_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"high = .*64-bit"):
        ParameterMap(Config()).values(Config(high=1 << 63))


def test_without_ros_the_cure_is_named_and_the_rest_works() -> None:
    program = (
        "import sys; sys.modules['rclpy'] = None\n"
        "import common.ros.parameters\n"
        "from common.errors import MissingExtraError\n"
        "try:\n    import common.ros.node\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    message = told.stdout.decode()
    for words in ("rclpy", "pip install 'lingnan[ros]'", "x86-64", "distribution"):
        assert words in message
