"""Video in: frames with their true times, decoded in a thread ahead of whoever asks for them.

A source is anything FFmpeg opens (a file of any codec, a URL), a directory of images, or a pattern of their names. It
can be read any number of times, also at once; a reading keeps a few frames in memory, however long the video is.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from ground.frames import Frame
from ground.prefetch import Prefetch, prefetch
from ground.video.decode import ContainerReader
from ground.video.images import ImageReader
from ground.video.info import VideoInfo
from ground.video.parts import Part, ReadingLog, cut_parts
from ground.video.sequence import checked_rate, is_sequence

_log = logging.getLogger("courtscribe")

__all__ = ["VideoInfo", "VideoSource", "open_video"]


class _Reader(Protocol):
    """One kind of source."""

    def probe(self) -> VideoInfo:
        """Facts, from opening it and decoding one frame."""
        ...

    def read(self, info: VideoInfo, start: float, end: float, notes: list[str]) -> Iterator[Frame]:
        """Frames from ``start`` to before ``end`` (seconds); what is odd is appended to ``notes``."""
        ...

    def frame_times(self) -> npt.NDArray[np.float64] | None:
        """When each frame is shown, seconds, without decoding; None where that cannot be known."""
        ...

    def read_parts(self, info: VideoInfo, parts: Sequence[Part]) -> Iterator[Frame]:
        """The frames of parts that follow each other."""
        ...

    def notes_on_parts(self, info: VideoInfo, log: ReadingLog) -> list[str]:
        """What was odd about reading parts."""
        ...

    def close(self) -> None:
        """Let go of what probing opened."""
        ...


_RATE_OF_PICTURES = "the frame rate given is left out: it is for pictures in a folder, and a video has its own times"


class VideoSource:
    """A video to read: ``for frame in source`` gives tracker.types.Frame, each time from the beginning.

    Images are uint8 (H, W, 3) RGB, read-only, turned as they are to be shown. A frame's index is its position in
    the whole video, also when reading begins later. As a context manager it ends readings that were left unfinished;
    one that goes on in another thread then gets a ValueError.
    """

    source: str
    """As it was given: a path or a URL."""
    info: VideoInfo
    start: float
    """Seconds, inclusive."""
    end: float
    """Seconds, exclusive; may be infinite."""
    notes: list[str]
    """What is odd about the video, and was in the reading that ended last (unreadable frames, an early end)."""

    def __init__(self, source: str, reader: _Reader, start: float | None = None, end: float | None = None) -> None:
        """Use ``open_video``."""
        self.start, self.end = start or 0.0, float("inf") if end is None else end
        self.source = source
        self._reader = reader
        self._readings: weakref.WeakSet[Prefetch[Frame]] = weakref.WeakSet()
        if self.end <= max(self.start, 0.0):
            raise InputError(f"the end, {self.end:g} s, is not after the start, {self.start:g} s")
        self.info = reader.probe()
        self.notes = list(self.info.notes)
        if self.info.duration is not None and self.start >= self.info.duration:
            reader.close()
            raise InputError(f"the start, {self.start:g} s, is not before the video's end, {self.info.duration:.3f} s")

    def __iter__(self) -> Iterator[Frame]:
        reading = prefetch(self._read())
        self._readings.add(reading)
        return reading

    def _read(self) -> Iterator[Frame]:
        notes = list(self.info.notes)  # of this reading alone: another may go on at the same time
        yield from self._reader.read(self.info, self.start, self.end, notes)
        self.notes = notes

    def plan(self, seconds: float | None = None) -> tuple[Part, ...] | None:
        """The parts of what is to be read, from one scan without decoding; None where it can only be read as it comes.

        Streams that cannot be read again have no plan.
        """
        path = Path(self.source)
        if "://" in self.source or not (is_sequence(path) or path.is_file()):
            return None
        times = self._reader.frame_times()
        return None if times is None else cut_parts(times, self.info.frame_rate, self.start, self.end, seconds)

    def read_parts(self, parts: Sequence[Part]) -> Iterator[Frame]:
        """The frames of parts of its plan that follow each other, decoded in a thread; what cannot be is left out.

        Raises UnplannedError where other frames are shown than the packets promised.
        """
        reading = prefetch(self._reader.read_parts(self.info, parts))
        self._readings.add(reading)
        return reading

    def notes_on_parts(self, log: ReadingLog) -> list[str]:
        """What was odd about the video and about reading parts of it, a line each; said in the log, too.

        Raises InputError where none of their frames could be read.
        """
        notes = [*self.info.notes, *self._reader.notes_on_parts(self.info, log)]
        for note in notes:
            _log.info("%s: %s", Path(self.source).name, note)
        return notes

    @property
    def num_frames(self) -> int | None:
        """How many frames a reading will give, about; None where nothing is known."""
        if self.info.duration is None:
            return None
        return max(1, round((min(self.end, self.info.duration) - self.start) * self.info.frame_rate))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for reading in list(self._readings):
            reading.close()
        self._reader.close()


def open_video(
    source: str | Path,
    start: float | None = None,
    end: float | None = None,
    *,
    image_rate: Fraction | float | None = None,
) -> VideoSource:
    """A file, a URL, or a directory of images or pattern of their names (in natural order) to read frames from.

    start, end: seconds; frames shown from ``start`` on and before ``end`` are read, None: all.
    image_rate: images per second, None: what a ``seqinfo.ini`` beside them says, else 25; videos have their own times.
    Raises InputError where there is no such file, no video in it, or no frame that can be decoded; reading raises
    it where the span holds no frame, and for an image of another size.
    """
    name = str(source)
    if "://" in name:
        return VideoSource(name, ContainerReader(name), start, end)
    path, rate = Path(source), None if image_rate is None else checked_rate(image_rate)
    try:
        if is_sequence(path):
            return VideoSource(name, ImageReader(path, rate), start, end)
        is_there = path.exists()
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from error
    if not is_there:
        raise InputError(f"{name}: no such file")
    video = VideoSource(name, ContainerReader(name), start, end)
    if rate is not None:
        video.info = replace(video.info, notes=(*video.info.notes, _RATE_OF_PICTURES))
        video.notes = list(video.info.notes)
    return video
