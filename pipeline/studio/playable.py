"""Pictures of a video for a browser: single ones, and a copy that every browser plays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2

from ground.errors import InputError
from ground.frames import Frame, Image
from ground.video.source import VideoSource, open_video
from pipeline.progress import Cancelled
from pipeline.video.encode import write_video

COPY_NAME = "playable.mp4"
"""In an analysis' folder."""
_LATEST = 1e7
"""Seconds; no video is so long."""
_QUALITY = 88
"""Of JPEG pictures, 0..100."""


class Copy:
    """A copy of a video in H.264, its frames at their own times, made in the background."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._cancelled = threading.Event()
        self._done, self._total, self._error = 0, 0, ""

    def start(self, source: Path, image_rate: Fraction | None = None) -> None:
        """Begin, unless it is there or being made."""
        with self._lock:
            if self.path.is_file() or (self._thread is not None and self._thread.is_alive()):
                return
            self._done, self._total, self._error = 0, 0, ""
            self._cancelled.clear()
            self._thread = threading.Thread(target=self._make, args=(source, image_rate), name="copy", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Give it up."""
        self._cancelled.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def state(self) -> dict[str, Any]:
        """How far it is, as JSON takes it."""
        if self.path.is_file():
            return {"state": "there"}
        if self._error:
            return {"state": "error", "error": self._error}
        is_made = self._thread is not None and self._thread.is_alive()
        return {"state": "making", "done": self._done, "total": self._total} if is_made else {"state": "none"}

    def _make(self, source: Path, image_rate: Fraction | None) -> None:
        try:
            with open_video(source, image_rate=image_rate) as video:
                self._total = video.num_frames or 0
                write_video(
                    self.path,
                    self._pictures(video),
                    frame_rate=video.info.frame_rate,
                    time_base=Fraction(1, 90_000),
                    sample_aspect_ratio=video.info.sample_aspect_ratio,
                    audio_from=source if source.is_file() else None,
                )
        except Cancelled:
            return
        except (InputError, OSError) as error:
            self._error = str(error)

    def _pictures(self, video: VideoSource) -> Iterator[tuple[float, Image]]:
        for frame in video:
            if self._cancelled.is_set():
                raise Cancelled
            yield frame.time, frame.image
            self._done += 1


def picture_at(source: Path, time: float, image_rate: Fraction | None = None) -> tuple[bytes, Frame]:
    """The frame that is shown at ``time`` (seconds) as JPEG, and itself; the last one where the video ends before.

    Raises InputError where it cannot be read.
    """
    if not 0 <= time < _LATEST:
        raise InputError("a time is in seconds, from 0 on")
    with open_video(source, image_rate=image_rate) as video:
        duration, step = video.info.duration, 1 / float(video.info.frame_rate)
    start = max(0.0, min(time, (duration or time) - step) - 2 * step)
    found: Frame | None = None
    with suppress(InputError), open_video(source, start or None, image_rate=image_rate) as video:
        for frame in video:
            if found is not None and frame.time > time + 1e-6:
                break
            found = frame
    if found is None:
        with open_video(source, image_rate=image_rate) as video:
            found = next(iter(video))
    return jpeg_of(found.image), found


def jpeg_of(image: Image) -> bytes:
    """An RGB picture as a JPEG file. Raises InputError where that is not possible."""
    is_made, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not is_made:
        raise InputError("the picture cannot be shown")
    return data.tobytes()
