"""Which addresses of the Internet are public, and a process that can connect to no others."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
"""Not wholly known as private before Python 3.11.10."""
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal", ".home.arpa")
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LEAVES = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
"""What would be a way around."""


class PrivateAddressError(PermissionError):
    """A connection to an address that is not public was not made."""


def is_public(address: str) -> bool:
    """Whether an IP address, in figures, is one that the whole Internet knows, and no way to one that it does not.

    False for what is no IP address.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inside = _inside(found)
    return all(map(_is_global, inside)) if inside else _is_global(found)


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    is_special = address.is_multicast or address.is_reserved or address in _PROTOCOLS
    return address.is_global and not is_special and (address.version == 4 or address in _GLOBAL_UNICAST)


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The addresses of version 4 to which one of version 6 leads."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [inner for inner in found if inner is not None]


def is_private_literal(host: str) -> bool:
    """Whether a host is not public as it is written: an IP address in any of its spellings, or a name of one's own."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(_LOCAL_NAMES[1:]):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return _is_odd_number(name)
    return not is_public(name)


def _is_odd_number(name: str) -> bool:
    """Whether a host ends in a number, as ``127.1``, ``2130706433`` and ``0x7f.1`` do: no name of the Internet does."""
    last = name.rpartition(".")[2]
    return last.isdecimal() or (last.startswith("0x") and all(c in "0123456789abcdef" for c in last[2:]))


def only_public() -> None:
    """From now on this process connects to public addresses only, and starts no other: for ever.

    Looked at is the address of each connection itself, when it is made. So neither a name that leads elsewhere the
    second time, nor a redirect, nor a library that goes its own way gets around it.
    """
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _CONNECTS:
        address = arguments[1]
        if not (isinstance(address, tuple) and is_public(str(address[0]))):
            raise PrivateAddressError("this leads into a network of the service's own; only public ones are fetched")
    elif event in _LEAVES:
        raise PermissionError("no other program is started here")
