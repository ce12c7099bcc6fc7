"""A server of pages and videos on this machine, which breaks off when it is told to."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video


@dataclass
class Site:
    """What is served, by path: type and content."""

    url: str
    content: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)
    """Bytes of a video after which the next answers break off; first one first."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Paths with the range that was asked for."""
    marks: dict[str, str] = field(default_factory=dict)
    """ETags."""
    leads: dict[str, str] = field(default_factory=dict)
    """Where paths lead on to."""
    has_ranges: bool = True
    """Whether parts of a file are given, or only all of it, from its beginning."""
    says_ranges: bool = False
    """Whether it is said that parts are given, though all of it is, as some servers answer to all of it."""
    held: threading.Event | None = None
    """What parts of files wait for."""

    def page(self, path: str, html: str) -> str:
        self.content[path] = ("text/html; charset=utf-8", html.encode())
        return self.url + path


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer comes 40 ms late

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            path, wanted = self.path.partition("?")[0], self.headers["range"]
            found.asked.append((path, wanted))
            if path in found.leads:
                self.send_response(302)
                self.send_header("Location", found.leads[path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if path not in found.content:
                self.send_error(404)
                return
            kind, content = found.content[path]
            mark = found.marks.get(path, "")
            first = re.match(r"bytes=(\d+)-", wanted or "")
            if self.headers["if-range"] not in (None, mark) or not found.has_ranges:
                first = None
            if first and found.held is not None:
                found.held.wait(20)
            start = int(first[1]) if first else 0
            self.send_response(206 if first else 200)
            self.send_header("Content-Type", kind)
            if found.says_ranges or found.has_ranges:
                self.send_header("Accept-Ranges", "bytes")
            if mark:
                self.send_header("ETag", mark)
            if first:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            if with_body:
                self._send(kind, content[start:])

        def _send(self, kind: str, content: bytes) -> None:
            cut = found.breaks.pop(0) if kind.startswith("video/") and found.breaks else len(content)
            self.wfile.write(content[:cut])
            if cut < len(content):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Site(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("web") / "game.mp4"
    game = SyntheticGame(seed=5, seconds=0.6, size=(320, 180))
    write_video(path, ((f.time, f.image) for f in game.frames()), frame_rate=Fraction(30))
    return path
