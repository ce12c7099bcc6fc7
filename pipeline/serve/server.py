"""The service's server: until it is asked to end; one over a folder."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ground.disk.lock import claim
from pipeline.serve.access import LONGEST_HEADERS
from pipeline.serve.app import make_app
from pipeline.serve.settings import ServeSettings

PORT = 8766
_MOST_CONNECTIONS = 512
HEADERS_WITHIN = 20.0
"""Seconds that a client may take until a whole request has begun; the rest of it see ``ServeSettings.patience``."""


class _Impatient(H11Protocol):
    """Hangs up on who connects and asks nothing, or takes for ever to ask it, the first time or a later one."""

    _asking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        super().data_received(data)
        if self._is_answering():
            self._wait_no_longer()
        elif self._asking is None:  # a byte now and then gives nobody more time
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self._asking = self.loop.call_later(HEADERS_WITHIN, self._hang_up)

    def _wait_no_longer(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _hang_up(self) -> None:
        self._asking = None
        if not self._is_answering() and not self.transport.is_closing():
            self.transport.close()


def serve(settings: ServeSettings, listener: socket.socket) -> None:
    """Serve until the process is asked to end. Raises InputError where another service has the folder."""
    with claim(settings.data):
        make_server(settings).run(sockets=[listener])


def make_server(settings: ServeSettings) -> Server:
    """The server, with its limits on what is no proper HTTP."""
    return Server(
        Config(
            make_app(settings),
            log_level="warning",
            access_log=False,
            http=_Impatient,
            ws="none",
            lifespan="on",
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            h11_max_incomplete_event_size=LONGEST_HEADERS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=3,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
        )
    )
