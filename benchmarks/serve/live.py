"""A service in a process of its own, and what uploads to it."""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import psutil

COMMAND = (sys.executable, "-m", "pipeline.runners.cli")
_TUS = {"tus-resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


def free_port() -> int:
    """One that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Live:
    """A service over ``data``, killed and begun again at the same address."""

    def __init__(self, data: Path, *flags: str) -> None:
        self.data, self.port, self._flags = data, free_port(), flags
        added = [*COMMAND, "token", "add", "bench", "--data", str(data), "--jobs", "1000"]
        self.token = subprocess.run(added, capture_output=True, text=True, check=True).stdout.strip()
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"authorization": f"Bearer {self.token}"}, timeout=60
        )
        self.begin()

    def begin(self) -> None:
        """Start it, and wait until it answers."""
        command = [*COMMAND, "serve", "--data", str(self.data), "--port", str(self.port), *self._flags]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not self.is_alive():
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit("the service did not start")
            time.sleep(0.05)

    def is_alive(self) -> bool:
        """Whether it answers."""
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def memory(self) -> int:
        """Bytes that the server holds, without its workers."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def kill(self) -> None:
        """As a power cut does it."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait()
        self.client.close()

    def create(self, size: int, name: str) -> str:
        """Begin an upload -> its address."""
        encoded = base64.b64encode(name.encode()).decode()
        headers = {**_TUS, "upload-length": str(size), "upload-metadata": f"filename {encoded}"}
        answer = self.client.post("/videos", headers=headers)
        answer.raise_for_status()
        return str(answer.headers["location"])

    def send(self, place: str, offset: int, pieces: Iterable[bytes] | bytes) -> httpx.Response:
        """Go on with an upload."""
        headers = {**_TUS, "upload-offset": str(offset), "content-type": PIECE}
        return self.client.patch(place, content=pieces, headers=headers, timeout=None)

    def upload(self, path: Path) -> str:
        """A whole video -> its id."""
        place = self.create(path.stat().st_size, path.name)
        answer = self.send(place, 0, path.read_bytes())
        if answer.status_code != 204:
            raise SystemExit(f"{path.name} was not taken: {answer.text}")
        return place.rpartition("/")[2]

    def job(self, video: str, settings: dict[str, Any]) -> str:
        """Begin a job -> its id."""
        answer = self.client.post("/jobs", json={"video": video, "settings": settings})
        answer.raise_for_status()
        return str(answer.json()["id"])
