"""Nobody gets in but by the printed address, and nothing is written but by the studio's own page."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.studio.access import HEADERS, MOST_BYTES, Address
from tests.pipeline.studio.conftest import ADDRESS, Connect

_EDIT = {"id": "game.courtscribe", "changes": [{"edit": "rename", "players": [1], "text": "Ann"}]}


@pytest.fixture
def client(game: Path, connect: Connect) -> TestClient:
    """At a studio about the game's folder."""
    return connect(game.parent)


def _edits(game: Path) -> str:
    path = game / "edits.jsonl"
    return path.read_text() if path.exists() else ""


def test_the_printed_address_gives_a_cookie_that_no_script_and_no_other_site_can_use(client: TestClient) -> None:
    client.cookies.clear()
    answer = client.get(ADDRESS.url)
    assert answer.status_code == 200 and ADDRESS.token not in answer.text and 'url=/"' in answer.text
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert client.get("/api/folder").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("cookie", [None, "", "wrong", ADDRESS.token[:-1], f"{ADDRESS.token}x", "\u00e9\u00e9"])
def test_without_the_cookie_nothing_is_shown(client: TestClient, cookie: str | None) -> None:
    client.cookies.clear()
    headers = {} if cookie is None else {"cookie": f"{ADDRESS.cookie}={cookie}".encode()}
    for address in ("/", "/game", "/api/folder", "/report/app.js", "/api/game?id=game.courtscribe"):
        answer = client.get(address, headers=headers)
        assert answer.status_code == 403 and list(answer.json()) == ["error"], address


def test_the_address_for_this_machines_browser_lets_in_once(client: TestClient) -> None:
    client.cookies.clear()
    url = ADDRESS.url_once()
    assert ADDRESS.token not in url
    assert "set-cookie" in client.get(url).headers
    client.cookies.clear()
    again = client.get(url)
    assert again.status_code == 403 and "set-cookie" not in again.headers and not ADDRESS.once


def test_odd_cookies_of_other_programs_hide_nothing(client: TestClient) -> None:
    client.cookies.clear()
    own = f"{ADDRESS.cookie}={ADDRESS.token}"
    for cookie in (
        own,
        f'a={{"b": [1]}}; {own}',
        f"{own}; x; =; ;;",
        f"bad\x01=1; {own}",
        f"{ADDRESS.cookie}=old; {own}",
    ):
        assert client.get("/api/folder", headers={"cookie": cookie}).status_code == 200


def test_another_token_gives_no_cookie(client: TestClient) -> None:
    client.cookies.clear()
    for token in ("", "wrong", ADDRESS.token[:-1], f"{ADDRESS.token}&token={ADDRESS.token}"):
        answer = client.get(f"/?token={token}")
        assert answer.status_code == 403 and "set-cookie" not in answer.headers, token


def test_another_name_for_this_host_leads_nowhere(client: TestClient) -> None:
    """DNS rebinding: a name of the attacker's that points here."""
    for host in ("localhost:8765", "127.0.0.1", "127.0.0.1:80", "evil.example", "127.0.0.1:8765.x", ""):
        assert client.get("/api/folder", headers={"host": host}).status_code == 421, host
        assert client.get(f"/?token={ADDRESS.token}", headers={"host": host}).status_code == 421, host


def test_another_page_changes_nothing(client: TestClient, game: Path) -> None:
    for headers, status in (
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:8765"}, 403),
        ({"origin": "https://127.0.0.1:8765"}, 403),
        ({"origin": "http://127.0.0.1:8766"}, 403),
        ({"origin": ""}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ):
        answer = client.post("/api/game/edit", json=_EDIT, headers=headers)
        assert answer.status_code == status and not _edits(game), headers


def test_a_request_without_an_origin_changes_nothing(client: TestClient, game: Path) -> None:
    del client.headers["origin"]
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.request(method, "/api/game/edit", json=_EDIT).status_code == 403
    assert not _edits(game)
    client.headers["origin"] = ADDRESS.origin
    assert client.post("/api/game/edit", json=_EDIT).status_code == 200 and "Ann" in _edits(game)


def test_what_is_too_long_is_not_taken(client: TestClient) -> None:
    answer = client.post(
        "/api/game/edit", content=b"x" * (MOST_BYTES + 1), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


def test_every_answer_says_what_a_page_may_do(client: TestClient) -> None:
    for cookie in (True, False):
        if not cookie:
            client.cookies.clear()
        for address in ("/", "/game", "/new", "/api/folder", "/report/app.js", "/studio/game.js", "/none"):
            answer = client.get(address)
            for name, value in HEADERS:
                assert answer.headers[name.decode()] == value.decode(), address
            assert "access-control-allow-origin" not in answer.headers and "server" not in answer.headers, address


def test_what_is_no_request_is_a_line(client: TestClient, game: Path) -> None:
    for body in (b"", b"{", b"[]", b"3", b'{"id": 3}', b'{"id": "game.courtscribe", "changes": {}}'):
        answer = client.post("/api/game/edit", content=body, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500 and not _edits(game), body


def test_no_two_studios_have_the_same_secret() -> None:
    tokens = {Address.new(1).token for _ in range(100)}
    assert len(tokens) == 100 and min(map(len, tokens)) >= 40
