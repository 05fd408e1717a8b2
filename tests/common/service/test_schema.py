"""Requests generated from the whole OpenAPI document: none is answered with a 5xx."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings

from .toy import BEARER, make

schemathesis = pytest.importorskip("schemathesis")
pytestmark = [pytest.mark.common, pytest.mark.service, pytest.mark.slow]
EXAMPLES = 12  # an operation


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    app = make(
        tmp_path_factory.mktemp("state"),
        hosts=("127.0.0.1", "localhost", "testserver"),
        stream_s=0.02,
        max_viewers=500,
    )
    yield app
    service = app.state.service
    service.drain.begin()
    service.queue.close()
    service.records.close()


def test_no_server_error(application: FastAPI) -> None:
    document = schemathesis.openapi.from_asgi("/openapi.json", application, headers=BEARER)
    statuses: Counter[int] = Counter()
    for operation in document.get_all_operations():
        strategy = operation.ok().as_strategy()

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def answers(case: schemathesis.Case) -> None:
            answer = case.call(headers=BEARER)
            statuses[answer.status_code] += 1
            assert answer.status_code < 500, (case.as_curl_command(), answer.text)

        answers()
    assert statuses[200] > EXAMPLES and len(statuses) > 3, statuses


def test_the_document_names_every_route_of_the_api(application: FastAPI) -> None:
    paths = set(application.openapi()["paths"])
    assert {"/toy/inspect", "/v2/models/{name}/infer", "/events", "/records", "/login"} <= paths
