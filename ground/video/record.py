"""Streams that pass but once (cameras, pipes, broadcasts), kept in a file as they come, without decoding them.

What is kept can be read as often as the analysis needs, and survives whatever happens to who watches: Matroska can be
read up to where it was cut off. A connection that is lost is made again; the time without it counts.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from ground.disk.files import write_text
from ground.errors import InputError, unwritable
from ground.video.stream.container import open_container, videos_in, why_no_video
from ground.video.stream.pipe import is_pipe

_log = logging.getLogger("courtscribe")

RECORDED, FACTS = "recorded.mkv", "recorded.json"
"""Files in the folder of the results: the stream as it came, and what is to be said of it once it is whole."""
_DEVICE = "device:"
"""Before the name of a capture device, as in ``device:/dev/video0``."""
_DEVICES = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
"""FFmpeg's names for what reads capture devices."""
_ALWAYS_LIVE = ("rtsp://", "rtmp://")
_SILENCE = 10.0
"""Seconds without a packet after which a connection is taken to be lost."""
_PATIENCE = 120.0
"""Seconds for which a lost connection is tried again."""
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two tries, the last one again and again."""
_SEEN_PACKETS = 8
"""Packets by which a stream that begins again from its beginning is known."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A stream that was kept."""

    path: Path
    notes: tuple[str, ...]
    """What was odd about it, a line each."""


def is_live(source: str) -> bool:
    """Whether a source can be read but once: a device, a pipe, RTSP, RTMP, or HTTP that does not tell its length."""
    if source.startswith((_DEVICE, *_ALWAYS_LIVE)) or is_pipe(source):
        return True
    if not source.startswith(("http://", "https://")):
        return False
    with open_container(source) as container:
        return not container.duration


def kept_recording(source: str, folder: Path) -> Recording | None:
    """What was kept of ``source`` in ``folder`` before, whole or cut off; None where nothing was.

    Raises InputError where the folder holds the recording of another source.
    """
    path, facts = folder / RECORDED, folder / FACTS
    if not path.exists():
        return None
    try:
        kept = json.loads(facts.read_bytes())
        of, notes = str(kept["source"]), kept["notes"]
    except (OSError, ValueError, LookupError, TypeError):
        of, notes = "a source that nobody wrote down", None
    if of != source:
        raise InputError(f"{folder}: holds a recording of {of}; choose another folder")
    broken_off = "watching was broken off from outside; this is what was seen until then"
    return Recording(path, (broken_off,) if notes is None else tuple(map(str, notes)))


