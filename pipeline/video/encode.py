"""Video out: an MP4 file with H.264 that plays in any browser, frames at their own times, sound from the source."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from ground.errors import InputError
from ground.files import PART_PREFIX, PART_SUFFIX, write_atomically
from ground.frames import Image
from ground.video.container import ffmpeg_name
from pipeline.video.sound import write_sound

_THREADS = 4
"""Of the encoder, which makes other files of other numbers: by itself it takes as many as there are cores. Frames in
threads and not slices of them, which would cost a fifth of the size."""
_X264 = {"preset": "veryfast", "crf": "20", "forced-idr": "1"}
_SECONDS_PER_KEY_FRAME = 2
"""More key frames than x264 makes by itself, so that one can jump about in the video."""
_RATES = Fraction(1), Fraction(240)
"""Frames per second that the encoder is told: beyond them it asks for a level that no player has."""
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
        sound, notes = _open_sound(stack, path.parent, audio_from, start, end)
        name, options = ffmpeg_name(str(part)), {"movflags": "+faststart"}
        output = stack.enter_context(av.open(name, "w", format="mp4", options=options))
        video = _VideoEncoder(output, first[1], frame_rate, time_base or 1 / frame_rate, sample_aspect_ratio)
        track = _Track(output, sound) if sound is not None else None
        for time, image in chain([first], iterator):
            output.mux(video.encode(image, time - start))
            if track is not None:
                track.mux_until(time - start)
        output.mux(video.finish())
        if track is not None:
            track.mux_until(float("inf"))
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


class _VideoEncoder:
    """Pictures to packets of one H.264 stream."""

    def __init__(
        self, container: OutputContainer, first: Image, frame_rate: Fraction, time_base: Fraction, aspect: Fraction
    ) -> None:
        height, width = first.shape[:2]
        rate = min(max(frame_rate, _RATES[0]), _RATES[1])
        stream: Any = container.add_stream("libx264", rate=rate, options=_X264)
        stream.codec_context.thread_count, stream.codec_context.thread_type = _THREADS, "FRAME"
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
        self._next_key = float("-inf")
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
        if time >= self._next_key:
            picture.pict_type = PictureType.I
            self._next_key = time + _SECONDS_PER_KEY_FRAME
        return self._stream.encode(picture)

    def finish(self) -> list[Packet[VideoStream]]:
        """What the encoder still holds."""
        return self._stream.encode(None)


class _Track:
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
