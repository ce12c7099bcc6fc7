"""Containers that FFmpeg opens, decoded: pictures with their true times and their place in the whole video."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from itertools import chain, dropwhile

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream

from ground.errors import InputError
from ground.frames import Frame, Image

_log = logging.getLogger(__name__)

_TIMEOUT = 30.0
"""Seconds that a URL may stay silent."""
_UNSPECIFIED = 2
"""AVCOL_SPC_UNSPECIFIED: the video does not say by which matrix its colours are coded."""
_CODECS_WITH_HIDDEN_PACKETS = {"vp8"}
"""Some of their packets hold nothing to show, so frames cannot be counted without decoding."""
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video says about itself, and what its first frame shows."""

    width: int
    """Pixels, after rotation."""
    height: int
    """Pixels, after rotation."""
    frame_rate: Fraction
    """Nominal frames per second. True times are those of the frames; the rate may vary."""
    duration: float | None
    """Seconds from the start of the video to the end of its last frame, as claimed; None: unknown."""
    num_frames_claimed: int
    """What the container claims, which may be more than can be shown; 0: it claims nothing."""
    codec: str
    rotation: int
    """Degrees counter-clockwise by which the stored pictures are turned to be shown: 0, 90, 180 or 270."""
    has_audio: bool
    time_base: Fraction
    """Seconds per tick of the stream's time stamps."""
    sample_aspect_ratio: Fraction
    """Width to height of a pixel, after rotation. Pixels are given as they are stored, not stretched."""


class ContainerReader:
    """Reads what FFmpeg opens."""

    def __init__(self, source: str) -> None:
        self._source = source

    def probe(self) -> VideoInfo:
        """Facts, from opening it and decoding one frame."""
        with self._open() as container:
            stream = self._stream(container)
            picture = next(_decode(container, stream, _Losses()), None)
            if picture is None:
                raise InputError(f"{self._source}: no frame of this video can be decoded")
            rotation = self._rotation(picture)
            sideways = rotation in (90, 270)
            aspect = stream.sample_aspect_ratio or Fraction(1)
            return VideoInfo(
                width=picture.height if sideways else picture.width,
                height=picture.width if sideways else picture.height,
                frame_rate=_frame_rate(stream),
                duration=_duration(container, stream),
                num_frames_claimed=stream.frames,
                codec=stream.codec.canonical_name,
                rotation=rotation,
                has_audio=bool(container.streams.audio),
                time_base=_time_base(stream),
                sample_aspect_ratio=1 / aspect if sideways else aspect,
            )

    def read(self, info: VideoInfo, start: float, end: float, notes: list[str]) -> Iterator[Frame]:
        """Frames from ``start`` to before ``end`` (seconds); what is odd is appended to ``notes``.

        A frame that cannot be decoded is left out and keeps its index.
        """
        counted = self._count_frames_before(start)
        index = counted or 0
        num_read = num_damaged = num_lost = 0
        time = 0.0
        losses = _Losses()
        convert = _Converter(info)
        for time, picture, losses in self._decode_near(start if index else 0.0):
            if time >= end:
                break
            newly_lost, num_lost = losses.num_lost - num_lost, losses.num_lost
            if time < start and counted is not None:
                continue
            index += newly_lost
            if time >= start:
                yield Frame(index, time, convert(picture))
                num_read += 1
                num_damaged += picture.is_corrupt
            index += 1
        if not num_read:
            raise InputError(f"{self._source}: no frame between {start:g} s and {min(end, info.duration or end):g} s")
        notes += _notes_of_damage(losses.num_lost, num_damaged)
        if time < end:
            notes += _notes_at_end(info, time, index - num_lost)
        for note in notes:
            _log.info("%s: %s", self._source, note)

    def _open(self) -> InputContainer:
        try:
            return av.open(ffmpeg_name(self._source), "r", timeout=_TIMEOUT if "://" in self._source else None)
        except av.FFmpegError as error:
            raise InputError(f"{self._source}: cannot be read as a video ({error.strerror})") from error

    def _stream(self, container: InputContainer) -> VideoStream:
        for stream in container.streams.video:
            if not stream.disposition & Disposition.attached_pic and container.format.name != "tty":
                stream.thread_type = "AUTO"  # type: ignore[assignment]
                return stream
        raise InputError(f"{self._source}: holds no video" + (", only audio" if container.streams.audio else ""))

    def _decode_near(self, start: float) -> Iterator[tuple[float, VideoFrame, _Losses]]:
        """Times and pictures, from ``start`` or somewhat earlier, if need be from the beginning."""
        # A seek may land after the time asked for: some containers seek by decoding time, some guess.
        for seconds_back in (0.0, 2.0, 16.0, None) if start > 0 else (None,):
            with self._open() as container:
                stream = self._stream(container)
                clock, losses = _Clock(container, stream), _Losses()
                pictures = _decode(container, stream, losses)
                if seconds_back is not None:
                    if not _seek(container, stream, clock.pts(max(start - seconds_back, 0.0))):
                        continue
                    pictures = dropwhile(lambda picture: not picture.key_frame, pictures)
                timed = ((clock.time_of(picture), picture, losses) for picture in pictures)
                first = next(timed, None)
                if seconds_back is None or (first is not None and first[0] <= start):
                    yield from chain([first] if first else [], timed)
                    return

    def _rotation(self, picture: VideoFrame) -> int:
        turns = round(picture.rotation / 90)
        if abs(picture.rotation - 90 * turns) > 1:  # FFmpeg's angle is a float, cut to an int
            _log.warning("%s: rotation by about %d degrees is ignored", self._source, picture.rotation)
            return 0
        return turns % 4 * 90

    def _count_frames_before(self, start: float) -> int | None:
        """Frames shown before ``start``, counted without decoding; None where that cannot be known."""
        if start <= 0:
            return 0
        num_before = 0
        first: int | None = None
        with self._open() as container:
            stream = self._stream(container)
            if stream.codec.canonical_name in _CODECS_WITH_HIDDEN_PACKETS:
                return None
            clock = _Clock(container, stream)
            for packet in container.demux(stream):
                if packet.size == 0:
                    continue
                if packet.pts is None or packet.dts is None:
                    return None
                if clock.seconds(packet.dts) >= start:  # nothing that follows is shown before it is decoded
                    break
                if first is None and not packet.is_keyframe:
                    continue
                first = packet.pts if first is None else first
                shown = packet.pts >= first and not packet.is_discard
                num_before += shown and clock.seconds(packet.pts) < start
        return num_before


