"""Video out: an MP4 file with H.264 that plays in any browser, frames at their own times, sound from the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain, groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from ground.disk.files import PART_PREFIX, PART_SUFFIX, write_atomically
from ground.errors import InputError
from ground.frames import Image
from ground.video.stream.container import ffmpeg_name
from pipeline.video.packets import Encoded, VideoFormat, encode
from pipeline.video.sound import write_sound

_STRETCH = 5.0
"""Seconds of pictures that are encoded at once."""
_REORDER = 2
"""Pictures by which x264 decodes ahead of what it shows, with the B-frames that its preset makes."""


def write_video(
    path: Path,
    pictures: Iterable[tuple[float, Image]],
    *,
    frame_rate: Fraction,
    time_base: Fraction | None = None,
    sample_aspect_ratio: Fraction = Fraction(1),
    audio_from: str | Path | None = None,
    start: float = 0.0,
    end: float = float("inf"),
) -> list[str]:
    """Encode ``pictures``, pairs of seconds and RGB uint8 (H, W, 3), all of one size, and write them to ``path``.

    H.264 needs even sizes: an odd picture gets its last column or row twice. The file appears when it is whole.
    time_base: seconds, times are kept to a multiple of it; None: one over ``frame_rate``.
    audio_from: a video whose sound between ``start`` and ``end`` seconds is added. ``start`` becomes 0 s of the result.
    Returns notes on what could not be kept. Raises InputError without pictures, or where it cannot be written.
    """
    iterator = iter(pictures)
    first = next(iterator, None)
    if first is None:
        raise InputError(f"{path}: there are no pictures to write")
    height, width = first[1].shape[:2]
    video = VideoFormat(width, height, frame_rate, time_base or 1 / frame_rate, sample_aspect_ratio)
    shown = ((time - start, image) for time, image in chain([first], iterator))
    stretches = (encode(some, video) for _, some in groupby(shown, key=lambda picture: picture[0] // _STRETCH))
    return join_video(path, stretches, video, audio_from=audio_from, start=start, end=end)


def join_video(
    path: Path,
    stretches: Iterable[Encoded],
    video: VideoFormat,
    *,
    audio_from: str | Path | None = None,
    start: float = 0.0,
    end: float = float("inf"),
) -> list[str]:
    """Write stretches of a video, in order of time, to ``path``; no picture is decoded or encoded.

    audio_from, start, end: as in ``write_video``. The file depends on the packets only, not on who made them when.
    Returns notes on what could not be kept. Raises InputError where it cannot be written.
    """
    with write_atomically(path) as part, ExitStack() as stack:
        sound, notes = _open_sound(stack, path.parent, audio_from, start, end)
        name, options = ffmpeg_name(str(part)), {"movflags": "+faststart"}
        output = stack.enter_context(av.open(name, "w", format="mp4", options=options))
        track = _PictureTrack(output, video)
        heard = _SoundTrack(output, sound) if sound is not None else None
        for stretch in stretches:
            if not len(stretch.size):  # nothing of it could be decoded
                continue
            for packet, time in track.packets(stretch):
                output.mux(packet)
                if heard is not None:
                    heard.mux_until(time)
        if heard is not None:
            heard.mux_until(float("inf"))
    return notes


def _open_sound(
    stack: ExitStack, folder: Path, source: str | Path | None, start: float, end: float
) -> tuple[InputContainer | None, list[str]]:
    """The source's sound, ready for MP4, and notes on what of it is left out."""
    if source is None:
        return None, []
    temporary = stack.enter_context(TemporaryDirectory(prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=folder))
    path = Path(temporary) / "sound.mp4"
    notes = write_sound(str(source), path, start, end - start)
    return (stack.enter_context(av.open(ffmpeg_name(str(path)))) if path.exists() else None), notes


class _PictureTrack:
    """Packets of stretches as those of one stream."""

    def __init__(self, output: OutputContainer, video: VideoFormat) -> None:
        self._stream: Any = output.add_stream("libx264", rate=video.frame_rate)
        video.configure(self._stream.codec_context)  # it encodes nothing, but it tells what all packets need
        self._video = video
        self._shown: npt.NDArray[np.int64] | None = None

    def packets(self, stretch: Encoded) -> Iterator[tuple[Packet[Any], float]]:
        """Each packet, with the time of its picture in seconds."""
        ends = np.cumsum(stretch.size)
        for end, size, pts, dts, is_key in zip(
            ends.tolist(), stretch.size.tolist(), stretch.pts.tolist(), self._decoded(stretch), stretch.is_key.tolist(),
            strict=True,
        ):  # fmt: skip
            packet: Any = Packet(stretch.data[end - size : end].tobytes())
            packet.stream, packet.time_base = self._stream, self._video.time_base
            packet.pts, packet.dts, packet.duration = pts, dts, self._video.frame_duration
            packet.is_keyframe = is_key
            yield packet, float(pts * self._video.time_base)

    def _decoded(self, stretch: Encoded) -> list[int]:
        """When each packet is decoded: _REORDER pictures before one is shown that comes so late in the order."""
        shown = np.sort(stretch.pts)
        if self._shown is None:
            step = self._video.frame_duration
            self._shown = shown[:1] - step * np.arange(_REORDER, 0, -1)
        both = np.concatenate([self._shown, shown])
        self._shown = both[len(both) - _REORDER :]
        return both[: len(shown)].tolist()


class _SoundTrack:
    """Sound that is ready for MP4, muxed along with the pictures."""

    def __init__(self, output: OutputContainer, sound: InputContainer) -> None:
        stream = sound.streams.audio[0]
        self._output = output
        self._target = output.add_stream_from_template(stream)
        self._packets = (packet for packet in sound.demux(stream) if packet.size)
        self._waiting: list[Packet[AudioStream]] = []

    def mux_until(self, time: float) -> None:
        """Write what sounds before ``time``, seconds in the result."""
        for packet in chain(self._waiting, self._packets):
            if packet.pts is not None and float(packet.pts * packet.time_base) > time:
                self._waiting = [packet]
                return
            packet.stream = self._target
            self._output.mux(packet)
        self._waiting = []
