"""A service that runs, as clients meet it: over a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from pipeline.serve.app import make_app
from pipeline.serve.settings import ServeSettings
from pipeline.serve.tokens import Caller
from pipeline.studio.serve import listen

PIECES = "application/offset+octet-stream"


@dataclass
class Live:
    """The service and one who has a token."""

    app: FastAPI
    port: int
    token: str
    under_way: threading.Condition
    """Told when a request begins or ends."""
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.with_token(self.token)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def caller(self) -> Caller:
        found = self.app.state.tokens.find(self.token)
        assert found is not None
        return found

    def with_token(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def create(self, size: int, **headers: str) -> str:
        answer = self.client.post("/videos", headers={"Upload-Length": str(size), **headers})
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    def patch(self, place: str, offset: int, content: Any, **headers: str) -> httpx.Response:
        about = {"Upload-Offset": str(offset), "Content-Type": PIECES}
        return self.client.patch(place, content=content, headers={**about, **headers})

    def upload(self, content: bytes, **headers: str) -> httpx.Response:
        return self.patch(self.create(len(content), **headers), 0, content)

    def offset(self, place: str) -> int:
        answer = self.client.head(place)
        assert answer.status_code == 200
        return int(answer.headers["upload-offset"])

    def broken(self, place: str, offset: int, content: bytes, said: int, **headers: str) -> None:
        """A piece that breaks off: ``said`` bytes were promised. Returns when the service is through with it."""
        about = {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0", "Upload-Offset": str(offset)}
        about |= {"Content-Type": PIECES, "Content-Length": str(said), "Host": f"127.0.0.1:{self.port}", **headers}
        lines = [f"PATCH {place} HTTP/1.1", *(f"{name}: {value}" for name, value in about.items())]
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        self.client.get("/healthz")  # comes after it in the service's loop
        with self.under_way:
            assert self.under_way.wait_for(lambda: not self.app.state.num_requests, 20)

    def kept(self, place: str) -> bytes:
        """What is on the disk of a video."""
        path: Path = self.app.state.videos.get(place.rpartition("/")[2]).path
        return path.read_bytes() if path.exists() else b""


def _counted(app: FastAPI, under_way: threading.Condition) -> Any:
    app.state.num_requests = 0

    def count(step: int) -> None:
        with under_way:
            app.state.num_requests += step
            under_way.notify_all()

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        count(+1)
        try:
            await app(scope, receive, send)
        finally:
            count(-1)

    async def passed_on(scope: Any, receive: Any, send: Any) -> None:
        await (counted if scope["type"] == "http" else app)(scope, receive, send)

    return passed_on


@contextmanager
def serving(data: Path, token: str = "", **settings: Any) -> Iterator[Live]:
    """The service over ``data``, in a thread. token: that it knows already."""
    app = make_app(ServeSettings(data, **settings))
    token = token or app.state.tokens.add("client")
    under_way = threading.Condition()
    with listen(0) as listening:
        server = uvicorn.Server(uvicorn.Config(_counted(app, under_way), log_level="warning", lifespan="on"))
        server_thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        server_thread.start()
        live = Live(app, listening.getsockname()[1], token, under_way)
        try:
            yield live
        finally:
            live.client.close()
            server.should_exit = True
            server_thread.join()