class _Clock:
    """Seconds since the start of the video, as a player shows them, from a stream's time stamps."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._tick = _time_base(stream)
        self._start = start_of(container)
        self._period = 1 / _frame_rate(stream)
        self._last: Fraction | None = None

    def seconds(self, pts: int) -> float:
        return float(pts * self._tick - self._start)

    def pts(self, seconds: float) -> int:
        return int((Fraction(seconds) + self._start) / self._tick)

    def time_of(self, picture: VideoFrame) -> float:
        """Seconds; a picture without a time stamp, or with one that goes back, follows the one before."""
        pts = picture.dts if picture.pts is None else picture.pts
        time = Fraction(0) if pts is None else pts * self._tick - self._start
        if self._last is not None and (pts is None or time <= self._last):
            time = self._last + self._period
        self._last = time
        return float(time)


class _Converter:
    """Decoded pictures to read-only RGB arrays of one size."""

    def __init__(self, info: VideoInfo) -> None:
        sideways = info.rotation in (90, 270)
        self._size = (info.height, info.width) if sideways else (info.width, info.height)
        self._turn = _TURNS.get(info.rotation)
        self._reformatter = VideoReformatter()

    def __call__(self, picture: VideoFrame) -> Image:
        width, height = self._size
        # Players take high definition of unknown matrix for BT.709; FFmpeg would take it for BT.601.
        unknown_hd = picture.colorspace == _UNSPECIFIED and height >= 720
        rgb = self._reformatter.reformat(
            picture, width, height, "rgb24", src_colorspace=Colorspace.ITU709 if unknown_hd else None
        )
        image = np.asarray(rgb.to_ndarray(), np.uint8)
        if self._turn is not None:
            image = np.asarray(cv2.rotate(image, self._turn), np.uint8)
        image.flags.writeable = False
        return image


class _Losses:
    """Counts the packets that no picture came of, once the decoder has complained.

    It complains of the first one only, and keeps back without a word what depends on it. A decoder that never
    complains is not counted: some codecs have packets that hold no picture.
    """

    def __init__(self) -> None:
        self.num_lost = 0
        self._complained = False
        self._awaited: list[int] = []

    def sent(self, packet: Packet[VideoStream]) -> None:
        if packet.size and packet.pts is not None and not packet.is_discard:
            heappush(self._awaited, packet.pts)

    def complained(self) -> None:
        self._complained = True

    def got(self, picture: VideoFrame) -> None:
        while self._awaited and picture.pts is not None and self._awaited[0] <= picture.pts:
            lost = heappop(self._awaited) < picture.pts
            self.num_lost += lost and self._complained

    def ended(self) -> None:
        self.num_lost += len(self._awaited) if self._complained else 0


def _decode(container: InputContainer, stream: VideoStream, losses: _Losses) -> Iterator[VideoFrame]:
    """Every picture that can be decoded, in the order in which they are shown."""
    packets = container.demux(stream)
    ended = False
    while not ended:
        packet = None
        try:
            packet = next(packets, None)
        except av.FFmpegError:  # cut off; the length of the video tells
            losses.complained()
        ended = packet is None or packet.size == 0  # the empty packet at the end makes the decoder give its last
        if packet is not None:
            losses.sent(packet)
        try:
            for picture in stream.decode(packet):
                losses.got(picture)
                yield picture
        except av.FFmpegError:
            losses.complained()
    losses.ended()


def _seek(container: InputContainer, stream: VideoStream, pts: int) -> bool:
    try:
        container.seek(pts, stream=stream)
    except av.FFmpegError:
        return False
    return True


def ffmpeg_name(source: str) -> str:
    """``source`` as FFmpeg takes it: a colon in a file's name would make it look for a protocol of that name."""
    return source if "://" in source else f"file:{source}"


