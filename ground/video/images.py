"""Pictures in a folder, read as a video."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ground.errors import InputError
from ground.frames import Frame, Image
from ground.video.info import VideoInfo
from ground.video.orientation import Orientation
from ground.video.sequence import find_sequence

_log = logging.getLogger("courtscribe")

IMAGES = "images"
"""Stands for a codec."""
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


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
        lost: list[Path] = []
        num_read = 0
        for index, path in enumerate(self._sequence.images):
            time = float(index / info.frame_rate)
            if not start <= time < end:
                continue
            image = _read_image(path)
            if image is None:
                lost.append(path)
                continue
            if image.shape[:2] != (info.height, info.width):
                size = f"{image.shape[1]}x{image.shape[0]}"
                raise InputError(f"{path}: is {size}, but the first image is {info.width}x{info.height}")
            yield Frame(index, time, image)
            num_read += 1
        if not num_read:
            raise InputError(f"{self._source}: no picture between {start:g} s and {min(end, info.duration or end):g} s")
        if lost:
            notes.append(f"pictures that cannot be read and are left out: {len(lost)}, the first is {lost[0].name}")
        for note in notes:
            _log.info("%s: %s", Path(self._source).name, note)


def _read_image(path: Path) -> Image | None:
    """RGB uint8 (H, W, 3), turned as it is to be shown, read-only; None where it cannot be read, or only a part."""
    try:
        data = np.fromfile(path, np.uint8)
        bgr = None if _is_cut_off(data) else cv2.imdecode(data, cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    if bgr is None:
        return None
    image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    image.flags.writeable = False
    return image


def _is_cut_off(data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> bool:
    """Whether a file is empty or a JPEG without its end, which OpenCV would fill with grey."""
    return not len(data) or (data[:2].tobytes() == _JPEG_START and _JPEG_END not in data[len(data) // 2 :].tobytes())


def _note_on_pages(images: tuple[Path, ...]) -> list[str]:
    if not images[0].suffix.lower().startswith(".tif") or cv2.imcount(str(images[0])) < 2:
        return []
    return [f"{images[0].name} holds more than one picture; only the first of each file is read"]
