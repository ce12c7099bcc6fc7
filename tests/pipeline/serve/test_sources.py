from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ground.errors import InputError
from pipeline.web.download import PageError, download
from tests.pipeline.serve.live import Live, serving
from tests.pipeline.serve.test_hostile_videos import made
from tests.pipeline.web.conftest import Site, site

__all__ = ["site"]
_SOON = (0.01,) * 3


@pytest.fixture
def video(tmp_path: Path) -> bytes:
    return made(tmp_path / "made.mp4", times=[i / 25 for i in range(100)], size=(320, 240)).read_bytes()


def _wait(live: Live, place: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        told = live.client.get(place).json()
        if told["state"] != "fetching":
            return told
        threading.Event().wait(0.02)
    raise AssertionError("it took too long")


def _ask(live: Live, url: str) -> str:
    answer = live.client.post("/videos", json={"url": url})
    assert answer.status_code == 202 and answer.json()["state"] == "fetching", answer.text
    return answer.headers["location"]


def test_what_breaks_is_gone_on_with(site: Site, video: bytes, tmp_path: Path) -> None:
    site.content["/a.mp4"] = ("video/mp4", video)
    site.marks["/a.mp4"] = '"one"'
    size = len(video)
    site.breaks = [size // 3, 0, size // 4, 10]
    download(site.url + "/a.mp4", tmp_path / "a", 1 << 30, _SOON)
    assert (tmp_path / "a").read_bytes() == video and not site.breaks
    assert [wanted for _, wanted in site.asked][1] == f"bytes={size // 3}-"


def test_what_became_another_meanwhile_begins_anew(site: Site, video: bytes, tmp_path: Path) -> None:
    for mark in ('"one"', 'W/"one"', ""):
        site.content["/a.mp4"], site.marks["/a.mp4"] = ("video/mp4", video), mark
        site.breaks = [len(video) // 2, 0, 0, 0, 0]
        with pytest.raises(InputError, match="broke off"):
            download(site.url + "/a.mp4", tmp_path / "a", 1 << 30, _SOON)
        site.breaks = []
        site.content["/a.mp4"], site.marks["/a.mp4"] = ("video/mp4", video[::-1]), '"two"' if mark else ""
        download(site.url + "/a.mp4", tmp_path / "a", 1 << 30, _SOON)
        assert (tmp_path / "a").read_bytes() == video[::-1]


def test_what_is_not_fetched(site: Site, video: bytes, tmp_path: Path) -> None:
    site.content["/a.mp4"] = ("video/mp4", video)
    for i in range(7):
        site.leads[f"/{i}"] = f"/{i + 1}"
    site.content["/7"] = site.content["/a.mp4"]
    site.leads["/file"] = "file:///etc/passwd"
    page = site.page("/page", "<html>hi</html>")
    download(site.url + "/2", tmp_path / "led", 1 << 30, _SOON)
    assert (tmp_path / "led").read_bytes() == video
    for path, said in (("/1", "redirect"), ("/file", "not allowed"), ("/none", "404")):
        with pytest.raises(InputError, match=said) as error:
            download(site.url + path, tmp_path / "b", 1 << 30, _SOON)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="more than 1000 bytes"):
        download(site.url + "/a.mp4", tmp_path / "b", 1000, _SOON)
    with pytest.raises(PageError):
        download(page, tmp_path / "b", 1 << 30, _SOON)
    assert not (tmp_path / "b").exists()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with serving(tmp_path / "data", allow_private_urls=True, fetch_pages=True) as found:
        yield found


@pytest.mark.slow
def test_a_video_by_its_address_or_by_that_of_its_page(live: Live, site: Site, video: bytes) -> None:
    site.content["/my%20game.mp4"] = site.content["/game.mp4"] = ("video/mp4", video)
    html = '<html><head><title>Hawks/Kings: 4 \u00e0 2</title></head><video src="/game.mp4"></video></html>'
    page = site.page("/page", html)
    site.content["/text.mp4"] = ("video/mp4", b"no video at all" * 100)
    places = [
        _ask(live, url) for url in (site.url + "/my%20game.mp4", page, site.url + "/text.mp4", site.url + "/none")
    ]
    game, of_page, text, none = (_wait(live, place) for place in places)
    assert (game["state"], game["name"], game["size"]) == ("ready", "my game.mp4", len(video))
    assert of_page["state"] == "ready" and of_page["name"] == "Hawks/Kings: 4 \u00e0 2", of_page
    assert live.kept(places[0]) == live.kept(places[1]) == video
    assert text["state"] == none["state"] == "refused" and "404" in none["error"] and "kind" in text["error"]
    assert len(list(live.app.state.videos.folder.iterdir())) == 2
    live.app.state.videos.clean()
    assert live.client.head(places[0]).headers["upload-offset"] == str(len(video))


_ALONE = """
import json, sys
import pipeline.serve.public as public
from pipeline.serve.fetch import _run
public.is_public = lambda _address: True  # the server of this test is on this machine
said = _run(json.loads(sys.argv[1]))
try:
    __import__("os").system("true")
except PermissionError:
    print(said["error"] or "fetched")
"""


@pytest.mark.slow
def test_a_page_is_fetched_from_without_another_program(site: Site, video: bytes, tmp_path: Path) -> None:
    site.content["/game.mp4"] = ("video/mp4", video)
    page = site.page("/page", '<html><video src="/game.mp4"></video></html>')
    order = {"url": page, "path": str(tmp_path / "a"), "most_bytes": 1 << 30, "allow_private": False, "pages": True}
    environment = {**os.environ, "http_proxy": "http://127.0.0.1:1"}
    command = [sys.executable, "-c", _ALONE, json.dumps(order)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "fetched", done
    assert (tmp_path / "a").read_bytes() == video and not (tmp_path / "a.page").exists()


@pytest.mark.slow
def test_what_is_taken_away_is_not_fetched_any_more(live: Live, site: Site, video: bytes) -> None:
    site.content["/a.mp4"], site.marks["/a.mp4"] = ("video/mp4", video), '"one"'
    site.breaks, site.held = [len(video) // 2], threading.Event()
    place = _ask(live, site.url + "/a.mp4")
    sources, deadline = live.app.state.sources, time.monotonic() + 60
    while live.client.get(place).json()["offset"] < len(video) // 2 and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert sources._running and live.client.delete(place).status_code == 204
    while sources._running and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    site.held.set()
    assert not sources._running and live.client.get(place).status_code == 404
    while list(live.app.state.videos.folder.iterdir()) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert not list(live.app.state.videos.folder.iterdir())


@pytest.mark.slow
def test_a_restart_goes_on_and_private_addresses_are_refused_by_default(
    site: Site, video: bytes, tmp_path: Path
) -> None:
    site.content["/a.mp4"], site.marks["/a.mp4"] = ("video/mp4", video), '"one"'
    site.breaks = [len(video) // 2]
    site.held = threading.Event()  # the second answer does not come while the first service lives
    with serving(tmp_path / "data", allow_private_urls=True) as live:
        place = _ask(live, site.url + "/a.mp4")
        deadline = time.monotonic() + 60
        while live.client.get(place).json()["offset"] < len(video) // 2 and time.monotonic() < deadline:
            threading.Event().wait(0.02)
    site.held.set()
    site.asked.clear()
    with serving(tmp_path / "data", live.token, allow_private_urls=True) as live:
        assert _wait(live, place)["state"] == "ready"
        assert live.kept(place) == video and site.asked[-1][1] == f"bytes={len(video) // 2}-"
    with serving(tmp_path / "data", live.token) as live:
        assert live.client.post("/videos", json={"url": site.url + "/a.mp4"}).status_code == 403
        assert live.client.post("/videos", json={"url": 5}).status_code == 422
