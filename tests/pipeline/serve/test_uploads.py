from __future__ import annotations

import base64
import hashlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.serve.live import PIECES, Live, serving


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(tmp_path_factory.mktemp("service"), most_upload_bytes=1 << 20, patience=5.0) as found:
        yield found


def _checksum(content: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
    return {"Upload-Checksum": f"{algorithm} {digest}"}


def test_what_is_said_of_tus(live: Live) -> None:
    answer = live.client.options("/videos")
    assert answer.status_code == 204 and answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(1 << 20)
    assert set(answer.headers["tus-extension"].split(",")) >= {"creation", "checksum", "termination", "expiration"}
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"


_PIECE = st.tuples(
    st.integers(1, 40_000),
    st.sampled_from(["sent", "broken", "wrong offset", "wrong checksum", "checked", "broken and checked"]),
    st.sampled_from(["sha1", "sha256"]),
)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(_PIECE, max_size=8), size=st.integers(1, 120_000), seed=st.integers(0, 1000))
def test_whatever_comes_between_the_bytes_are_the_same(
    live: Live, pieces: list[tuple[int, str, str]], size: int, seed: int
) -> None:
    place = live.create(size + 1)  # one byte is never sent, so it is never looked at
    content, at = random.Random(seed).randbytes(size), 0
    try:
        for length, kind, algorithm in [*pieces, (size, "checked", "sha1")]:
            taken = _send(live, place, at, content[at : at + length], kind, algorithm)
            at, before = live.offset(place), at
            assert at - before in taken, kind
            assert live.kept(place) == content[:at]
        assert live.kept(place) == content
    finally:
        assert live.client.delete(place).status_code == 204


def _send(live: Live, place: str, at: int, piece: bytes, kind: str, algorithm: str) -> range:
    """-> how many bytes may have been taken."""
    nothing, all_of_it, checked = range(1), range(len(piece), len(piece) + 1), _checksum(piece, algorithm)
    if "broken" in kind:
        headers = _checksum(piece + b"x", algorithm) if "checked" in kind else {}
        live.broken(place, at, piece, len(piece) + 1, **headers)
        return nothing if headers else range(len(piece) + 1)
    if kind == "wrong offset":
        assert live.patch(place, at + 1, piece[:-1]).status_code == 409
    elif kind == "wrong checksum":
        assert live.patch(place, at, piece, **_checksum(piece + b"x", algorithm)).status_code == 460
    else:
        assert live.patch(place, at, piece, **(checked if kind == "checked" else {})).status_code == 204
    return all_of_it if kind in ("sent", "checked") else nothing


@pytest.mark.slow
def test_what_is_wrong_with_a_request(live: Live) -> None:
    place = live.create(10)
    plain = {"Tus-Resumable": "0.2.2"}
    wrong = [
        (live.client.post("/videos", headers={**plain, "Upload-Length": "5"}), 412),
        (live.client.head(place, headers=plain), 412),
        (live.client.post("/videos"), 400),
        (live.client.post("/videos", headers={"Upload-Length": "-5"}), 400),
        (live.client.post("/videos", headers={"Upload-Length": "0"}), 400),
        (live.client.post("/videos", headers={"Upload-Defer-Length": "1"}), 400),
        (live.client.post("/videos", headers={"Upload-Length": "5", "Upload-Metadata": "filename ???"}), 400),
        (live.client.post("/videos", headers={"Upload-Length": str((1 << 20) + 1)}), 413),
        (live.patch(place, 0, b"123", **{"Content-Type": "text/plain"}), 415),
        (live.patch(place, 1, b"123"), 409),
        (live.patch(place, 0, b"1" * 11), 413),
        (live.patch(place, 0, iter([b"1" * 6, b"2" * 6])), 413),
        (live.patch(place, 0, b"123", **{"Upload-Checksum": "md5 AAAA"}), 400),
        (live.patch(place, 0, b"123", **{"Upload-Checksum": "sha1 AAAA"}), 400),
        (live.patch(place, 0, b"123", **_checksum(b"124")), 460),
        (live.patch("/videos/none", 0, b"123"), 404),
        (live.client.head("/videos/..%2f..%2fetc%2fpasswd"), 404),
        (live.client.get(f"{place}/../../etc"), 404),
        (live.client.post("/videos", content=b"[1]", headers={"Content-Type": "application/json"}), 422),
        (live.client.post("/videos", content=b"{", headers={"Content-Type": "application/json"}), 400),
        (live.client.post(place), 405),
    ]
    for answer, status in wrong:
        assert answer.status_code == status, (answer.request.url, answer.text)
        if answer.request.method != "HEAD":
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status and "\n" not in answer.json()["detail"]
    assert wrong[0][0].headers["tus-version"] == "1.0.0"