def record(source: str, folder: Path, duration: float | None, is_over: Callable[[], bool]) -> Recording:
    """Keep ``source`` in ``folder`` until it ends, ``duration`` seconds are over, or ``is_over``.

    ``is_over`` is asked with each packet, so while nothing comes it may take ten seconds. Raises InputError where the
    source cannot be opened or holds no video, and where it cannot be written.
    """
    path, facts = folder / RECORDED, folder / FACTS
    watch = _Watch(source, duration, is_over)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(facts, json.dumps({"source": source, "notes": None}) + "\n")
        watch.keep(path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    except InputError:
        facts.unlink(missing_ok=True)
        raise
    except OSError as error:
        raise unwritable(path, error) from error
    notes = tuple(watch.notes)
    write_text(facts, json.dumps({"source": source, "notes": notes}) + "\n")
    return Recording(path, notes)


class _Watch:
    """One watching of a source, over as many connections as it takes."""

    def __init__(self, source: str, duration: float | None, is_over: Callable[[], bool]) -> None:
        self.notes: list[str] = []
        self._source, self._is_over = source, is_over
        self._end = float("inf") if duration is None else duration
        self._offset = Fraction(0)
        """Seconds at which the connection that is open began, since the first one."""
        self._last = Fraction(0)
        """Seconds at which the last packet ends."""
        self._first: Fraction | None = None
        """Time stamp in seconds at which the connection that is open began."""

    def keep(self, path: Path) -> None:
        with self._open() as container, av.open(str(path), "w", format="matroska") as output:
            streams = _copied(container, output)
            beginning, before = self._copy(container, output, streams), _formats(container)
            while (again := self._again()) is not None:
                with again:
                    now = _formats(again)
                    matched = {index: stream for index, stream in streams.items() if now.get(index) == before[index]}
                    if not any(stream.type == "video" for stream in matched.values()):
                        self.notes.append("it came back as another kind of video, which was not watched")
                        break
                    if not self._copy(again, output, matched, beginning):
                        self.notes.pop()  # a file, served from its beginning again
                        break
        if not self._last:
            path.unlink(missing_ok=True)
            raise InputError(f"{self._source}: ended before anything was seen")

    def _open(self) -> InputContainer:
        if self._source.startswith(_DEVICE):
            return _open_device(self._source.removeprefix(_DEVICE))
        container = open_container(self._source, timeout=_SILENCE)
        if not videos_in(container):
            reason = why_no_video(container)
            container.close()
            raise InputError(f"{self._source}: {reason}")
        return container

    def _copy(
        self, container: InputContainer, output: OutputContainer, streams: dict[int, Stream], beginning: str = ""
    ) -> str:
        """Copy packets until the connection ends -> what its beginning is known by; empty where it is ``beginning``."""
        held: list[Packet[Any]] = []
        digest, known = hashlib.sha256(), ""
        for packet in self._packets(container, streams):
            if not known:
                held.append(packet)
                digest.update(bytes(packet))
                if len(held) < _SEEN_PACKETS:
                    continue
                known = digest.hexdigest()
                if known == beginning:
                    return ""
            for waiting in held or [packet]:
                self._write(waiting, output, streams)
            held = []
            if self._last >= self._end or self._is_over():
                break
        for waiting in held:
            self._write(waiting, output, streams)
        return known or digest.hexdigest()

    def _packets(self, container: InputContainer, streams: dict[int, Stream]) -> Iterator[Packet[Any]]:
        try:
            for packet in container.demux([container.streams[index] for index in streams]):
                if packet.dts is not None:
                    yield packet
                if self._is_over():
                    return
        except (av.FFmpegError, OSError) as error:
            _log.warning("%s: %s", self._source, getattr(error, "strerror", None) or error)

    def _write(self, packet: Packet[Any], output: OutputContainer, streams: dict[int, Stream]) -> None:
        base, dts = packet.time_base, packet.dts or 0
        if self._first is None:
            self._first = dts * base
        shift = self._offset - self._first
        begins = dts * base + shift
        if begins < 0 or float(begins) >= self._end:
            self._last = max(self._last, begins)
            return
        packet.pts = None if packet.pts is None else packet.pts + round(shift / base)
        packet.dts = dts + round(shift / base)
        self._last = max(self._last, begins + (packet.duration or 0) * base)
        packet.stream = streams[packet.stream.index]
        output.mux(packet)

    def _again(self) -> InputContainer | None:
        """Another connection after one that ended; None where watching is over, or it cannot be had."""
        if self._last >= self._end or self._is_over() or self._source.startswith(_DEVICE) or is_pipe(self._source):
            return None
        lost = time.monotonic()
        for number in range(10_000):
            pause = _PAUSES[min(number, len(_PAUSES) - 1)]
            if time.monotonic() + pause - lost > _PATIENCE or self._slept(pause):
                return None
            try:
                container = self._open()
            except InputError:
                continue
            gap = time.monotonic() - lost
            self.notes.append(f"for {gap:.1f} s from {float(self._last):.1f} s on there was no connection")
            _log.warning("%s: connected again after %.1f s", self._source, gap)
            self._offset, self._first = self._last + Fraction(round(1000 * gap), 1000), None
            return container
        return None

    def _slept(self, seconds: float) -> bool:
        """Wait -> whether watching is over meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._is_over():
                return True
            time.sleep(0.1)
        return False


def _open_device(name: str) -> InputContainer:
    kind = _DEVICES.get(sys.platform)
    if kind is None or kind not in av.formats_available:
        raise InputError(
            f"{_DEVICE}{name}: this FFmpeg cannot open capture devices; let another write to a pipe and analyse that: "
            f"mkfifo court; ffmpeg -f {kind or 'DEVICE'} -i {name} -c:v libx264 -f matroska court"
        )
    try:
        return av.open(name, "r", format=kind)
    except (OSError, av.FFmpegError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError | av.FFmpegError) else error
        raise InputError(f"{_DEVICE}{name}: cannot be opened as a capture device ({reason})") from error


def _copied(container: InputContainer, output: OutputContainer) -> dict[int, Stream]:
    """The streams that are kept, by index: the video to watch first, and the first sound."""
    wanted: list[Any] = [videos_in(container)[0], *container.streams.audio[:1]]
    return {stream.index: output.add_stream_from_template(stream) for stream in wanted}


def _formats(container: InputContainer) -> dict[int, tuple[object, ...]]:
    """What must stay of each stream, by index, for a decoder to go on after another connection."""
    contexts: dict[int, Any] = {stream.index: getattr(stream, "codec_context", None) for stream in container.streams}
    names = ("type", "name", "width", "height", "sample_rate")
    return {index: tuple(getattr(context, name, None) for name in names) for index, context in contexts.items()}
