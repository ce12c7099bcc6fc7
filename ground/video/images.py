"""Pictures in a folder, read as a video."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from ground.frames import Frame, Image
from ground.pixels import read_picture
from ground.video.info import VideoInfo
from ground.video.orientation import Orientation
from ground.video.parts import Part, ReadingLog
from ground.video.sequence import find_sequence

_log = logging.getLogger("courtscribe")

IMAGES = "images"
"""Stands for a codec."""


class ImageReader:
    """Reads pictures as a video."""

    def __init__(self, source: Path, frame_rate: Fraction | None) -> None:
        self._source = source
        self._sequence = find_sequence(source, frame_rate)

    def probe(self) -> VideoInfo:
        """Facts, from the first picture that can be read."""
        images, rate = self._sequence.images, self._sequence.frame_rate
        first = next((image for path in images if (image := _read_image(path)) is not None), None)
        if first is None:
            raise InputError(f"{images[0]}: not a readable image, nor is any other of {len(images)}")
        height, width = first.shape[:2]
        return VideoInfo(
            width=width,
            height=height,
            frame_rate=rate,
            duration=float(len(images) / rate),
            num_frames_claimed=len(images),
            codec=IMAGES,
            orientation=Orientation(),
            has_audio=False,
            time_base=1 / rate,
            sample_aspect_ratio=Fraction(1),
            notes=(*self._sequence.notes, *_note_on_pages(images)),
        )

    def close(self) -> None:
        """Nothing is kept open."""

    def read(self, info: VideoInfo, start: float, end: float, notes: list[str]) -> Iterator[Frame]:
        """Frames from ``start`` to before ``end`` (seconds); a picture that cannot be read keeps its index."""
        lost: list[int] = []
        num_read = 0
        for index, path in enumerate(self._sequence.images):
            time = float(index / info.frame_rate)
            if not start <= time < end:
                continue
            image = _picture(path, info)
            if image is None:
                lost.append(index)
                continue
            yield Frame(index, time, image)
            num_read += 1
        notes += self._notes(info, start, end, num_read, lost)
        for note in notes:
            _log.info("%s: %s", Path(self._source).name, note)

    def frame_times(self) -> npt.NDArray[np.float64]:
        """When each picture is shown, seconds."""
        rate = self._sequence.frame_rate
        return np.array([float(index / rate) for index in range(len(self._sequence.images))])

    def read_parts(self, info: VideoInfo, parts: Sequence[Part]) -> Iterator[Frame]:
        """The frames of ``parts``, which follow each other; what cannot be read is left out."""
        for part in parts:
            for index, time in enumerate(part.times.tolist(), part.first):
                image = _picture(self._sequence.images[index], info)
                if image is not None:
                    yield Frame(index, time, image)

    def notes_on_parts(self, info: VideoInfo, log: ReadingLog) -> list[str]:
        """What was odd about reading parts, a line each, as ``read`` notes it. Raises InputError for no picture."""
        return self._notes(info, log.start, log.end, log.num_read, log.lost)

    def _notes(self, info: VideoInfo, start: float, end: float, num_read: int, lost: Sequence[int]) -> list[str]:
        if not num_read:
            raise InputError(f"{self._source}: no picture between {start:g} s and {min(end, info.duration or end):g} s")
        if not lost:
            return []
        first = self._sequence.images[lost[0]].name
        return [f"pictures that cannot be read and are left out: {len(lost)}, the first is {first}"]


def _picture(path: Path, info: VideoInfo) -> Image | None:
    image = _read_image(path)
    if image is not None and image.shape[:2] != (info.height, info.width):
        size = f"{image.shape[1]}x{image.shape[0]}"
        raise InputError(f"{path}: is {size}, but the first image is {info.width}x{info.height}")
    return image


def _read_image(path: Path) -> Image | None:
    """RGB uint8 (H, W, 3), turned as it is to be shown, read-only; None where it cannot be read, or only a part."""
    bgr = read_picture(path)
    if bgr is None:
        return None
    image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    image.flags.writeable = False
    return image


def _note_on_pages(images: tuple[Path, ...]) -> list[str]:
    if not images[0].suffix.lower().startswith(".tif") or cv2.imcount(str(images[0])) < 2:
        return []
    return [f"{images[0].name} holds more than one picture; only the first of each file is read"]