def test_a_method_may_be_named_in_a_header(live: Live) -> None:
    place = live.create(10)
    override = "X-HTTP-Method-Override"
    about = {"Upload-Offset": "0", "Content-Type": PIECES, override: "PATCH"}
    assert live.client.post(place, content=b"12345", headers=about).headers["upload-offset"] == "5"
    assert live.client.post(place, headers={override: "HEAD"}).headers["upload-offset"] == "5"
    assert live.client.post(place, headers={override: "DELETE"}).status_code == 204
    assert live.client.head(place).status_code == 404


def test_names_are_text_and_no_paths(live: Live) -> None:
    for name, shown in (
        ("../../etc/passwd", "passwd"),
        ("C:\\games\\a.mp4", "a.mp4"),
        ("spiel\x00\n ü.mp4", "spiel ü.mp4"),
    ):
        given = f"filename {base64.b64encode(name.encode()).decode()}"
        place = live.create(10, **{"Upload-Metadata": given})
        told = live.client.get(place).json()
        assert told["name"] == shown and told["state"] == "uploading"
        assert live.client.head(place).headers["upload-metadata"] == given
        live.client.delete(place)
    assert {path.parent for path in live.app.state.settings.data.rglob("*")} == {
        live.app.state.settings.data, live.app.state.videos.folder
    } or not list(live.app.state.videos.folder.iterdir())  # fmt: skip


def test_one_who_writes_keeps_others_out(live: Live) -> None:
    place = live.create(100)
    begun, over = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"1" * 10
        begun.set()
        over.wait(10)
        yield b"2" * 10

    def send() -> None:
        with live.with_token(live.token) as client:
            about = {"Upload-Offset": "0", "Content-Type": PIECES}
            answers.append(client.patch(place, content=slowly(), headers=about))

    answers: list[httpx.Response] = []
    thread = threading.Thread(target=send)
    thread.start()
    assert begun.wait(10)
    deadline = time.monotonic() + 10
    while place.rpartition("/")[2] not in live.app.state.videos._busy and time.monotonic() < deadline:
        pass
    assert live.patch(place, 0, b"x").status_code == live.client.delete(place).status_code == 423
    over.set()
    thread.join()
    assert answers[0].status_code == 204 and live.kept(place) == b"1" * 10 + b"2" * 10


def test_another_s_videos_are_not_there(live: Live) -> None:
    place = live.create(10)
    other = live.app.state.tokens.add("somebody else")
    reading = live.app.state.tokens.add("who only looks", ["read"])
    with live.with_token(other) as client, live.with_token(reading) as looking:
        assert client.head(place).status_code == client.delete(place).status_code == 404
        assert client.get("/videos").json() == []
        assert looking.post("/videos", headers={"Upload-Length": "5"}).status_code == 403
    assert place.rpartition("/")[2] in {video["id"] for video in live.client.get("/videos").json()}


def test_the_first_piece_may_come_at_once(live: Live) -> None:
    about = {"Upload-Length": "10", "Content-Type": PIECES}
    answer = live.client.post("/videos", content=b"12345", headers=about)
    assert answer.status_code == 201 and answer.headers["upload-offset"] == "5"
    assert live.kept(answer.headers["location"]) == b"12345"
    wrong = live.client.post("/videos", content=b"12345", headers={**about, **_checksum(b"1234")})
    assert wrong.status_code == 460


@pytest.mark.slow
def test_what_nobody_goes_on_with_goes(tmp_path: Path) -> None:
    with serving(tmp_path, upload_expiry_hours=1.0) as live:
        place, kept = live.create(10), live.create(10)
        live.patch(place, 0, b"123")
        assert "GMT" in live.client.head(place).headers["upload-expires"]
        videos = live.app.state.videos
        now = videos._clock()
        videos._clock = lambda: now + 3500
        live.patch(kept, 0, b"123")
        videos.clean()
        assert live.offset(place) == live.offset(kept) == 3
        videos._clock = lambda: now + 3700
        assert live.client.head(place).status_code == 410 and live.offset(kept) == 3
        videos.clean()
        assert live.patch(place, 3, b"4").status_code == 410
        (videos.folder / "stranger").write_text("x")
        videos.clean()
        assert [path.name for path in videos.folder.iterdir()] == [kept.rpartition("/")[2]]


@pytest.mark.slow
def test_quotas_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.serve.videos.MOST_UNFINISHED", 10)
    with serving(tmp_path) as live:
        token = live.app.state.tokens.add("small", most_bytes=1000)
        with live.with_token(token) as client:
            created = [client.post("/videos", headers={"Upload-Length": str(size)}) for size in (600, 401, 400, 1)]
            assert [answer.status_code for answer in created] == [201, 413, 201, 413]
            client.delete(created[0].headers["location"])
            statuses = [client.post("/videos", headers={"Upload-Length": "1"}) for _ in range(20)]
        many = [answer for answer in statuses if answer.status_code == 429]
        assert len(many) == 11 and many[0].headers["retry-after"] == "60"
