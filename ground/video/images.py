"""A folder of pictures, read as a video."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ground.errors import InputError
from ground.frames import Frame, Image
from ground.video.decode import VideoInfo

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


class ImageReader:
    """Reads a directory of images as a video."""

    def __init__(self, folder: Path, frame_rate: Fraction) -> None:
        self._folder, self._frame_rate = folder, frame_rate
        images = (path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
        self._images = sorted(images, key=_natural_key)
        if not self._images:
            raise InputError(f"{folder}: holds no images ({', '.join(sorted(_IMAGE_SUFFIXES))})")

    def probe(self) -> VideoInfo:
        """Facts, from the first picture."""
        height, width = _read_image(self._images[0]).shape[:2]
        return VideoInfo(
            width=width,
            height=height,
            frame_rate=self._frame_rate,
            duration=float(len(self._images) / self._frame_rate),
            num_frames_claimed=len(self._images),
            codec="images",
            rotation=0,
            has_audio=False,
            time_base=1 / self._frame_rate,
            sample_aspect_ratio=Fraction(1),
        )

    def read(self, info: VideoInfo, start: float, end: float, notes: list[str]) -> Iterator[Frame]:
        """Frames from ``start`` to before ``end`` (seconds)."""
        for index, path in enumerate(self._images):
            time = float(index / self._frame_rate)
            if start <= time < end:
                image = _read_image(path)
                if image.shape[:2] != (info.height, info.width):
                    size = f"{image.shape[1]}x{image.shape[0]}"
                    raise InputError(f"{path}: is {size}, but the first image is {info.width}x{info.height}")
                yield Frame(index, time, image)


def _natural_key(path: Path) -> list[tuple[int, str]]:
    """frame_2 before frame_10."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", path.name)]


def _read_image(path: Path) -> Image:
    """RGB uint8 (H, W, 3), read-only."""
    bgr = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InputError(f"{path}: not a readable image")
    image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    image.flags.writeable = False
    return image
