"""Picture and sound, which came as two files or as a broadcast, in one file: packet by packet, nothing is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from ground.disk.files import write_atomically
from ground.errors import InputError
from ground.video.stream.container import open_container

_IN_MP4 = frozenset({"h264", "hevc", "aac", "mp3"})
"""Codecs that every player expects in MP4; others go into Matroska, which takes all."""


def mux(sources: Sequence[Path], target: Path) -> Path:
    """The first picture and the first sound of ``sources`` -> ``target`` with the suffix of its container.

    Raises InputError where one cannot be read or there is no picture, and where the file cannot be written.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(open_container(str(source))) for source in sources]
        pictures, sounds = ([s for one in opened for s in getattr(one.streams, kind)] for kind in ("video", "audio"))
        streams: list[Any] = [*pictures[:1], *sounds[:1]]
        if not pictures:
            raise InputError(f"{sources[0]}: holds no video")
        is_mp4 = all(stream.codec_context.name in _IN_MP4 for stream in streams)
        path = target.with_suffix(".mp4" if is_mp4 else ".mkv")
        with write_atomically(path) as part:
            _write(part, "mp4" if is_mp4 else "matroska", _containers(streams))
    return path


def _containers(streams: list[Any]) -> list[list[Any]]:
    """The streams by the container that they are in: each is read once."""
    found: dict[int, list[Any]] = {}
    for stream in streams:
        found.setdefault(id(stream.container), []).append(stream)
    return list(found.values())


def _write(path: Path, form: str, groups: list[list[Any]]) -> None:
    try:
        with av.open(str(path), "w", format=form) as output:
            copies = {stream: output.add_stream_from_template(stream) for group in groups for stream in group}
            for _, packet in merge(*map(_packets, groups), key=itemgetter(0)):
                packet.stream = copies[packet.stream]
                output.mux(packet)
    except av.FFmpegError as error:
        raise InputError(f"{path.parent}: what was fetched cannot be joined ({error.strerror})") from error


def _packets(group: list[Any]) -> Iterator[tuple[float, Packet[Any]]]:
    """With their times in seconds, as they are to follow each other in the file."""
    for packet in group[0].container.demux(group):
        if packet.dts is not None:
            yield float(packet.dts * packet.time_base), packet
