"""Facts of a container, from its header and its first picture."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ground.video.info import VideoInfo
from ground.video.orientation import Orientation, read_display_matrix
from ground.video.stream.container import is_default, start_of, time_base_of
from ground.video.stream.opening import Opening
from ground.video.stream.rate import measure_rate

_ASPECTS = (Fraction(1, 10), Fraction(10))
"""Pixels narrower or wider than this are a mistake of the header."""


def probe(opening: Opening, choice: int) -> VideoInfo | None:
    """Facts from the header and the first frames; None where no frame can be decoded."""
    stream, container = opening.stream, opening.container
    packets = opening.look_ahead()
    picture = next(opening.pictures, None)
    if picture is None:
        return None
    opening.pictures = chain([picture], opening.pictures)
    tick = time_base_of(stream)
    stamps = [stamp for p in packets if p.size and (stamp := p.dts if p.pts is None else p.pts) is not None]
    orientation, notes = _orientation(picture)
    width, height = picture.width, picture.height
    aspect = _aspect(stream)
    if orientation.is_transposed:
        width, height, aspect = height, width, 1 / aspect
    return VideoInfo(
        width=width,
        height=height,
        frame_rate=measure_rate(stamps, tick, (stream.guessed_rate, stream.average_rate)),
        duration=_duration(container, stream),
        num_frames_claimed=stream.frames,
        codec=stream.codec.canonical_name,
        orientation=orientation,
        has_audio=bool(container.streams.audio),
        time_base=tick,
        sample_aspect_ratio=aspect,
        notes=(*notes, *_notes_on_choice(opening, choice)),
    )


def _orientation(picture: VideoFrame) -> tuple[Orientation, list[str]]:
    matrix = picture.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation(), []
    orientation = read_display_matrix(bytes(matrix))
    if orientation is None:
        return Orientation(), ["the file asks for an angle that is no quarter turn; pictures are as they are stored"]
    return orientation, []


def _aspect(stream: VideoStream) -> Fraction:
    stated = stream.sample_aspect_ratio
    return stated if stated is not None and _ASPECTS[0] <= stated <= _ASPECTS[1] else Fraction(1)


def _notes_on_choice(opening: Opening, choice: int) -> list[str]:
    if opening.num_videos == 1:
        return []
    stream = opening.stream
    reason = "the first that can be decoded" if choice else "the default" if is_default(stream) else "the largest"
    size = f"{stream.width}x{stream.height}"
    return [f"the file holds {opening.num_videos} videos; stream {stream.index} ({size}) is read, {reason}"]


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None:
        end = ((stream.start_time or 0) + stream.duration) * time_base_of(stream)
        return float(end - start_of(container))
    if container.duration is None:
        return None
    tags = {key.lower(): value for key, value in container.metadata.items()}
    # FFmpeg writes into Matroska when the video ends, where others write for how long it goes on.
    is_end = container.format.name.startswith("matroska") and tags.get("encoder", "").startswith("Lavf")
    return container.duration / av.time_base - (float(start_of(container)) if is_end else 0.0)
