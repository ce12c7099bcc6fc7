"""Video out: an MP4 file with H.264 that plays in any browser, frames at their own times, sound from the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from ground.errors import InputError
from ground.files import write_atomically
from ground.frames import Image
from ground.video.container import ffmpeg_name, start_of

_X264 = {"preset": "veryfast", "crf": "20"}
_SECONDS_PER_KEY_FRAME = 2
"""More key frames than x264 makes by itself, so that one can jump about in the video."""
_COPIED_AUDIO = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}
"""Codecs that MP4 takes as they are; anything else becomes AAC."""
_AAC_RATES = {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}
_BT709, _SMPTE170M = 1, 6
"""AVColorSpace, AVColorPrimaries and AVColorTransferCharacteristic of high and standard definition."""


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
    with write_atomically(path) as part, ExitStack() as stack:
        source = _open_sound(stack, audio_from)
        name, options = ffmpeg_name(str(part)), {"movflags": "+faststart"}
        output = stack.enter_context(av.open(name, "w", format="mp4", options=options))
        video = _VideoEncoder(output, first[1], frame_rate, time_base or 1 / frame_rate, sample_aspect_ratio)
        sound = _Sound(output, source, start, end) if source is not None else None
        for time, image in chain([first], iterator):
            output.mux(video.encode(image, time - start))
            if sound is not None:
                sound.mux_until(time - start)
        output.mux(video.finish())
        if sound is not None:
            sound.mux_until(float("inf"))
    return [] if sound is None else sound.notes


def _open_sound(stack: ExitStack, source: str | Path | None) -> InputContainer | None:
    """The source, if it has sound."""
    if source is None:
        return None
    try:
        container = stack.enter_context(av.open(ffmpeg_name(str(source)), "r"))
    except av.FFmpegError as error:
        raise InputError(f"{source}: its sound cannot be read ({error.strerror})") from error
    return container if container.streams.audio else None


class _VideoEncoder:
    """Pictures to packets of one H.264 stream."""

    def __init__(
        self, container: OutputContainer, first: Image, frame_rate: Fraction, time_base: Fraction, aspect: Fraction
    ) -> None:
        height, width = first.shape[:2]
        gop = {"g": str(max(1, round(frame_rate * _SECONDS_PER_KEY_FRAME)))}
        stream: Any = container.add_stream("libx264", rate=frame_rate, options=_X264 | gop)
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        context = stream.codec_context
        context.time_base, context.sample_aspect_ratio = time_base, aspect
        context.colorspace = _BT709 if height >= 720 else _SMPTE170M
        context.color_primaries = context.color_trc = _BT709
        context.color_range = int(ColorRange.MPEG)
        self._matrix = Colorspace.ITU709 if height >= 720 else Colorspace.SMPTE170M
        self._stream: VideoStream = stream
        self._size = (height, width)
        self._time_base = time_base
        self._frame_duration = max(1, round(1 / frame_rate / time_base))
        self._last_pts: int | None = None
        self._reformatter = VideoReformatter()

    def encode(self, image: Image, time: float) -> list[Packet[VideoStream]]:
        """``time``: seconds in the result."""
        if image.shape[:2] != self._size:
            raise ValueError(f"a picture of {image.shape} in a video of {self._size}")
        pts = round(Fraction(time) / self._time_base)
        pts = pts if self._last_pts is None else max(pts, self._last_pts + 1)
        self._last_pts = pts
        height, width = self._size
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = self._reformatter.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24"),
            format="yuv420p",
            dst_colorspace=self._matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
        picture.pts, picture.time_base, picture.duration = pts, self._time_base, self._frame_duration
        return self._stream.encode(picture)

    def finish(self) -> list[Packet[VideoStream]]:
        """What the encoder still holds."""
        return self._stream.encode(None)


class _Sound:
    """The sound of a span of a source, copied or made AAC, muxed along with the pictures."""

    def __init__(self, output: OutputContainer, source: InputContainer, start: float, end: float) -> None:
        stream = source.streams.audio[0]
        self.notes: list[str] = []
        self._output = output
        self._tick = stream.time_base or Fraction(1, stream.rate)
        self._shift = round((start_of(source) + Fraction(start)) / self._tick)
        self._length = end - start
        copied = stream.codec.canonical_name in _COPIED_AUDIO
        self._packets = self._copied(source, stream) if copied else self._encoded(source, stream)
        self._target = output.add_stream_from_template(stream) if copied else _add_aac(output, stream)
        self._waiting: list[Packet[Any]] = []
        if start > 0:
            source.seek(int(max(0.0, start - 2.0) * av.time_base) + int(start_of(source) * av.time_base))

    def mux_until(self, time: float) -> None:
        """Write what sounds before ``time``, seconds in the result."""
        for packet in chain(self._waiting, self._packets):
            if packet.pts is not None and float(packet.pts * packet.time_base) > time:
                self._waiting = [packet]
                return
            try:
                self._output.mux(packet)
            except av.ArgumentError:  # its time goes back
                self._note("some sound is left out, as its times are out of order")
        self._waiting = []

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _in_span(self, item: Packet[AudioStream] | AudioFrame, duration: int) -> bool:
        """Whether an item, already shifted, sounds within the span."""
        assert item.pts is not None
        return item.pts + duration > 0 and float(item.pts * self._tick) < self._length

    def _copied(self, source: InputContainer, stream: AudioStream) -> Iterator[Packet[Any]]:
        for packet in _readable(source, stream):
            if packet.pts is None or packet.dts is None:
                continue
            packet.pts, packet.dts = packet.pts - self._shift, packet.dts - self._shift
            if packet.is_discard and packet.pts >= 0:
                continue
            # One packet more in front: a codec needs it to begin well, and the file says that it is not to be heard.
            if self._in_span(packet, 2 * (packet.duration or 0)):
                packet.stream = self._target
                yield packet
            elif packet.pts > 0:
                return

    def _encoded(self, source: InputContainer, stream: AudioStream) -> Iterator[Packet[Any]]:
        for packet in _readable(source, stream):
            try:
                sounds = stream.decode(packet)
            except av.FFmpegError as error:
                self._note(f"some sound cannot be decoded ({error.strerror})")
                continue
            for sound in sounds:
                if sound.pts is None:
                    continue
                sound.pts -= self._shift
                if self._in_span(sound, sound.samples):
                    yield from self._target.encode(sound)
                elif sound.pts > 0:
                    yield from self._target.encode(None)
                    return
        yield from self._target.encode(None)


def _readable(source: InputContainer, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    """Packets up to the end, or to where the file is broken: the pictures say so already."""
    packets = source.demux(stream)
    with suppress(av.FFmpegError):
        yield from packets


def _add_aac(output: OutputContainer, stream: AudioStream) -> Any:
    rate = stream.rate if stream.rate in _AAC_RATES else 48000
    return output.add_stream("aac", rate=rate, layout=stream.layout.name)
