"""Nobody without the token, from another site or under another host's name gets anything."""

from __future__ import annotations

import logging
import re
import stat
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from common.service import tokens
from common.service.access import OPEN_ROUTES, local_path
from common.service.routes import every

from .conftest import client_of
from .toy import BEARER, HOST, TOKEN

pytestmark = [pytest.mark.common, pytest.mark.service]


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", "x", path)


def test_every_route_is_refused_without_the_token(stranger: TestClient) -> None:
    routes = set(every(stranger.app))
    assert routes >= OPEN_ROUTES, "an open route that does not exist"
    closed = routes - OPEN_ROUTES
    assert ("GET", "/metrics") in closed and ("POST", "/toy/inspect") in closed and len(closed) > 15
    for method, path in sorted(closed):
        assert stranger.request(method, filled(path)).status_code == 401, (method, path)


def test_methods_and_addresses_that_no_route_has_are_refused_too(stranger: TestClient) -> None:
    for path in ("/nothing", "/healthz/", "/healthz/..", "/static/", "/static/a/b", "//healthz"):
        assert stranger.get(path).status_code == 401, path
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        assert stranger.request(method, "/healthz").status_code == 401, method
    assert stranger.get("/static/..%2f..%2fstatus").status_code == 401
    assert stranger.get("/healthz%2f..%2fstatus").status_code == 401


def test_a_direction_cannot_open_a_route_by_its_path(tmp_path: Path) -> None:
    with client_of(tmp_path) as stranger:
        late = APIRouter()
        late.add_api_route("/static/{name}", lambda name: "secret", methods=["POST"])
        stranger.app.include_router(late)
        assert stranger.post("/static/x").status_code == 401


def test_open_routes_answer(stranger: TestClient) -> None:
    assert stranger.get("/healthz").json() == {"status": "ok"}
    assert stranger.get("/readyz").json() == {"status": "ready"}
    assert stranger.get("/login").status_code == 200
    assert stranger.get("/static/style.css").status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xe9"]
)
def test_a_wrong_token_is_refused(stranger: TestClient, header: str) -> None:
    answer = stranger.get("/status", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_address_with_the_token_becomes_a_cookie(stranger: TestClient) -> None:
    answer = stranger.get(f"/?token={TOKEN}&x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?x=1"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    assert stranger.get("/").status_code == 200  # the client keeps the cookie
    assert stranger.get("/?token=wrong").status_code == 401


def test_the_login_page(stranger: TestClient) -> None:
    asked = stranger.get("/records", headers={"Accept": "text/html"})
    assert asked.headers["location"] == "/login?next=%2Frecords"
    wrong = stranger.post("/login", data={"token": "guess-guess-guess", "next": "/"})
    assert wrong.status_code == 401 and "set-cookie" not in wrong.headers
    assert "guess" not in wrong.text
    right = stranger.post("/login", data={"token": TOKEN, "next": "//evil.example/x"})
    assert (right.status_code, right.headers["location"]) == (303, "/evil.example/x")
    assert stranger.get("/status").status_code == 200
    assert stranger.post("/login", content=b"token=" + b"a" * 9000).status_code in (413, 422)


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "\\\\evil", "/\t/evil", ""])
def test_redirects_stay_here(path: str) -> None:
    assert re.match(r"/(?![/\\])", local_path(path) + ".")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@evil"])
def test_other_hosts_are_refused(client: TestClient, host: str) -> None:
    assert client.get("/status", headers={"Host": host}).status_code == 400


def test_only_our_own_pages_may_post_with_the_cookie(stranger: TestClient) -> None:
    stranger.get(f"/?token={TOKEN}")
    ours = {"Origin": HOST}
    assert stranger.post("/toy/note", headers=ours).status_code == 200
    assert stranger.post("/toy/note", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    for foreign in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{HOST}:1"},
        {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {},
    ):
        assert stranger.post("/toy/note", headers=foreign).status_code == 403, foreign
    assert stranger.post("/toy/note", headers=BEARER).status_code == 200
    login = stranger.post("/login", data={"token": TOKEN}, headers={"Origin": "http://evil"})
    assert login.status_code == 403


def test_the_token_is_in_no_answer_and_no_log(
    stranger: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stranger.get(f"/?token={TOKEN}")
    for path in ("/", "/nothing", "/toy/boom", "/records?limit=x", "/v2/models/x/infer"):
        answer = stranger.get(f"{path}", headers=BEARER)
        assert TOKEN not in answer.text + str(answer.headers), path
    answer = stranger.post("/login", data={"wrong": TOKEN})
    assert answer.status_code == 422 and TOKEN not in answer.text
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]
    assert TOKEN not in "".join(record.getMessage() for record in ours)


def test_a_fault_is_a_bare_500(client: TestClient) -> None:
    answer = client.get("/toy/boom")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing", "/login", "/status"])
def test_every_answer_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "'unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


def test_pages_have_nothing_inline(client: TestClient) -> None:
    for path in ("/", "/login"):
        page = client.get(path).text
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page) == []


def test_the_kept_token(tmp_path: Path) -> None:
    token = tokens.kept_token(tmp_path)
    path = tmp_path / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens.kept_token(tmp_path) == token
    assert tokens.kept_token(tmp_path, "b" * 20) == "b" * 20 == tokens.kept_token(tmp_path)
    path.chmod(0o644)
    with pytest.raises(tokens.TokenError, match="chmod 600"):
        tokens.kept_token(tmp_path)
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(tokens.TokenError):
        tokens.kept_token(tmp_path)
    for weak in ("short", "with space in the middle", "x" * 200):
        with pytest.raises(tokens.TokenError):
            tokens.check(weak)
    assert len({tokens.new_token() for _ in range(50)}) == 50
