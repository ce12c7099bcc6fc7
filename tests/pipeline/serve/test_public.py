from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.serve.problem import Problem
from pipeline.serve.public import is_private_literal, is_public
from pipeline.serve.sources import require_url

_PRIVATE = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"]
_PRIVATE += ["0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "192.0.0.0/24", "198.18.0.0/15", "203.0.113.0/24"]
_ADDRESSES_4 = st.one_of([st.ip_addresses(network=network) for network in _PRIVATE])
_PRIVATE_6 = ["::1/128", "::/128", "fc00::/7", "fe80::/10", "ff00::/8", "2001:db8::/32", "::/96", "64:ff9b:1::/48"]


@settings(deadline=None)
@given(_ADDRESSES_4)
def test_networks_of_one_s_own_are_not_public_however_they_are_wrapped(address: ipaddress.IPv4Address) -> None:
    number, packed = int(address), ipaddress.IPv6Address
    ways = [packed(0xFFFF << 32 | number), packed((0x64FF9B << 96) | number), packed(0x2002 << 112 | number << 80)]
    assert not is_public(str(address)) and is_private_literal(str(address))
    assert not any(is_public(str(way)) for way in ways)


@settings(deadline=None)
@given(st.one_of([st.ip_addresses(network=network) for network in _PRIVATE_6]))
def test_those_of_version_six_neither(address: ipaddress.IPv6Address) -> None:
    assert not is_public(str(address)) and not is_public(f"{address}%eth0")


def test_the_internet_is_public() -> None:
    assert all(map(is_public, ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]))
    assert not is_public("localhost") and not is_public("")
    assert not any(map(is_private_literal, ["example.com", "1.1.1.1", "a.1b"]))
    for host in (
        "localhost",
        "LOCALHOST.",
        "a.local",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "[::1]".strip("[]"),
    ):
        assert is_private_literal(host), host


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1/a.mp4", 403), ("http://[::ffff:10.0.0.1]/", 403), ("https://2130706433/", 403),
        ("http://user@localhost:80/", 403), ("file:///etc/passwd", 422), ("gopher://1.1.1.1/", 422), ("http://", 422),
        ("http://[", 422), ("http://1.1.1.1:99999/", 422), ("http://1.1.1.1/a b", 422), ("http://1.1.1.1/\n", 422),
        ("http://1.1.1.1/" + "a" * 3000, 422), ("rtsp://1.1.1.1/", 422),
    ],
)  # fmt: skip
def test_addresses_that_are_not_taken(url: str, status: int) -> None:
    with pytest.raises(Problem) as problem:
        require_url(url, allow_private=False)
    assert problem.value.status == status and "\n" not in problem.value.detail


_GUARDED = """
import json, socket, sys
from pipeline.serve.public import only_public
found = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, int(sys.argv[1])))] for a in ("1.1.1.1", "127.0.0.1")]
socket.getaddrinfo = lambda *a, **k: found[0] if len(found) == 2 and found.pop(0) is None else found[-1]
only_public()
said = []
import urllib.request, subprocess, os
for go in (
    lambda: urllib.request.urlopen(f"http://rebound.example:{sys.argv[1]}/", timeout=5),
    lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1]))),
    lambda: socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))),
    lambda: socket.socket(socket.AF_INET6).connect(("::1", int(sys.argv[1]))),
    lambda: socket.socket(socket.AF_UNIX).connect("/tmp/none"),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 53)),
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
    lambda: os.fork(),
):
    try:
        go()
        said.append("went")
    except OSError as error:
        said.append(str(getattr(error, "reason", error)))
print(json.dumps(said))
"""


def test_no_connection_is_made_into_one_s_own_network_by_any_way(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = subprocess.run([sys.executable, "-c", _GUARDED, port], capture_output=True, text=True, check=True)
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    said = json.loads(done.stdout)
    assert len(said) == 9 and all("only public" in one for one in said[:6])
    assert all("no other program" in one for one in said[6:])