def _time_base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, 90000)


def _frame_rate(stream: VideoStream) -> Fraction:
    """The average rate; or the nominal one where it is near, as the average counts frames that are never shown."""
    average, nominal = stream.average_rate, stream.guessed_rate
    if average and nominal and abs(nominal / average - 1) < Fraction(1, 5):
        return nominal
    return average or nominal or Fraction(25)


def start_of(container: InputContainer) -> Fraction:
    """Seconds at which the container starts: exactly, where it is a stream's start, which FFmpeg rounds to 1 us."""
    rounded = Fraction(container.start_time or 0, av.time_base)  # None, whatever PyAV's stubs say, where unknown
    starts = [s.start_time * s.time_base for s in container.streams if s.start_time is not None and s.time_base]
    nearest = min(starts, key=lambda start: abs(start - rounded), default=rounded)
    return nearest if abs(nearest - rounded) <= Fraction(1, av.time_base) else rounded


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None:
        end = ((stream.start_time or 0) + stream.duration) * _time_base(stream)
        return float(end - start_of(container))
    return None if container.duration is None else container.duration / av.time_base


def _notes_of_damage(num_lost: int, num_damaged: int) -> list[str]:
    notes: list[str] = []
    if num_lost:
        notes.append(f"frames that cannot be decoded and are left out: {num_lost}")
    if num_damaged:
        notes.append(f"frames that are damaged and used as far as they can be decoded: {num_damaged}")
    return notes


def _notes_at_end(info: VideoInfo, last: float, num_frames: int) -> list[str]:
    notes: list[str] = []
    if num_frames < info.num_frames_claimed:
        notes.append(f"the container claims {info.num_frames_claimed} frames, {num_frames} can be shown")
    if info.duration is not None and last + 2.5 / info.frame_rate < info.duration:
        notes.append(f"the video ends early: its last frame is at {last:.3f} s of {info.duration:.3f} s")
    return notes
