"""The Open Inference Protocol: right answers, exact refusals."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from common.runtime.session import TensorSpec
from common.service import tensors

pytestmark = [pytest.mark.common, pytest.mark.service]
INFER = "/v2/models/toy.double/infer"


def asking(**changes: Any) -> dict[str, Any]:
    tensor = {"name": "x", "shape": [2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6.5]}
    return {"inputs": [{**tensor, **changes}]}


def test_metadata(client: TestClient) -> None:
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    model = client.get("/v2/models/toy.double").json()
    assert model["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    assert client.get("/v2/models/toy.double/ready").json()["ready"] is True
    for path in ("/v2/models/none", "/v2/models/none/ready"):
        assert client.get(path).status_code == 404 and "error" in client.get(path).json()


def test_infer_flat_and_nested(client: TestClient) -> None:
    wanted = [2.0, 4.0, 6.0, 8.0, 10.0, 13.0]
    for data in ([1, 2, 3, 4, 5, 6.5], [[1, 2, 3], [4, 5, 6.5]]):
        answer = client.post(INFER, json={"id": "7", **asking(data=data)})
        told = answer.json()
        assert told["id"] == "7" and told["model_name"] == "toy.double"
        assert told["outputs"] == [
            {"name": "y", "datatype": "FP32", "shape": [2, 3], "data": wanted}
        ]
        record = client.get("/records").json()[0]
        assert str(record["id"]) == answer.headers["lingnan-record"]
        assert record["payload"]["outputs"][0]["data"] == wanted


def test_infer_binary(client: TestClient) -> None:
    x = np.arange(6, dtype="<f4").reshape(2, 3)
    tensor = {
        "name": "x",
        "shape": [2, 3],
        "datatype": "FP32",
        "parameters": {"binary_data_size": 24},
    }
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))}
    answer = client.post(INFER, content=head + x.tobytes(), headers=length)
    size = int(answer.headers["inference-header-content-length"])
    told = json.loads(answer.content[:size])["outputs"][0]
    assert told["parameters"] == {"binary_data_size": 24} and "data" not in told
    assert_array_equal(np.frombuffer(answer.content[size:], "<f4").reshape(2, 3), 2 * x)
    for wrong in (x.tobytes()[:-1], x.tobytes() + b"\0"):
        assert client.post(INFER, content=head + wrong, headers=length).status_code == 400


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"name": "z"}, "not one of"),
        ({"shape": [2, 4]}, "must be FP32"),
        ({"shape": [6]}, "must be FP32"),
        ({"shape": [-2, 3]}, "greater than 0"),
        ({"shape": [0, 3]}, "greater than 0"),
        ({"shape": [10**12, 3]}, "elements"),
        ({"shape": [3, 3]}, "does not fill"),
        ({"datatype": "INT64"}, "must be FP32"),
        ({"datatype": "BYTES"}, "must be FP32"),
        ({"data": ["a"] * 6}, "not FP32"),
        ({"data": [True] * 6}, "not FP32"),
        ({"data": [1e39] * 6}, "outside FP32"),
        ({"data": [[1, 2, 3], [4, 5]]}, "ragged"),
        ({"data": [None] * 6}, "not FP32"),
        ({"data": []}, "does not fill"),
        ({"data": None}, "does not fill"),
        ({"parameters": {"binary_data_size": 24}}, "within the body"),
        ({"parameters": {"binary_data_size": -1}}, "within the body"),
        ({"parameters": {"binary_data_size": True}}, "within the body"),
    ],
)
def test_what_does_not_fit_is_refused(
    client: TestClient, changes: dict[str, Any], word: str
) -> None:
    answer = client.post(INFER, json=asking(**changes))
    assert answer.status_code == 400
    assert word in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"inputs": []}',
        b'{"inputs": [{"data": NaN}]}',
    ],
)
def test_what_is_no_request_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post(INFER, content=body)
    assert answer.status_code == 400 and answer.json()["error"]


@pytest.mark.parametrize("length", ["-1", "x", "99999999", "0"])
def test_a_wrong_length_of_the_json_part_is_refused(client: TestClient, length: str) -> None:
    headers = {"Inference-Header-Content-Length": length}
    assert client.post(INFER, content=b"{}", headers=headers).status_code == 400


def test_what_json_cannot_say_is_refused_and_comes_as_bytes(client: TestClient) -> None:
    big = asking(shape=[1, 3], data=[3e38, 0, 0])
    assert "binary" in client.post(INFER, json=big).json()["error"]
    asked = client.post(INFER, json={**big, "parameters": {"binary_data_output": True}})
    size = int(asked.headers["inference-header-content-length"])
    assert struct.unpack("<3f", asked.content[size:])[0] == float("inf")


def test_unknown_outputs_are_refused(client: TestClient) -> None:
    answer = client.post(INFER, json={**asking(), "outputs": [{"name": "no"}]})
    assert answer.status_code == 400 and "no" in answer.json()["error"]


def test_small_integers_beside_those_above_int64_stay_whole() -> None:
    spec, data = TensorSpec("x", ("n",), np.dtype(np.uint64)), [0, 2**63, 2**64 - 1]
    told = {"name": "x", "shape": [3], "datatype": "UINT64", "data": data}
    body = json.dumps({"inputs": [told]}).encode()
    assert tensors.parse(body, None, [spec], 100)[1]["x"].tolist() == data


INTEGERS = [name for name, dtype in tensors.DATATYPES.items() if dtype.kind in "iu"]


@given(st.sampled_from(INTEGERS), st.lists(st.integers(-(2**65), 2**65), min_size=1, max_size=5))
def test_integers_are_taken_exactly_or_refused(datatype: str, data: list[int]) -> None:
    dtype = tensors.DATATYPES[datatype]
    spec = TensorSpec("x", ("n",), dtype)
    body = json.dumps(
        {"inputs": [{"name": "x", "shape": [len(data)], "datatype": datatype, "data": data}]}
    ).encode()
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    try:
        arrays = tensors.parse(body, None, [spec], 100)[1]
    except tensors.TensorError:
        assert not all(low <= value <= high for value in data)
    else:
        assert arrays["x"].tolist() == data and arrays["x"].dtype == dtype
