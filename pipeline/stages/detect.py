"""Pass 1, detect: every frame is decoded, and what it shows is written down: boxes, floor, how the camera moves.

It goes part by part. A part knows nothing of the others; how the camera came to its first picture is told when parts
are joined, from the pictures on both sides. So parts found alone, in any order, join to what one run over all finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ground.frames import Frame
from ground.prefetch import prefetch
from ground.video.parts import Part, ReadingLog, by_part
from ground.video.source import VideoSource
from pipeline.analysis.values import DetectionTable, Frames
from pipeline.progress import Advance, Progress
from pipeline.stages.court import CourtLog, CourtLook, CourtViews, joined_views
from tracker.court.known import KnownCourt
from tracker.detect.detector import followed_classes, people_classes
from tracker.scene.camera_motion import Background, CameraMotionEstimator, motion_between
from tracker.scene.court import FloorFinder
from tracker.types import CameraMotion, Detections, Detector, FloatArray

_LOOKED_AHEAD = 2
"""Batches that the detector is ahead of the camera's motion and the floor."""


class Detected(NamedTuple):
    """What the first pass leaves."""

    frames: Frames
    detections: DetectionTable
    things: DetectionTable | None = None
    """What may be the ball or a hoop; None: nobody looked."""
    views: CourtViews = CourtViews.none()
    court: KnownCourt = KnownCourt()


@dataclass(frozen=True, slots=True, eq=False)
class SeenPart:
    """Frames that follow each other, and how the camera moved within them."""

    index: npt.NDArray[np.int32]
    """int32 (F,), 0-based in the video."""
    time: npt.NDArray[np.float64]
    """float64 (F,), seconds."""
    motion: tuple[CameraMotion, ...]
    """(F,), how the camera moved before each; that of ``first`` is not known yet."""
    first: int
    """Row of the first picture that shows something; -1: none does."""
    before: Background | None
    """What that picture shows."""
    after: Background | None
    """What the last picture that shows something shows."""
    resized: tuple[float, int, int] | None
    """See ``ReadingLog``."""
    court: CourtViews = field(default_factory=CourtViews.none)


@dataclass(frozen=True, slots=True, eq=False)
class DetectedPart:
    """What was found in a part."""

    seen: SeenPart
    frame_index: npt.NDArray[np.int32]
    """int32 (N,), ascending."""
    boxes: Detections
    floor: FloatArray
    """float32 (N,), see ``DetectionTable``."""
    thing_frame: npt.NDArray[np.int32]
    """int32 (M,), ascending."""
    things: Detections
    """(M,), see ``Detections.weak``."""


def detect_players(
    video: VideoSource,
    detector: Detector,
    progress: Progress,
    classes: Sequence[str] = (),
    every: int = 1,
    look: CourtLook | None = None,
) -> Detected:
    """Pass 1 over a whole video.

    classes: names of those of the detector's classes that are followed, as in ``followed_classes``. every: see
    ``DetectorConfig``. look: for the court; None: nobody looks.
    """
    with progress.stage("detect", video.num_frames) as advance:
        streams = by_part(video, video.info.frame_rate)
        found = (detect_part(frames, detector, classes, every, advance, look) for frames in streams)
        return join_parts(found, detector.names, video, None)


def detect_part(
    frames: Iterable[Frame],
    detector: Detector,
    classes: Sequence[str] = (),
    every: int = 1,
    advance: Advance = lambda _: None,
    look: CourtLook | None = None,
) -> DetectedPart:
    """Decode, detect, find the floor and the camera's motion, look at the court, in frames that follow each other.

    The detector works in a thread ahead of the others.
    """
    log, columns = FrameLog(look), list[tuple[npt.NDArray[np.int32], Detections]]()
    things: list[tuple[npt.NDArray[np.int32], Detections]] = []
    people = people_classes(detector.names, classes)
    followed_classes(detector.names, classes)  # raises where the detector does not have them
    floors, finder = list[FloatArray](), FloorFinder()
    waiting: list[npt.NDArray[np.bool_]] = []

    def settle() -> None:
        for floor, rows in zip(finder.finish(), waiting, strict=True):
            share = np.full(len(rows), np.nan, np.float32)
            share[rows] = floor.share
            floors.append(share)
        waiting.clear()

    moving = Detections.empty()
    with closing(prefetch(_looked_at(frames, detector, every), _LOOKED_AHEAD)) as ahead:
        for batch in ahead:
            for frame, found in batch:
                moving = moving if found is None else found
                if log.append(frame, moving).is_cut:
                    settle()
                    finder, moving = FloorFinder(), Detections.empty()
                if found is None:
                    continue
                rows = np.isin(found.class_id, people)
                finder.add(frame.image, found[rows])
                waiting.append(rows)
                columns.append((np.full(len(found), frame.index, np.int32), found))
                weak = found.weak or Detections.empty()
                things.append((np.full(len(weak), frame.index, np.int32), weak))
            advance(len(batch))
    settle()
    none = np.empty(0, np.float32)
    return DetectedPart(log.part(), *_joined(columns), np.concatenate([none, *floors]), *_joined(things))


def _joined(
    columns: Sequence[tuple[npt.NDArray[np.int32], Detections]],
) -> tuple[npt.NDArray[np.int32], Detections]:
    index = np.concatenate([np.empty(0, np.int32), *(index for index, _ in columns)])
    return index, concatenated([found for _, found in columns])


def _looked_at(
    frames: Iterable[Frame], detector: Detector, every: int
) -> Iterator[list[tuple[Frame, Detections | None]]]:
    """Frames and what was found in them, a batch at a time; None where nobody looked."""
    stream = iter(frames)
    while batch := list(islice(stream, detector.batch * every)):
        found = iter(detector.detect([frame for frame in batch if is_looked_at(frame.index, every)]))
        yield [(frame, next(found) if is_looked_at(frame.index, every) else None) for frame in batch]


def is_looked_at(index: int, every: int) -> bool:
    """Whether the detector sees a frame, whatever part it is in."""
    return index % every == 0


def join_parts(
    found: Iterable[DetectedPart], names: Sequence[str], video: VideoSource, parts: Sequence[Part] | None
) -> Detected:
    """The parts of a video, in order, as one; pictures of one part at a time are in memory.

    names: of the detector's classes. parts: those that were to be read; None: the video was read as it comes, once.
    Raises InputError for no frame.
    """
    frames, floor = FramesJoiner(), [np.empty(0, np.float32)]
    boxes, things = (list[tuple[npt.NDArray[np.int32], Detections]]() for _ in range(2))
    for part in found:
        frames.add(part.seen)
        boxes.append((part.frame_index, part.boxes))
        floor.append(part.floor)
        things.append((part.thing_frame, part.things))
    table = DetectionTable(*_joined(boxes), np.concatenate(floor), tuple(names))
    weak = DetectionTable(*_joined(things), classes=tuple(names))
    return Detected(frames.joined(video, parts), table, weak, frames.views())


class FramesJoiner:
    """Frames of parts, in order, as one."""

    def __init__(self) -> None:
        self._index, self._time = [np.empty(0, np.int32)], [np.empty(0)]
        self._motion: list[CameraMotion] = []
        self._last: Background | None = None
        self._resized: tuple[float, int, int] | None = None
        self._court: list[CourtViews] = []

    def add(self, seen: SeenPart) -> None:
        """The next part."""
        for row, motion in enumerate(seen.motion):
            is_first = row == seen.first and self._last is not None and seen.before is not None
            self._motion.append(motion_between(self._last, seen.before) if is_first else motion)  # type: ignore[arg-type]
        self._last = seen.after or self._last
        self._index.append(seen.index)
        self._time.append(seen.time)
        self._resized = self._resized or seen.resized
        self._court.append(seen.court)

    def views(self) -> CourtViews:
        """What was seen of the court in all of them."""
        return joined_views(self._court)

    def joined(self, video: VideoSource, parts: Sequence[Part] | None) -> Frames:
        """All of them; see ``join_parts``."""
        index, time = np.concatenate(self._index), np.concatenate(self._time)
        return Frames(
            index,
            time,
            np.array([motion.shift for motion in self._motion], np.float64).reshape(-1, 2),
            np.array([motion.zoom for motion in self._motion], np.float64),
            np.array([motion.is_cut for motion in self._motion], np.bool_),
            tuple(video.notes if parts is None else self._notes(video, parts, index, time)),
        )

    def _notes(
        self, video: VideoSource, parts: Sequence[Part], index: npt.NDArray[np.int32], time: npt.NDArray[np.float64]
    ) -> list[str]:
        wanted = np.concatenate([np.arange(part.first, part.last + 1) for part in parts])
        return video.notes_on_parts(
            ReadingLog(
                start=video.start,
                end=video.end,
                num_before=parts[0].first,
                lost=np.setdiff1d(wanted, index).tolist(),
                resized=self._resized,
                num_read=len(index),
                last_time=float(time[-1]) if len(time) else video.start,
                is_to_the_end=parts[-1].is_last,
            )
        )


def concatenated(found: Sequence[Detections]) -> Detections:
    """Detections one after the other."""
    if not found:
        return Detections.empty()
    return Detections(
        np.concatenate([d.xyxy for d in found]),
        np.concatenate([d.confidence for d in found]),
        np.concatenate([d.class_id for d in found]),
    )


class FrameLog:
    """Collects what is known of each frame, whoever finds the players: its time, the camera's motion, the court."""

    def __init__(self, look: CourtLook | None = None) -> None:
        """look: for the court; None: nobody looks."""
        self._court = CourtLog(look)
        self._rows: list[tuple[int, float]] = []
        self._motion: list[CameraMotion] = []
        self._estimator = CameraMotionEstimator()
        self._first = -1
        self._resized: tuple[float, int, int] | None = None

    def append(self, frame: Frame, moving: Detections) -> CameraMotion:
        """The next frame. moving: boxes in it of all that moves by itself and says nothing of the camera."""
        motion = self._estimator.update(frame.image, moving)
        if self._first < 0 and self._estimator.first is not None:
            self._first = len(self._rows)
        if frame.stored_size is not None and self._resized is None:
            self._resized = (frame.time, *frame.stored_size)
        self._motion.append(motion)
        self._rows.append((frame.index, frame.time))
        self._court.append(frame)
        return motion

    def part(self) -> SeenPart:
        """All frames so far."""
        return SeenPart(
            np.array([i for i, _ in self._rows], np.int32),
            np.array([t for _, t in self._rows], np.float64),
            tuple(self._motion),
            self._first,
            self._estimator.first,
            self._estimator.last,
            self._resized,
            self._court.views(),
        )

    def views(self) -> CourtViews:
        """What was seen of the court so far."""
        return self._court.views()

    def table(self, video: VideoSource) -> Frames:
        """All frames of a video that was read as it comes."""
        frames = FramesJoiner()
        frames.add(self.part())
        return frames.joined(video, None)
