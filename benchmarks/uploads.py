"""Uploads to the service: killed at random, by many at once, one that is large, and files that are meant to do harm.

    PYTHONPATH=.:benchmarks python benchmarks/uploads.py [--kills 20] [--clients 50] [--gigabytes 5] [--output FILE.md]

npm fetches tus-js-client into a temporary folder; node runs it. Memory is the most that the service's own process had
(VmHWM), which Linux tells; the processes that look at videos are beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from provenance import write_result

from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video

_TUS = "tus-js-client@4.3.1"
_COMMAND = [sys.executable, "-m", "pipeline.runners.cli"]
_HERE = Path(__file__).resolve().parent
_BLOCK = 1 << 20
_CHUNK = 1 << 18


@dataclass
class Service:
    """A service in a process of its own, that can be killed and begun again at the same address."""

    data: Path
    port: int
    token: str
    process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def new(data: Path) -> Service:
        """One over ``data``, not begun."""
        add = [*_COMMAND, "token", "add", "bench", "--data", str(data), "--bytes", "1T"]
        token = (
            subprocess.run(add, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode().strip()
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            return Service(data, free.getsockname()[1], token)

    def begin(self, *limits: str) -> None:
        """Start it, and wait until it answers."""
        serve = [*_COMMAND, "serve", "--data", str(self.data), "--port", str(self.port), "--quiet", *limits]
        self.process = subprocess.Popen(serve, stderr=subprocess.DEVNULL)
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Have it end."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait()

    def memory(self, what: str = "VmHWM") -> float:
        """Megabytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.findall(rf"{what}:\s+(\d+)", status)[0]) / 1024

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        about = {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0"}
        try:
            connection.request(method, path, body, about | {k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def create(self, size: int) -> str:
        """An upload -> its address."""
        status, headers, body = self.ask("POST", "/videos", Upload_Length=str(size))
        if status != 201:
            raise RuntimeError(body.decode())
        return headers["location"]

    def patch(self, place: str, offset: int, body: Any, length: int) -> tuple[int, dict[str, str], bytes]:
        """Send a piece."""
        kind = "application/offset+octet-stream"
        return self.ask("PATCH", place, body, Upload_Offset=str(offset), Content_Type=kind, Content_Length=str(length))

    def digest(self, place: str) -> str:
        """SHA-256 of what is kept of a video."""
        with (self.data / "videos" / place.rpartition("/")[2]).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def state(self, place: str) -> dict[str, Any]:
        """What is told of a video."""
        return json.loads(self.ask("GET", place)[2])


def make_video(path: Path) -> None:
    """A second of a game."""
    game = SyntheticGame(seed=5, seconds=1.0, size=(320, 180))
    write_video(path, ((f.time, f.image) for f in game.frames()), frame_rate=Fraction(30))


def padded(video: bytes, size: int, seed: int) -> Iterator[bytes]:
    """An MP4 of about ``size`` bytes: a video, and after it a box that players pass over, in blocks."""
    room = size - len(video) - 16
    yield video + b"\0\0\0\1free" + (room + 16).to_bytes(8, "big")
    block = random.Random(seed).randbytes(_BLOCK)
    for start in range(0, room, _BLOCK):
        yield (start.to_bytes(8, "big") + block[8:])[: room - start]


def killed(service: Service, folder: Path, video: bytes, kills: int, size: int) -> list[str]:
    """An upload by tus-js-client; service and client are killed in turns at random moments."""
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", _TUS], cwd=folder, check=True)
    file = folder / "game.mp4"
    with file.open("wb") as target:
        target.writelines(padded(video, size, 1))
    wanted = hashlib.sha256(file.read_bytes()).hexdigest()
    command = ["node", str(_HERE / "uploads.mjs"), f"http://127.0.0.1:{service.port}/videos", service.token]
    command += [str(file), str(folder / "state.json"), str(_CHUNK)]
    chance, done = random.Random(7), {"service": 0, "client": 0}
    service.begin()
    client = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE)
    while client.poll() is None:
        try:
            client.wait(chance.uniform(0.1, 1.5))
        except subprocess.TimeoutExpired:
            if sum(done.values()) >= kills:
                continue
            if chance.random() < 0.5:
                service.end(signal.SIGKILL)
                service.begin()
                done["service"] += 1
            else:
                client.kill()
                client.wait()
                client = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE)
                done["client"] += 1
    assert client.stdout is not None
    place = "/videos/" + client.stdout.read().decode().rpartition("/")[2]
    is_same = client.returncode == 0 and service.digest(place) == wanted
    num_others = len(json.loads(service.ask("GET", "/videos")[2])) - 1
    state = service.state(place)["state"]
    service.end()
    return [
        f"| {_TUS}, {size / 1e6:.0f} MB in pieces of {_CHUNK >> 10} kB: kills (SIGKILL) of service, of client "
        f"| {done['service']}, {done['client']} |",
        f"| SHA-256 of what the service has and of the file | {'equal' if is_same else 'NOT EQUAL'} |",
        f"| what it became; other uploads begun | {state}; {num_others} |",
    ]


def one_client(service: Service, number: int, video: bytes, size: int) -> bool:
    """One of many: steady, slow, or one that breaks off -> whether what is kept is what was sent."""
    content = b"".join(padded(video, size, number))
    kind, chance = ("steady", "slow", "breaking")[number % 3], random.Random(number)
    place, offset = service.create(len(content)), 0
    while offset < len(content):
        with suppress(OSError, http.client.HTTPException):
            service.patch(place, offset, _sent(content[offset:], kind, chance), len(content) - offset)
        status, headers, _ = service.ask("HEAD", place)
        offset = int(headers["upload-offset"]) if status == 200 else offset
    return service.digest(place) == hashlib.sha256(content).hexdigest() and service.state(place)["state"] == "ready"


def _sent(content: bytes, kind: str, chance: random.Random) -> Iterator[bytes]:
    most = chance.randrange(len(content) // 4, len(content)) if kind == "breaking" and len(content) > _BLOCK else None
    for start in range(0, len(content), 1 << 16):
        if most is not None and start > most:
            raise ConnectionError
        if kind == "slow":
            time.sleep(0.05)
        yield content[start : start + (1 << 16)]


def many(service: Service, video: bytes, clients: int, size: int) -> list[str]:
    """Uploads at once, a third of them slow and a third breaking off."""
    service.begin()
    idle, begin = service.memory("VmRSS"), time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        right = sum(pool.map(lambda number: one_client(service, number, video, size), range(clients)))
    seconds, most = time.monotonic() - begin, service.memory()
    service.end()
    return [
        f"| memory of the service that waits | {idle:.0f} MB |",
        f"| {clients} clients at once, {size / 1e6:.0f} MB each, a third slow, a third breaking off: whole and right "
        f"| {right} |",
        f"| the most memory of the service then; how long all took | {most:.0f} MB; {seconds:.0f} s |",
    ]


def large(service: Service, video: bytes, size: int) -> list[str]:
    """One large upload in one piece."""
    service.begin()
    before, begin, digest = service.memory("VmRSS"), time.monotonic(), hashlib.sha256()

    def sent() -> Iterator[bytes]:
        for block in padded(video, size, 3):
            digest.update(block)
            yield block

    place = service.create(size)
    status, _, body = service.patch(place, 0, sent(), size)
    seconds, most = time.monotonic() - begin, service.memory()
    is_same = status == 204 and service.digest(place) == digest.hexdigest()
    service.ask("DELETE", place)
    service.end()
    return [
        f"| {size / 1e9:g} GB in one piece: SHA-256 | {'equal' if is_same else f'NOT EQUAL {body.decode()}'} |",
        f"| memory of the service more than before, at most; how long, looked at included "
        f"| {most - before:.0f} MB; {seconds:.0f} s |",
    ]


def hostile(service: Service, folder: Path) -> list[str]:
    """Files of ``tests/pipeline/serve/test_hostile_videos.py``, and how they are answered."""
    from tests.pipeline.serve.test_hostile_videos import _HOSTILE, _PIXELS, _SECONDS

    service.begin("--max-minutes", str(_SECONDS / 60), "--max-pixels", str(_PIXELS))
    lines: list[str] = []
    for name, make in _HOSTILE.items():
        content = make(folder)
        place, begin = service.create(len(content)), time.monotonic()
        with _most_of_children(service) as most:
            status, _, body = service.patch(place, 0, content, len(content))
        detail = json.loads(body)["detail"] if body else "taken"
        about = f"{time.monotonic() - begin:.1f} s, {most[0]:.0f} MB"
        lines.append(f"| {name}, {len(content):,} bytes | {status} {detail} | {about} |")
    assert service.ask("GET", "/healthz")[0] == 200
    service.end()
    return lines


@contextmanager
def _most_of_children(service: Service) -> Iterator[list[float]]:
    """The most memory of the processes that look at videos, in MB."""
    import psutil

    assert service.process is not None
    most, over, parent = [0.0], threading.Event(), psutil.Process(service.process.pid)

    def look() -> None:
        while not over.wait(0.01):
            with suppress(psutil.Error):
                most[0] = max(most[0], *(c.memory_info().rss / 1e6 for c in parent.children(recursive=True)), 0.0)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--megabytes", type=int, default=300, help="of the upload that is killed")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_video(folder / "video.mp4")
        video = (folder / "video.mp4").read_bytes()
        service = Service.new(folder / "data")
        lines = ["| what | |", "|---|---|"]
        lines += killed(service, folder, video, options.kills, options.megabytes * 10**6)
        lines += many(service, video, options.clients, 6 * 10**6)
        lines += large(service, video, round(options.gigabytes * 1e9))
        lines += ["", "| sent | answered | took, most memory of what looked at it |", "|---|---|---|"]
        lines += hostile(service, folder)
    load = f"Processes that wanted a core when it ended, over a minute: {os.getloadavg()[0]:.1f} of {os.cpu_count()}."
    write_result(options.output, "Uploads", [load, "", *lines])


if __name__ == "__main__":
    main()
