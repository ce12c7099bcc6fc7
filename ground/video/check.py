"""Whether a file of a stranger is a video to be read at all: told by its content, within limits, from one reading.

What FFmpeg knows besides videos is refused by name: playlists and lists of files, which would have it open others,
pictures, and texts. Memory and time are for the caller to limit, by doing this in a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from ground.errors import InputError
from ground.video.stream.container import open_container, start_of, videos_in, why_no_video

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,live_flv,asf,ogg,mxf"
"""FFmpeg's names of those that hold one video and name no other file."""
_MOST_RATE = 240
"""Frames per second; more of them than that would be decoded for longer than the video is long."""
_MOST_STREAMS = 64


@dataclass(frozen=True, slots=True)
class Checked:
    """What a video was found to be."""

    seconds: float
    width: int
    height: int
    """Pixels."""
    num_frames: int
    """Packets of the video."""
    codec: str
    container: str
    """FFmpeg's name."""


def check_video(path: Path, most_seconds: float, most_pixels: int) -> Checked:
    """What the video in ``path`` is. most_seconds, most_pixels: it may have, by what it claims and by what it holds.

    Raises InputError for what is no container of a video, has none or too much of one, or no frame that is decoded.
    """
    try:
        container = open_container(
            str(path),
            format_whitelist=_CONTAINERS,
            protocol_whitelist="file",
            max_streams=str(_MOST_STREAMS),
            max_pixels=str(most_pixels),
        )
    except InputError as error:
        raise InputError(f"is no video of a kind that is taken here ({_reason(error)})") from error
    with container:
        videos = videos_in(container)
        if not videos:
            raise InputError(why_no_video(container))
        for video in videos:
            _require_pixels(video.width, video.height, most_pixels)
        _require_seconds(_claimed(container), most_seconds)
        try:
            return _read(container, videos[0], most_seconds, most_pixels)
        except (av.FFmpegError, OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _reason(error: InputError) -> str:
    cause = error.__cause__
    return str(getattr(cause, "strerror", None) or cause or error)


def _claimed(container: InputContainer) -> float:
    return float((container.duration or 0) / av.time_base)


def _read(container: InputContainer, video: VideoStream, most_seconds: float, most_pixels: int) -> Checked:
    """Decode the first picture, and count the packets of all."""
    video.codec_context.thread_count = 1
    start, count, last, picture = float(start_of(container)), 0, 0.0, None
    for packet in container.demux(video):
        if picture is None:
            picture = next(iter(_decoded(video, packet)), None)
        if packet.size == 0:
            continue
        count += 1
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is not None:
            last = max(last, float((stamp + (packet.duration or 0)) * packet.time_base) - start)
        _require_seconds(last, most_seconds)
        if count > most_seconds * _MOST_RATE:
            raise InputError(f"has more than {most_seconds * _MOST_RATE:.0f} frames, which is the limit here")
    if picture is None:
        raise InputError("no frame of this video can be decoded")
    _require_pixels(picture.width, picture.height, most_pixels)
    size = picture.width, picture.height
    return Checked(last, *size, count, video.codec.canonical_name, container.format.name)


def _decoded(video: VideoStream, packet: Any) -> list[Any]:
    """The pictures of a packet; none where it is damaged, as the first ones of a broadcast are."""
    try:
        return list(video.codec_context.decode(packet if packet.size else None))
    except av.FFmpegError:
        return []


def _require_pixels(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise InputError(f"its pictures have {width}x{height} pixels, more than {most}, which is the limit here")


def _require_seconds(seconds: float, most: float) -> None:
    if seconds > most:
        raise InputError(f"is {seconds:.0f} s long or longer, more than {most:.0f} s, which is the limit here")
