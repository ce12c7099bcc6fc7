"""Who speaks no proper HTTP, or says nothing at all, is hung up on, and the service answers others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ground.errors import InputError
from pipeline.serve import server
from pipeline.serve.settings import ServeSettings
from pipeline.studio.serve import listen


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a service that waits a moment only."""
    data = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "HEADERS_WITHIN", 0.3)
        with listen(0) as listener:
            running = server.make_server(ServeSettings(data=data, patience=0.3))
            thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
            thread.start()
            yield int(listener.getsockname()[1])
            running.should_exit = True
            thread.join()


def _said(port: int, sent: bytes, *, leaves: bool = False) -> bytes:
    """How an answer begins; empty: the service hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        with contextlib.suppress(OSError):
            line.sendall(sent)
        if leaves:
            return b""
        said = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in said and (piece := line.recv(65536)):
                said += piece
        return said


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /heal",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(20_000)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Length: 100\r\n\r\ntoken=",
    ],
    ids=[
        "silence",
        "half a line",
        "a long header",
        "many headers",
        "TLS",
        "two lengths",
        "below 0",
        "half a body",
    ],
)
def test_odd_requests_end_and_others_go_on(port: int, sent: bytes) -> None:
    said = _said(port, sent)
    assert said == b"" or int(said.split()[1]) in (200, 400, 401, 413, 431), said[:200]
    _said(port, sent, leaves=True)
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200


def test_headers_that_are_too_long_are_refused_however_they_come(port: int) -> None:
    long = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 900) for i in range(50))
    assert int(_said(port, long + b"\r\n").split()[1]) in (400, 431)


@pytest.mark.slow
@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["first", "later"])
def test_a_byte_now_and_then_gives_nobody_more_time(port: int, before: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(before)
        said = b""
        while before and b"}" not in said:
            said += line.recv(65536)
        line.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        line.settimeout(0.05)
        end = time.monotonic() + 10
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < end:
                line.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    if line.recv(1) == b"":
                        return
            raise AssertionError("it still waits")


def test_an_address_that_is_not_this_machines_is_said() -> None:
    for host in ("300.1.1.1", "192.0.2.1"):
        with pytest.raises(InputError, match="no address of this machine"):
            listen(0, host)


def test_one_service_has_a_folder(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from ground.disk.lock import claim\n"
    program += "with claim(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with listen(0) as listener, pytest.raises(InputError, match="another run"):
            server.serve(ServeSettings(data=tmp_path), listener)
        other.communicate()


def test_no_answer_is_held_back() -> None:
    """As Nagle's algorithm holds what is small until the client has said that it has what came before."""

    async def is_sent_at_once() -> bool:
        told = asyncio.get_running_loop().create_future()

        def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            told.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)
            writer.close()

        with listen(0) as listener:
            address = listener.getsockname()
            async with await asyncio.start_server(accepted, sock=listener):
                _, writer = await asyncio.open_connection(*address)
                writer.close()
                return await told

    with ThreadPoolExecutor() as threads:  # in this one Playwright's loop may run
        assert threads.submit(asyncio.run, is_sent_at_once()).result()
