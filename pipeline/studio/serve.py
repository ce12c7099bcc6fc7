"""The studio's server: on this machine only, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from ground.errors import InputError
from pipeline.studio.access import HOST, Address, Guard
from pipeline.studio.app import Studio, make_app

PORT = 8765
"""Where it is looked for, if it is free."""


def listen(port: int | None) -> socket.socket:
    """A socket at ``port``; None: at ``PORT``, or at any that is free. Raises InputError where the port is taken."""
    for wanted in (PORT, 0) if port is None else (port,):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, wanted))
            listener.listen(128)
        except (OSError, OverflowError) as error:
            listener.close()
            if wanted == 0 or port is not None:
                reason = getattr(error, "strerror", None) or error
                raise InputError(f"port {wanted} cannot be used ({reason}); choose another one", "port") from error
        else:
            return listener
    raise AssertionError("one of the ports is used, or the reason is said")


def serve(studio: Studio, listener: socket.socket, ready: Callable[[Address], object]) -> None:
    """Serve until the process is asked to end. ready: is called with the address as soon as it answers."""
    address = Address.new(int(listener.getsockname()[1]))
    config = uvicorn.Config(
        Guard(make_app(studio), address, studio.first_page()),
        log_level="warning",
        access_log=False,
        http="h11",
        ws="none",
        lifespan="on",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
    )
    ready(address)  # it listens already: whoever connects now waits a moment
    uvicorn.Server(config).run(sockets=[listener])
