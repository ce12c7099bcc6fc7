"""Nobody gets in without a token, and nothing is read that is too long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from pipeline.serve.access import COOKIE, Delays, Guard
from pipeline.serve.settings import LONGEST_JSON
from tests.pipeline.serve.conftest import Connect

_NO_TOKENS = ({}, {"authorization": "Bearer cs_0_x"}, {"authorization": "Basic eDp5"}, {"cookie": f"{COOKIE}=cs_0_0"})
_PAGES = ("/", "/serve/jobs.js", "/report/app.js", "/studio/pages.css", "/openapi.json", "/nothing")


def _routes(client: TestClient) -> Iterator[tuple[str, str]]:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            yield method.upper(), path.replace("{", "").replace("}", "")
    for page in _PAGES:
        yield "GET", page


def _is_problem(answer: object, status: int) -> bool:
    kind = answer.headers["content-type"]  # type: ignore[attr-defined]
    body = answer.content  # type: ignore[attr-defined]
    is_head = answer.request.method == "HEAD"  # type: ignore[attr-defined]
    is_line = is_head or (b"\n" not in body and json.loads(body)["status"] == status)
    return answer.status_code == status and kind == "application/problem+json" and is_line  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Delays, "first", 0.0)


@pytest.mark.slow
def test_nothing_but_health_is_there_without_a_token(client: TestClient) -> None:
    routes = [route for route in _routes(client) if route[1] != "/healthz"]
    assert len(routes) > 10
    for headers in (
        {},
        {"authorization": "Bearer cs_000_x"},
        {"authorization": "Basic eDp5"},
        {"cookie": f"{COOKIE}=cs_0_0"},
    ):
        for method, path in routes:
            del client.headers["authorization"]
            answer = client.request(method, path, headers=headers)
            client.headers["authorization"] = "set again"
            assert _is_problem(answer, 401), (method, path, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_health_is_there_for_all(client: TestClient) -> None:
    del client.headers["authorization"]
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "Token {}", "{}", "  {} "])
def test_a_token_is_taken_in_each_form(client: TestClient, form: str) -> None:
    token = client.headers["authorization"].removeprefix("Bearer ")
    assert client.get("/jobs", headers={"authorization": form.format(token)}).status_code == 200


def test_a_revoked_token_works_no_longer(client: TestClient) -> None:
    assert client.get("/jobs").status_code == 200
    client.app.state.tokens.revoke("client 0")  # type: ignore[attr-defined]
    assert _is_problem(client.get("/jobs"), 401)


def test_scopes_hold(client: TestClient) -> None:
    tokens = client.app.state.tokens  # type: ignore[attr-defined]
    may_read = {"authorization": f"Bearer {tokens.add('r', ['read'])}"}
    may_write = {"authorization": f"Bearer {tokens.add('w', ['write'])}"}
    assert client.get("/jobs", headers=may_read).status_code == 200
    assert _is_problem(client.get("/jobs", headers=may_write), 403)
    assert _is_problem(client.post("/jobs", json={"video": "x"}, headers=may_read), 403)
    assert _is_problem(client.post("/jobs", json={"video": "x"}, headers=may_write), 404)


def test_the_page_asks_for_the_token_and_keeps_it_from_scripts_and_other_sites(client: TestClient) -> None:
    token = client.headers.pop("authorization").removeprefix("Bearer ")
    asked = client.get("/", headers={"accept": "text/html"})
    assert asked.status_code == 401 and 'action="/login"' in asked.text
    own, other = {"origin": "http://testserver"}, {"origin": "http://elsewhere"}
    assert _is_problem(client.post("/login", data={"token": token}, headers=other), 403)
    assert client.post("/login", data={"token": f"{token}x"}, headers=own).status_code == 401
    let_in = client.post("/login", data={"token": token}, headers=own)
    assert let_in.status_code == 303 and {"HttpOnly", "SameSite=Strict"} <= set(
        let_in.headers["set-cookie"].split("; ")
    )
    assert client.get("/", headers={"accept": "text/html"}).status_code == 200
    for headers in (other, {}, {"origin": "null"}, {"origin": "http://testserver.elsewhere"}):
        assert _is_problem(client.post("/jobs", json={"video": "x"}, headers=headers), 403)
    assert _is_problem(client.post("/jobs", json={"video": "x"}, headers=own), 404)
    assert client.post("/logout", headers=own).status_code == 204
    assert client.get("/", headers={"accept": "text/html"}).status_code == 401


def test_what_is_too_long_is_not_read(client: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            yield b"x" * (LONGEST_JSON // 2)

    assert _is_problem(client.post("/jobs", content=b"x" * (LONGEST_JSON + 1)), 413)
    assert _is_problem(client.post("/jobs", content=pieces()), 413)
    assert _is_problem(client.post("/jobs", content=b"{}", headers={"content-length": "1e3"}), 413)
    kind = {"content-type": "application/offset+octet-stream"}
    assert _is_problem(client.post("/jobs", content=pieces(), headers=kind), 413)
    assert _is_problem(client.get(f"/jobs?{'x' * 5000}"), 414)


@pytest.mark.slow
def test_no_other_site_may_read(client: TestClient) -> None:
    answer = client.get("/jobs", headers={"origin": "http://elsewhere"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert client.options("/jobs", headers={"origin": "http://elsewhere"}).status_code == 405


_LEADING_OUT = (
    "/report/../serve.py", "/serve/..%2f..%2fapp.py", "/serve/%2e%2e/app.py", "//etc/passwd", "/serve//etc/passwd",
    "/jobs/..%2f", "/jobs/%00", "/jobs/x/results/..%2f..%2f..%2fcourtscribe.sqlite3",
)  # fmt: skip


@pytest.mark.parametrize("path", _LEADING_OUT)
def test_no_path_leads_out(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (404, 405)


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 700)), max_size=30))
def test_who_brings_wrong_tokens_waits_longer_each_time_and_is_forgiven(steps: list[tuple[str, float]]) -> None:
    clock = _Clock()
    delays = Delays(clock)
    delays.first = 0.1  # type: ignore[misc]
    known: dict[str, tuple[int, float]] = {}
    for address, passed in steps:
        clock.now += passed
        count, last = known.get(address, (0, 0.0))
        count = 1 if clock.now - last > delays.forgotten_after else count + 1
        known[address] = (count, clock.now)
        assert delays.next(address) == min(0.1 * 2 ** (count - 1), delays.longest)


def test_wrong_tokens_of_many_addresses_are_not_all_remembered() -> None:
    delays = Delays(_Clock())
    for i in range(delays.most_addresses + 100):
        delays.next(str(i))
    assert len(delays._wrong) == delays.most_addresses  # pyright: ignore[reportPrivateUsage]


@pytest.mark.slow
def test_who_waits_keeps_nobody_else_waiting_and_no_crowd_waits(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect()
    monkeypatch.setattr(Delays, "first", 0.3)
    monkeypatch.setattr(Delays, "longest", 0.3)
    guard: Guard = client.app.build_middleware_stack()  # type: ignore[attr-defined]
    token = client.headers["authorization"]

    async def status(token: str) -> int:
        sent: list[dict[str, object]] = []
        scope = {
            "type": "http", "method": "GET", "path": "/jobs", "raw_path": b"/jobs", "query_string": b"",
            "headers": [(b"authorization", token.encode())], "client": ("9.9.9.9", 1), "http_version": "1.1",
            "scheme": "http", "server": ("x", 80), "root_path": "", "app": client.app,
        }  # fmt: skip

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        await guard(scope, receive, send)  # type: ignore[arg-type]
        return int(sent[0]["status"])  # type: ignore[call-overload]

    async def crowd() -> tuple[list[int], list[int]]:
        wrong = [asyncio.create_task(status("cs_1_x")) for _ in range(20)]
        right = [await status(token) for _ in range(3)]
        assert not all(task.done() for task in wrong)
        return right, [await task for task in wrong]

    with ThreadPoolExecutor(1) as aside:  # a browser's tests may have a loop in this thread
        right, wrong = aside.submit(lambda: asyncio.run(crowd())).result()
    assert right == [200, 200, 200]
    assert wrong.count(401) == Delays.most_waiting and wrong.count(429) == 20 - Delays.most_waiting


def test_what_an_address_says_twice_is_refused_and_not_half_heeded(client: TestClient) -> None:
    assert client.get("/jobs?most=5").status_code == 200
    for query in ("most=x&most=5", "most=5&most=5", "a=1&a=2"):
        answer = client.get(f"/jobs?{query}")
        assert answer.status_code == 422 and "more than once" in answer.json()["detail"]
