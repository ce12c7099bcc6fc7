"""Pass 1, look: every frame is decoded, and what it shows is written down: who is where, how the camera moves."""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.analysis import Analysis, DetectionTable, FrameTable
from pipeline.progress import Progress
from pipeline.video import VideoSource
from tracker.types import Detections, Detector


def look(analysis: Analysis, video: VideoSource, detector: Detector, progress: Progress) -> Analysis:
    """Pass 1: decode and detect."""
    indices: list[int] = []
    times: list[float] = []
    log = _DetectionLog()
    with progress.stage("look", video.num_frames) as advance:
        stream = iter(video)
        while frames := list(islice(stream, detector.batch)):
            for frame, found in zip(frames, detector.detect(frames), strict=True):
                indices.append(frame.index)
                times.append(frame.time)
                log.append(frame.index, found)
            advance(len(frames))
    return dataclasses.replace(
        analysis,
        frames=FrameTable(np.array(indices, np.int32), np.array(times, np.float64)),
        detections=log.table(),
        detector_classes=detector.names,
        notes=tuple(video.notes),
    )


class _DetectionLog:
    """Collects detections frame by frame; packed often, since small arrays cost more than what they hold."""

    def __init__(self) -> None:
        self._packed: list[tuple[npt.NDArray[Any], ...]] = []
        self._recent: list[tuple[int, Detections]] = []

    def append(self, frame_index: int, found: Detections) -> None:
        self._recent.append((frame_index, found))
        if len(self._recent) >= 1024:
            self._pack()

    def _pack(self) -> None:
        counts = [len(found) for _, found in self._recent]
        index = np.repeat(np.array([i for i, _ in self._recent], np.int32), counts)
        columns = ([getattr(found, name) for _, found in self._recent] for name in ("xyxy", "confidence", "class_id"))
        self._packed.append((index, *(np.concatenate(column) for column in columns)))
        self._recent.clear()

    def table(self) -> DetectionTable:
        self._recent.append((0, Detections.empty()))
        self._pack()
        index, xyxy, confidence, class_id = (np.concatenate(c) for c in zip(*self._packed, strict=True))
        return DetectionTable(index, Detections(xyxy, confidence, class_id))
