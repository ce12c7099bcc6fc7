"""Where a video comes from: a pipe, a file that grows or is gone, an address that fails or falls silent."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.damage.cases import Bench, Case, Verdict, kind
from benchmarks.damage.clips import times_of
from benchmarks.damage.healthy import FRONT, MATROSKA, TRANSPORT


@kind("a pipe")
def _pipe(bench: Bench) -> Case:
    look = bench.rng.choice((MATROSKA, TRANSPORT, FRONT))
    path, content = bench.path(f"pipe{look.suffix}"), bench.clips.get(look).read_bytes()
    os.mkfifo(path)

    @contextmanager
    def write() -> Generator[None]:
        thread = threading.Thread(target=_write, args=(path, content), daemon=True)
        thread.start()
        yield
        thread.join(5)

    return Case(str(path), Verdict.FINE, times_of(look), while_read=write)


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("wb") as file:
            file.write(content)
    except BrokenPipeError:  # whoever reads has gone
        return


@kind("a pipe that nobody writes to")
def _silent_pipe(bench: Bench) -> Case:
    path = bench.path("silent.mp4")
    os.mkfifo(path)
    return Case(str(path), Verdict.REFUSED)


@kind("a file that grows")
def _grows(bench: Bench) -> Case:
    """What is there when its end is met is read; how much that is depends on the clock."""
    path, content = bench.path("grows.ts"), bench.clips.get(TRANSPORT).read_bytes()
    half = len(content) // 2 // 188 * 188
    path.write_bytes(content[:half])

    @contextmanager
    def grow() -> Generator[None]:
        def work() -> None:
            with path.open("ab") as file:
                for at in range(half, len(content), 1880):
                    file.write(content[at : at + 1880])
                    file.flush()
                    time.sleep(0.01)

        thread = threading.Thread(target=work)
        thread.start()
        yield
        thread.join()

    return Case(str(path), Verdict.FINE, times_of(TRANSPORT), frozenset(range(10)), is_counted=False, while_read=grow)


@kind("no such file")
def _gone(bench: Bench) -> Case:
    return Case(str(bench.path(bench.rng.choice(("none.mp4", "none/a.mkv", "x" * 300)))), Verdict.REFUSED)


@kind("a link to nothing")
def _dangling(bench: Bench) -> Case:
    path = bench.path("link.mp4")
    path.symlink_to(bench.folder / "none.mp4")
    return Case(str(path), Verdict.REFUSED)


@kind("a folder without pictures")
def _folder(bench: Bench) -> Case:
    path = bench.path("a.mp4")
    path.mkdir()
    return Case(str(path), Verdict.REFUSED)


@kind("a file that may not be read")
def _forbidden(bench: Bench) -> Case:
    """A device that gives nothing, where whoever runs this may read everything."""
    path = bench.path("forbidden.mp4")
    path.write_bytes(bench.clips.get(FRONT).read_bytes())
    path.chmod(0)
    return Case("/dev/null" if os.access(path, os.R_OK) else str(path), Verdict.REFUSED)


@contextmanager
def _served(port: int, content: bytes, sent: int, status: int, stall: float) -> Generator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:sent])
            self.wfile.flush()
            if sent < len(content):
                stopped.wait(stall)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as it is called there)
            return

    stopped = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}/game.ts"


@kind("an address")
def _whole(bench: Bench) -> Case:
    content, port = bench.clips.get(TRANSPORT).read_bytes(), _free_port()
    return Case(_address(port), Verdict.FINE, times_of(TRANSPORT),
                while_read=lambda: _served(port, content, len(content), 200, 0))  # fmt: skip


@kind("an address that fails")
def _fails(bench: Bench) -> Case:
    port, status = _free_port(), bench.rng.choice((403, 404, 500, 503))
    return Case(_address(port), Verdict.REFUSED, while_read=lambda: _served(port, b"no", 2, status, 0))


@kind("an address where nobody listens")
def _nobody(bench: Bench) -> Case:
    return Case(_address(_free_port()), Verdict.REFUSED)


@kind("an address that falls silent")
def _silent(bench: Bench) -> Case:
    content, port = bench.clips.get(TRANSPORT).read_bytes(), _free_port()
    return Case(_address(port), Verdict.REFUSED, while_read=lambda: _served(port, content, 0, 200, 90))


@kind("an address that falls silent midway")
def _midway(bench: Bench) -> Case:
    content, port = bench.clips.get(TRANSPORT).read_bytes(), _free_port()
    sent = len(content) * bench.rng.randrange(4, 8) // 10
    return Case(_address(port), Verdict.NOTED, times_of(TRANSPORT), frozenset(range(10)), is_counted=False,
                while_read=lambda: _served(port, content, sent, 200, 90))  # fmt: skip
