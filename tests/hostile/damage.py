"""Ways to spoil a file, each the same on every run: bytes, values of another type, hostile words, sizes in headers."""

from __future__ import annotations

import copy
import json
import random
import re
import struct
from collections.abc import Iterator
from typing import Any

HOSTILE_VALUES: tuple[Any, ...] = (
    None, True, [], {}, [1], {"a": 1}, "", "x", "-1", "=1+1", "\ud800", "x" * 10_000, "a\nb", "../../etc/passwd",
    "/abs", -1, 0, 2**31, 2**63, 10**30, 1.5, -1e308, float("nan"), float("inf"), [[[]]], [None] * 4, "NaN",
)  # fmt: skip
"""Of every type that JSON has; what a field wants is among them, too."""
HOSTILE_WORDS = (
    "", " ", "x", "-1", "0", "1e400", "nan", "inf", "-inf", "9" * 5000, "1_0", "٣", "1.5", "1,5", "=1+1", "../x",
    "/abs", "x" * 10_000, "a\0b", "true", "2147483648", "1e-320", "'", '"', "#", ";", "\x1b[31m", "\u202e",
    "18446744073709551617",
)  # fmt: skip
_MOST_PLACES = 120
"""Bytes of a file that are tried; of longer files some are chosen, the same each time."""
_MOST_PATHS = 30
"""Values of a JSON document that are tried, likewise."""


def spoiled_bytes(content: bytes) -> Iterator[bytes]:
    """``content`` with a byte changed, and cut short, at every place or at some; and other content altogether."""
    for at in _places(len(content)):
        for value in (content[at] ^ 0x01, content[at] ^ 0x80, 0x00, 0xFF):
            yield content[:at] + bytes([value]) + content[at + 1 :]
        yield content[:at]
        yield content[:at] + content[at : at + 40] * 3 + content[at + 1 :]
    yield from (b"", b"\0", b"\0" * 5000, b"\xff\xfe", b"\xff\xfea", b"\xef\xbb\xbf", b"\xef\xbb\xbf" + content)
    yield from (b"[" * 200_000, b"{" * 200_000, b"<a>" * 100_000, b"," * 200_000, b"\n" * 200_000, b"9" * 200_000)
    yield from (b'"' + b"a" * 200_000, b"PK\x03\x04" + content, content + content, b"%PDF-1.7\n", b"\x93NUMPY")
    yield from (content.decode("utf-8", "replace").encode(code) for code in ("utf-16", "utf-32", "utf-7"))


def spoiled_json(content: bytes) -> Iterator[bytes]:
    """JSON with each value (in long documents: some), at every depth, left out and replaced by every kind of value."""
    document = json.loads(content)
    paths = list(_paths(document))
    for path in paths if len(paths) <= _MOST_PATHS else random.Random(0).sample(paths, _MOST_PATHS):
        for value in HOSTILE_VALUES:
            yield json.dumps(_replaced(document, path, value)).encode()
        yield json.dumps(_replaced(document, path, "@@@")).replace('"@@@"', "9" * 5000).encode()
        yield json.dumps(_replaced(document, path, "@@@")).replace('"@@@"', "1e400").encode()
        if path:
            yield json.dumps(_without(document, path)).encode()


def spoiled_cells(content: bytes) -> Iterator[bytes]:
    """A table with each cell of its first and last lines replaced by hostile words."""
    lines = content.decode().split("\n")
    for row in {0, 1, len(lines) - 2} & set(range(len(lines))):
        cells = lines[row].split(",")
        for column in range(len(cells)):
            for word in HOSTILE_WORDS:
                changed = ",".join([*cells[:column], word, *cells[column + 1 :]])
                yield "\n".join([*lines[:row], changed, *lines[row + 1 :]]).encode("utf-8", "surrogatepass")


def spoiled_values(content: bytes) -> Iterator[bytes]:
    """Text of names and values (XML, TOML, INI) with each quoted text, number and content of an element replaced."""
    text = content.decode()
    for found in re.finditer(r'"[^"\n]*"|(?<=[=:> ])-?[0-9][0-9.]*|(?<=>)[^<>\n]+(?=<)', text):
        for word in HOSTILE_WORDS:
            for new in (word, f'"{word}"') if found[0][0] == '"' else (word,):
                yield (text[: found.start()] + new + text[found.end() :]).encode("utf-8", "surrogatepass")


def spoiled_numpy(content: bytes) -> Iterator[bytes]:
    """A ``.npy`` file whose header claims other shapes, types and sizes than the file has."""
    start = content.index(b"{")
    header, rest = content[start : content.index(b"\n", start)], content[content.index(b"\n", start) + 1 :]
    shape = re.search(rb"\([0-9, ]*\)", header)
    assert shape is not None
    claims = (b"(4000000000000,)", b"(-1,)", b"(0,)", b"()", b"(1e3,)", b"(True,)", b"(2, 9999999, 176, 128, 3)", b"[]")
    headers = [header.replace(shape[0], claim) for claim in claims]
    headers += [header.replace(b"|u1", kind) for kind in (b"|O", b"<f8", b"<U9999999", b"|V0", b"<i4, 9", b"")]
    for changed in [*headers, b"{}", b"{'a': 1}", b"(" * 500, b"1" * 5000, b"9**9**9**9"]:
        padded = changed + b" " * (-len(changed) % 64) + b"\n"
        yield b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded + rest
    yield b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + rest
    yield b"\x93NUMPY\x09\x00" + content[8:]


def _places(length: int) -> list[int]:
    if length <= _MOST_PLACES:
        return list(range(length))
    return sorted({*range(16), *random.Random(length).sample(range(length), _MOST_PLACES - 16)})


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from _paths(part, (*path, key))


def _replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def _without(document: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed
