"""Pass 1, look: every frame is decoded, and what it shows is written down: boxes, floor, how the camera moves."""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from ground.frames import Frame
from ground.video.source import VideoSource
from pipeline.analysis import Analysis, DetectionTable, FrameTable
from pipeline.config import PipelineConfig
from pipeline.progress import Progress
from tracker.court import FloorFinder
from tracker.detector import followed_classes, people_classes
from tracker.seeds import SeedFollower
from tracker.types import Detections, Detector, FloatArray, View
from tracker.view import ViewEstimator


def look(
    analysis: Analysis, video: VideoSource, detector: Detector, config: PipelineConfig, progress: Progress
) -> Analysis:
    """Pass 1: decode, detect, find the floor and the camera's motion."""
    frames, boxes = _FrameLog(), _DetectionLog()
    carried = SeedFollower(analysis.rois) if analysis.rois and config.tracker.bridge else None
    finder, estimator = FloorFinder(), ViewEstimator()
    followed, people = (
        wanted(detector.names, config.detector.classes) for wanted in (followed_classes, people_classes)
    )
    with progress.stage("look", video.num_frames) as advance:
        stream = iter(video)
        while batch := list(islice(stream, detector.batch)):
            for frame, found in zip(batch, detector.detect(batch), strict=True):
                frames.append(frame, estimator.update(frame.image, found))
                floor = np.full(len(found), np.nan, np.float32)
                rows = np.isin(found.class_id, people)
                floor[rows] = finder.update(frame.image, found[rows])
                boxes.append(frame.index, found, floor)
                if carried is not None:
                    carried.update(frame, found[np.isin(found.class_id, followed)])
            advance(len(batch))
    return dataclasses.replace(
        analysis,
        frames=frames.table(),
        detections=boxes.table(),
        detector_classes=detector.names,
        seeds=None if carried is None else carried.finish(),
        notes=tuple(video.notes),
    )


class _FrameLog:
    """Collects what is known of each frame."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, float]] = []
        self._views: list[View] = []

    def append(self, frame: Frame, view: View) -> None:
        self._rows.append((frame.index, frame.time))
        self._views.append(view)

    def table(self) -> FrameTable:
        return FrameTable(
            np.array([i for i, _ in self._rows], np.int32),
            np.array([t for _, t in self._rows], np.float64),
            np.array([view.shift for view in self._views], np.float64).reshape(-1, 2),
            np.array([view.zoom for view in self._views], np.float64),
            np.array([view.is_cut for view in self._views], np.bool_),
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

    def table(self) -> DetectionTable:
        self._recent.append((0, Detections.empty(), np.empty(0, np.float32)))
        self._pack()
        index, xyxy, confidence, class_id, floor = (np.concatenate(c) for c in zip(*self._packed, strict=True))
        return DetectionTable(index, Detections(xyxy, confidence, class_id), floor)
