"""Files and addresses opened by FFmpeg, and when what is in them begins."""

from __future__ import annotations

from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from ground.errors import InputError
from ground.pixels import MOST_PIXELS
from ground.video.stream.pipe import TimedPipe, is_pipe

_TIMEOUT = 30.0
"""Seconds that an address or a pipe may stay silent."""
_PROTOCOLS = ("http", "https", "rtsp", "rtmp", "file")
"""What addresses may begin with."""
_NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails
"""What a stream of pictures may be besides a video: a cover, or pictures for a scroll bar."""


def open_container(source: str, timeout: float = _TIMEOUT, **options: str) -> InputContainer:
    """``source``, a path or an address, opened.

    timeout: seconds that an address or a pipe may stay silent. options: of FFmpeg's demuxer. Raises InputError where
    FFmpeg cannot open it, and for an address that is none of http, https, rtsp, rtmp and file.
    """
    protocol, is_address, _ = source.partition("://")
    if is_address and protocol.lower() not in _PROTOCOLS:
        raise InputError(f"{source}: {protocol} is no protocol that videos are read from: {', '.join(_PROTOCOLS)}")
    # Not every title is in UTF-8; and a picture whose name has a %d in it is one picture.
    options = {"pattern_type": "none", "max_pixels": str(MOST_PIXELS), **options}
    try:
        opened = TimedPipe(source, timeout) if is_pipe(source) else ffmpeg_name(source)
        limit = timeout if is_address else None
        return av.open(opened, "r", options=options, timeout=limit, metadata_errors="replace")
    except (OSError, av.FFmpegError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError | av.FFmpegError) else error
        raise InputError(f"{source}: cannot be read as a video ({reason})") from error


def ffmpeg_name(source: str) -> str:
    """``source`` as FFmpeg takes it: a colon in a file's name would make it look for a protocol of that name."""
    return source if "://" in source else f"file:{source}"


def videos_in(container: InputContainer) -> list[VideoStream]:
    """The streams that are videos and have a decoder, the one to watch first: the default one, else the largest."""
    streams = [stream for stream in _all_videos(container) if has_decoder(stream)]
    return sorted(streams, key=lambda s: (not is_default(s), -s.width * s.height))


def why_no_video(container: InputContainer) -> str:
    """What a container holds where it has no video to decode."""
    if _all_videos(container):
        return "its video has a codec that is not known here; convert it, as to H.264"
    return "holds no video" + (", only audio" if container.streams.audio else "")


def _all_videos(container: InputContainer) -> list[VideoStream]:
    if container.format.name == "tty":  # FFmpeg draws any text file as a video
        return []
    return [stream for stream in container.streams.video if not stream.disposition & _NO_VIDEO]


def is_default(stream: Stream) -> bool:
    """Whether the file says that this stream is to be played unless another is asked for."""
    return bool(stream.disposition & Disposition.default)


def has_decoder(stream: Stream) -> bool:
    """Whether this FFmpeg knows the stream's codec."""
    return getattr(stream, "codec_context", None) is not None


def read_only(container: InputContainer, stream: Stream) -> None:
    """Pass over what is not of ``stream``: it need not be read from the disk, or sent."""
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all


def start_of(container: InputContainer) -> Fraction:
    """Seconds at which the container starts: exactly, where it is a stream's start, which FFmpeg rounds to 1 us."""
    rounded = Fraction(container.start_time or 0, av.time_base)  # None, whatever PyAV's stubs say, where unknown
    starts = [s.start_time * s.time_base for s in container.streams if s.start_time is not None and s.time_base]
    nearest = min(starts, key=lambda start: abs(start - rounded), default=rounded)
    return nearest if abs(nearest - rounded) <= Fraction(1, av.time_base) else rounded


def time_base_of(stream: Stream) -> Fraction:
    """Seconds per tick of a stream's time stamps."""
    return stream.time_base or Fraction(1, 90000)
