"""A service on a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipeline.serve.app import make_app
from pipeline.serve.settings import ServeSettings

Connect = Callable[..., TestClient]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Whoever calls it, with settings, gets a client with a token of all scopes at a service over ``tmp_path``."""
    clients: list[TestClient] = []

    def connected(**settings: Any) -> TestClient:
        app = make_app(ServeSettings(data=tmp_path / "data", **settings))
        client = TestClient(app, follow_redirects=False)
        client.__enter__()
        client.headers["authorization"] = f"Bearer {app.state.tokens.add(f'client {len(clients)}')}"
        clients.append(client)
        return client

    yield connected
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(connect: Connect) -> TestClient:
    """At a service with settings as they are."""
    return connect()
