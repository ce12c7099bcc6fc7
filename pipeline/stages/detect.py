"""Pass 1, detect: every frame is decoded, and what it shows is written down: boxes, floor, how the camera moves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ground.frames import Frame
from ground.video.source import VideoSource
from pipeline.analysis.values import DetectionTable, Frames
from pipeline.progress import Progress
from tracker.by_hand.rois import Roi
from tracker.by_hand.seeds import SeedFollower
from tracker.detect.detector import followed_classes, people_classes
from tracker.scene.camera_motion import CameraMotionEstimator
from tracker.scene.court import FloorFinder
from tracker.types import CameraMotion, Detections, Detector, FloatArray, Tracks


class Detected(NamedTuple):
    """What the first pass leaves."""

    frames: Frames
    detections: DetectionTable
    seeds: Tracks | None
    """Drawn boxes of players carried by CSRT until they were detected; None: they were not to be carried."""


def detect_players(
    video: VideoSource, detector: Detector, progress: Progress, classes: Sequence[str] = (), carried: Sequence[Roi] = ()
) -> Detected:
    """Pass 1: decode, detect, find the floor and the camera's motion.

    classes: names of those of the detector's classes that are followed, as in ``followed_classes``.
    carried: drawn boxes of players that CSRT carries until they are detected.
    """
    frames, boxes = FrameLog(), _DetectionLog()
    seeds = SeedFollower(carried) if carried else None
    finder = FloorFinder()
    followed, people = (wanted(detector.names, classes) for wanted in (followed_classes, people_classes))
    with progress.stage("detect", video.num_frames) as advance:
        stream = iter(video)
        while batch := list(islice(stream, detector.batch)):
            for frame, found in zip(batch, detector.detect(batch), strict=True):
                frames.append(frame, found)
                floor = np.full(len(found), np.nan, np.float32)
                rows = np.isin(found.class_id, people)
                floor[rows] = finder.update(frame.image, found[rows])
                boxes.append(frame.index, found, floor)
                if seeds is not None:
                    seeds.update(frame, found[np.isin(found.class_id, followed)])
            advance(len(batch))
    carried_boxes = None if seeds is None else seeds.finish()
    return Detected(frames.table(video.notes), boxes.table(detector.names), carried_boxes)


class FrameLog:
    """Collects what is known of each frame, whoever finds the players: its time, and how the camera moved before it."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, float]] = []
        self._views: list[CameraMotion] = []
        self._estimator = CameraMotionEstimator()

    def append(self, frame: Frame, moving: Detections) -> None:
        """The next frame. moving: boxes in it of all that moves by itself and says nothing of the camera."""
        self._views.append(self._estimator.update(frame.image, moving))
        self._rows.append((frame.index, frame.time))

    def table(self, notes: Sequence[str]) -> Frames:
        """All frames so far. notes: on the video."""
        return Frames(
            np.array([i for i, _ in self._rows], np.int32),
            np.array([t for _, t in self._rows], np.float64),
            np.array([view.shift for view in self._views], np.float64).reshape(-1, 2),
            np.array([view.zoom for view in self._views], np.float64),
            np.array([view.is_cut for view in self._views], np.bool_),
            tuple(notes),
        )


class _DetectionLog:
    """Collects detections frame by frame; packed often, since small arrays cost more than what they hold."""

    def __init__(self) -> None:
        self._packed: list[tuple[npt.NDArray[Any], ...]] = []
        self._recent: list[tuple[int, Detections, FloatArray]] = []

    def append(self, frame_index: int, found: Detections, floor: FloatArray) -> None:
        self._recent.append((frame_index, found, floor))
        if len(self._recent) >= 1024:
            self._pack()

    def _pack(self) -> None:
        counts = [len(found) for _, found, _ in self._recent]
        index = np.repeat(np.array([i for i, _, _ in self._recent], np.int32), counts)
        names = ("xyxy", "confidence", "class_id")
        columns = ([getattr(found, name) for _, found, _ in self._recent] for name in names)
        floor = np.concatenate([floor for _, _, floor in self._recent])
        self._packed.append((index, *(np.concatenate(column) for column in columns), floor))
        self._recent.clear()

    def table(self, classes: tuple[str, ...]) -> DetectionTable:
        self._recent.append((0, Detections.empty(), np.empty(0, np.float32)))
        self._pack()
        index, xyxy, confidence, class_id, floor = (np.concatenate(c) for c in zip(*self._packed, strict=True))
        return DetectionTable(index, Detections(xyxy, confidence, class_id), floor, classes)
