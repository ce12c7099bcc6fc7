"""Video in: frames with their true times, decoded in a thread ahead of whoever asks for them.

A source is anything FFmpeg opens (a file of any codec, a URL) or a directory of images. It can be read
any number of times; every reading opens it anew and keeps a few frames in memory, however long it is.
"""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Self

from ground.errors import InputError
from ground.frames import Frame
from ground.prefetch import prefetch
from ground.video.decode import ContainerReader, VideoInfo
from ground.video.images import ImageReader

__all__ = ["VideoInfo", "VideoSource", "open_video"]


class _Reader(Protocol):
    """One kind of source."""

    def probe(self) -> VideoInfo:
        """Facts, from opening it and decoding one frame."""
        ...

    def read(self, info: VideoInfo, start: float, end: float, notes: list[str]) -> Iterator[Frame]:
        """Frames from ``start`` to before ``end`` (seconds); what is odd is appended to ``notes``."""
        ...


class VideoSource:
    """A video to read: ``for frame in source`` gives tracker.types.Frame, each time from the beginning.

    Images are uint8 (H, W, 3) RGB, read-only, turned as they are to be shown. A frame's index is its position in
    the whole video, also when reading begins later. As a context manager it ends readings that were left unfinished.
    """

    source: str
    """As it was given: a path or a URL."""
    info: VideoInfo
    start: float
    """Seconds, inclusive."""
    end: float
    """Seconds, exclusive; may be infinite."""
    notes: list[str]
    """What was odd in the latest reading (unreadable frames, a file that ends early), a line each."""

    def __init__(self, source: str, reader: _Reader, start: float | None = None, end: float | None = None) -> None:
        """Use ``open_video``."""
        self.start, self.end = start or 0.0, float("inf") if end is None else end
        self.source = source
        self.notes = []
        self._reader = reader
        self._readings: weakref.WeakSet[Generator[Frame, None, None]] = weakref.WeakSet()
        if self.end <= max(self.start, 0.0):
            raise InputError(f"the end, {self.end:g} s, is not after the start, {self.start:g} s")
        self.info = reader.probe()
        if self.info.duration is not None and self.start >= self.info.duration:
            raise InputError(f"the start, {self.start:g} s, is not before the video's end, {self.info.duration:.3f} s")

    def __iter__(self) -> Iterator[Frame]:
        self.notes = []
        reading = prefetch(self._reader.read(self.info, self.start, self.end, self.notes))
        self._readings.add(reading)
        return reading

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


def open_video(
    source: str | Path, start: float | None = None, end: float | None = None, *, image_rate: Fraction | int = 25
) -> VideoSource:
    """A file, a URL, or a directory of images (in natural order, ``image_rate`` per second) to read frames from.

    start, end: seconds; frames shown from ``start`` on and before ``end`` are read, None: all.
    Raises InputError where there is no such file, no video in it, or no frame that can be decoded; reading raises
    it where the span holds no frame, and for an image that is unreadable or of another size.
    """
    if "://" in str(source):
        return VideoSource(str(source), ContainerReader(str(source)), start, end)
    path = Path(source)
    if not path.exists():
        raise InputError(f"{source}: no such file")
    reader = ImageReader(path, Fraction(image_rate)) if path.is_dir() else ContainerReader(str(source))
    return VideoSource(str(source), reader, start, end)
