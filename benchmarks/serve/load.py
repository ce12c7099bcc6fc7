"""Memory of the service: idle, with slow and broken uploads of many clients, while one large file comes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.serve.live import PIECE, Live

_MB = 1 << 20
_SECONDS = 20.0
"""That slow clients take."""


class _Watch:
    """The most memory that a server held while it was watched."""

    def __init__(self, live: Live) -> None:
        self._live, self.most = live, live.memory()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.05):
            self.most = max(self.most, self._live.memory())


def idle(place: Path) -> list[str]:
    """Rows: just begun, and after each of its pages was asked for."""
    live = Live(place / "idle")
    try:
        time.sleep(2)
        begun = live.memory()
        for path in ("/", "/jobs", "/videos", "/settings", "/openapi.json", "/report/app.js", "/jobs/x"):
            live.client.get(path)
        return [
            f"| idle, just begun | {begun / _MB:.0f} MB |",
            f"| idle, after each kind of request | {live.memory() / _MB:.0f} MB |",
        ]
    finally:
        live.close()


def clients(place: Path, count: int) -> list[str]:
    """Rows: as many clients at once, a third slow, a third that break off again and again, a third that send 20 MB."""
    live = Live(place / "clients")
    done = Counter[str]()
    try:
        kinds = (_slow, _broken, _quick)
        threads = [threading.Thread(target=_client, args=(live, kinds[i % 3], done)) for i in range(count)]
        with _Watch(live) as watch:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        is_alive = live.is_alive()
        told = ", ".join(f"{n} {what}" for what, n in sorted(done.items()))
        return [
            f"| most with {count} clients at once: {told} | {watch.most / _MB:.0f} MB |",
            f"| it answers afterwards | {'yes' if is_alive else 'no'} |",
        ]
    finally:
        live.close()


def _client(live: Live, kind: object, done: Counter[str]) -> None:
    own = httpx.Client(base_url=live.client.base_url, headers=live.client.headers, timeout=120)
    try:
        what = kind(live, own)  # type: ignore[operator]
    except httpx.HTTPError as error:
        what = f"failed ({type(error).__name__})"
    done[what] += 1


def _slow(live: Live, own: httpx.Client) -> str:
    """A kilobyte every fifth of a second."""

    def pieces() -> Iterator[bytes]:
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            yield bytes(1024)
            time.sleep(0.2)

    place = live.create(5 * _MB, "slow.mp4")
    answer = own.patch(place, content=pieces(), headers=_at(0))
    return "slow" if answer.status_code == 204 else f"slow, answered {answer.status_code}"


def _broken(live: Live, own: httpx.Client) -> str:
    """Half a megabyte, then the line is cut; twenty times."""
    place, offset = live.create(20 * _MB, "broken.mp4"), 0
    for _ in range(20):
        _cut(live, place, offset)
        while (answer := own.head(place, headers={"tus-resumable": "1.0.0"})).status_code == 423:
            time.sleep(0.1)
        offset = int(answer.headers["upload-offset"])
    return "broken off 20 times"


def _cut(live: Live, place: str, offset: int) -> None:
    """Say that 20 MB come, send a part of them, and hang up."""
    lines = [f"PATCH {place} HTTP/1.1", "Host: x", f"Authorization: Bearer {live.token}", f"Content-Type: {PIECE}"]
    lines += ["Tus-Resumable: 1.0.0", f"Upload-Offset: {offset}", f"Content-Length: {20 * _MB - offset}", "", ""]
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", live.port)) as line:
        line.sendall("\r\n".join(lines).encode() + bytes(_MB // 2))


def _quick(live: Live, own: httpx.Client) -> str:
    """20 MB as fast as they go, but for the last byte: nothing is to be looked at."""
    place = live.create(20 * _MB, "quick.mp4")
    answer = own.patch(place, content=bytes(20 * _MB - 1), headers=_at(0))
    return "of 20 MB" if answer.status_code == 204 else f"quick, answered {answer.status_code}"


def _at(offset: int) -> dict[str, str]:
    return {"tus-resumable": "1.0.0", "upload-offset": str(offset), "content-type": PIECE}


def upload(place: Path, size: int) -> list[str]:
    """Rows: one file of ``size`` bytes, of zeros, which is then refused as no video."""

    def pieces() -> Iterator[bytes]:
        block = bytes(_MB)
        for _ in range(size // _MB):
            yield block

    live = Live(place / "upload")
    try:
        before, begin = live.memory(), time.monotonic()
        with _Watch(live) as watch:
            answer = live.send(live.create(size // _MB * _MB, "large.mp4"), 0, pieces())
        seconds = time.monotonic() - begin
        return [
            f"| an upload of {size / 1e9:.1f} GB: memory more than before | {(watch.most - before) / _MB:.0f} MB |",
            f"| the same: MB a second, disk and look at it included | {size / 1e6 / seconds:.0f} |",
            f"| the same: how it was answered (it is no video) | {answer.status_code} |",
        ]
    finally:
        live.close()
