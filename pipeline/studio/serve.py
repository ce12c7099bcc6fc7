"""The studio's server: on this machine only, until Ctrl-C."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from ground.errors import InputError
from pipeline.studio.access import HOST, Address, App, Guard

if TYPE_CHECKING:
    import uvicorn

PORT = 8765
"""Where it is looked for, if it is free."""


def listen(port: int | None, host: str = HOST) -> socket.socket:
    """A socket at ``port``; None: at ``PORT``, or at any that is free. Raises InputError where the port is taken.

    host: an address of this machine. Whoever connects waits from now on until ``serve`` answers.
    """
    for wanted in (PORT, 0) if port is None else (port,):
        # Its protocol is named, or asyncio would not turn off Nagle's algorithm, and each answer came 40 ms late.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, wanted))
            listener.listen(128)
        except (OSError, OverflowError) as error:
            listener.close()
            if wanted == 0 or port is not None:
                raise _unusable(host, wanted, error) from error
        else:
            return listener
    raise AssertionError("one of the ports is used, or the reason is said")


def _unusable(host: str, port: int, error: OSError | OverflowError) -> InputError:
    """Whether it is the address or the port that has to be another."""
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, socket.gaierror) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
        return InputError(f"{host}: is no address of this machine ({reason})", "host")
    return InputError(f"port {port} cannot be used ({reason}); choose another one", "port")


def serve(app: App, listener: socket.socket, address: Address, first: str) -> None:
    """Serve ``app`` to who has the address, until the process is asked to end. first: see Guard."""
    make_server(app, address, first).run(sockets=[listener])


def make_server(app: App, address: Address, first: str) -> uvicorn.Server:
    """What ``serve`` runs."""
    import uvicorn

    config = uvicorn.Config(
        Guard(app, address, first),
        log_level="warning",
        access_log=False,
        http="h11",
        ws="none",
        lifespan="on",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)
