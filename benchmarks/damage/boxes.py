"""The boxes that an MP4 file is made of: found, changed, put in."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf"}


@dataclass(frozen=True)
class Box:
    """One box of a file."""

    name: bytes
    start: int
    end: int
    inside: tuple[bytes, ...]
    """The boxes that it lies in, the outermost first."""


def boxes(content: bytes, start: int = 0, end: int | None = None, inside: tuple[bytes, ...] = ()) -> Iterator[Box]:
    """Every box, at every depth, in the order of the file."""
    end = len(content) if end is None else end
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, start)
        box = Box(name, start, min(start + size, end) if size else end, inside)
        yield box
        if name in _PARENTS:
            yield from boxes(content, start + 8, box.end, (*inside, name))
        start = max(box.end, start + 8)


def find(content: bytes, name: bytes) -> Box:
    """The first box of a name."""
    return next(box for box in boxes(content) if box.name == name)


def patched(content: bytes, at: int, layout: str, *values: int) -> bytes:
    """Numbers written over what is at ``at``; layout: as ``struct`` takes it."""
    changed = bytearray(content)
    struct.pack_into(layout, changed, at, *values)
    return bytes(changed)


def with_edit_list(content: bytes, duration: int, media_time: int) -> bytes:
    """An MP4 whose moov comes last and has no edit list, with one. In ticks of the file, and of the track."""
    entry = struct.pack(">I4sIIIiI", 28, b"elst", 0, 1, duration, media_time, 1 << 16)
    edit = struct.pack(">I4s", 8 + len(entry), b"edts") + entry
    header = find(content, b"tkhd")
    grown = content
    for name in (b"moov", b"trak"):
        box = find(content, name)
        grown = patched(grown, box.start, ">I", box.end - box.start + len(edit))
    return grown[: header.end] + edit + grown[header.end :]
