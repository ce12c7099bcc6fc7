"""The passes of an analysis that go part by part: detecting, glancing at tracklets, labelling."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from classify.types import ActionScores
from ground.video.parts import PART_SECONDS, Part, split_parts
from ground.video.source import VideoSource, open_video
from pipeline.config import PipelineConfig
from pipeline.models import Models
from pipeline.parts.store import Columns, PartStore
from pipeline.parts.versions import versions
from pipeline.stages.court import CourtViews, court_look
from pipeline.stages.detect import DetectedPart, SeenPart, detect_part
from pipeline.stages.label import label_frames
from pipeline.stages.windows import ClipCutter, WindowPlan
from tracker.looks.collector import AppearanceCollector
from tracker.scene.camera_motion import Background
from tracker.track.tracklets import Tracklets
from tracker.types import CameraMotion, Detections


@dataclass(frozen=True, slots=True)
class Span:
    """What of a video is read."""

    source: str
    start: float | None = None
    end: float | None = None
    image_rate: Fraction | None = None

    def about(self, fingerprint: str, packages: Iterable[str]) -> dict[str, Any]:
        """What every pass over it rests on, as it reads in JSON; packages: whose versions decide what a part holds."""
        return {
            "video": fingerprint,
            "span": [self.start, self.end],
            "image_rate": str(self.image_rate or ""),
            "part_seconds": PART_SECONDS,
            "versions": versions(packages),
        }

    def read(self) -> VideoSource:
        """See ``open_video``."""
        return open_video(self.source, self.start, self.end, image_rate=self.image_rate)


@dataclass(frozen=True, slots=True)
class DetectPass:
    """Pass 1."""

    name: ClassVar[str] = "detect"
    span: Span
    config: PipelineConfig

    def make(self, parts: Sequence[Part], models: Models) -> Iterator[Columns]:
        """See Pass."""
        detector, wanted = models.detector(self.config), self.config.detector
        with self.span.read() as video:
            look = court_look(models.court(self.config), video.info.sample_aspect_ratio)
            for frames in split_parts(video.read_parts(parts), parts):
                part = detect_part(frames, detector, wanted.classes, wanted.every, look=look)
                yield {**pack_detected(part), "names": np.array(detector.names)}


def unpack_detected(columns: dict[str, Any]) -> DetectedPart:
    """What ``DetectPass`` keeps of a part."""
    motion = zip(columns["shift"].tolist(), columns["zoom"].tolist(), columns["is_cut"].tolist(), strict=True)
    resized = [tuple(row) for row in columns["resized"].tolist()]
    seen = SeenPart(
        columns["index"],
        columns["time"],
        tuple(CameraMotion((x, y), zoom, is_cut) for (x, y), zoom, is_cut in motion),
        int(columns["first"]),
        _unpack_background(columns, "before"),
        _unpack_background(columns, "after"),
        (resized[0][0], int(resized[0][1]), int(resized[0][2])) if resized else None,
        CourtViews(columns["court_index"], columns["court_areas"]),
    )
    boxes = Detections(columns["xyxy"], columns["confidence"], columns["class_id"])
    things = Detections(columns["thing_xyxy"], columns["thing_confidence"], columns["thing_class"])
    return DetectedPart(seen, columns["frame_index"], boxes, columns["floor"], columns["thing_frame"], things)


def pack_detected(part: DetectedPart) -> Columns:
    """What ``DetectPass`` keeps of a part, but for the detector's names."""
    seen = part.seen
    return {
        "index": seen.index,
        "time": seen.time,
        "shift": np.array([motion.shift for motion in seen.motion], np.float64).reshape(-1, 2),
        "zoom": np.array([motion.zoom for motion in seen.motion], np.float64),
        "is_cut": np.array([motion.is_cut for motion in seen.motion], np.bool_),
        "first": np.array(seen.first),
        "resized": np.array([] if seen.resized is None else [seen.resized], np.float64).reshape(-1, 3),
        **_pack_background(seen.before, "before"),
        **_pack_background(seen.after, "after"),
        "court_index": seen.court.frame_index,
        "court_areas": seen.court.areas,
        "frame_index": part.frame_index,
        "xyxy": part.boxes.xyxy,
        "confidence": part.boxes.confidence,
        "class_id": part.boxes.class_id,
        "floor": part.floor,
        "thing_frame": part.thing_frame,
        "thing_xyxy": part.things.xyxy,
        "thing_confidence": part.things.confidence,
        "thing_class": part.things.class_id,
    }


def _pack_background(shown: Background | None, name: str) -> Columns:
    if shown is None:
        return {}
    return {f"{name}_size": np.array(shown.size), f"{name}_grey": shown.grey, f"{name}_corners": shown.corners}


def _unpack_background(columns: dict[str, Any], name: str) -> Background | None:
    if f"{name}_size" not in columns:
        return None
    width, height = columns[f"{name}_size"].tolist()
    return Background((width, height), columns[f"{name}_grey"], columns[f"{name}_corners"])


@dataclass(frozen=True, slots=True)
class GlancePass:
    """A few views of every tracklet."""

    name: ClassVar[str] = "glance"
    span: Span
    config: PipelineConfig
    size: tuple[int, int]
    store: PartStore
    tracklets: str
    """Digest of the tracklets in the store."""

    def make(self, parts: Sequence[Part], models: Models) -> Iterator[Columns]:
        """See Pass."""
        collector = AppearanceCollector(
            Tracklets(**load_input(self.store, TRACKLETS, self.tracklets)), *self.size, models.describers(self.config),
            reader=models.number_reader(self.config),
        )  # fmt: skip
        with self.span.read() as video:
            for frames in split_parts(video.read_parts(parts), parts):
                seen = [(f.index, collector.describe(f.index, f.image)) for f in frames if collector.needs(f.index)]
                views = [described for _, described in seen]
                yield {
                    "frame": np.array([index for index, _ in seen], np.int64),
                    "count": np.array([[len(kind) for kind in view] for view in views], np.int64),
                    **{f"views{i}": np.concatenate(kind) for i, kind in enumerate(zip(*views, strict=True))},
                }


TRACKLETS, WINDOWS = "tracklets", "windows"
"""What passes rest on, kept beside their parts."""


def add_views(collector: AppearanceCollector, columns: dict[str, Any]) -> None:
    """Show a collector what ``GlancePass`` kept of a part."""
    kinds = [columns[f"views{i}"] for i in range(sum(name.startswith("views") for name in columns))]
    ends = np.cumsum(columns["count"], axis=0)
    for frame, end, count in zip(columns["frame"].tolist(), ends.tolist(), columns["count"].tolist(), strict=True):
        collector.add(frame, [kind[e - c : e] for kind, e, c in zip(kinds, end, count, strict=True)])


@dataclass(frozen=True, slots=True)
class LabelPass:
    """Pass 3."""

    name: ClassVar[str] = "label"
    span: Span
    config: PipelineConfig
    store: PartStore
    windows: str
    """Digest of the plan in the store; with it the times of all frames that are read, and the first one's index."""

    def make(self, parts: Sequence[Part], models: Models) -> Iterator[Columns]:
        """See Pass."""
        plan, order, times, first = _plan(self.store.folder, self.windows)
        mine = plan.completed_by(parts[0].first, parts[-1].last, order)
        if not mine.num_windows:
            yield from (_pack_scores([]) for _ in parts)
            return
        begin, classifier, cutter = int(mine.frame_index[0]), models.classifier(self.config), ClipCutter(mine)
        with self.span.read() as video:
            end = parts[-1].last + 1
            needed = replace(parts[0], first=begin, times=times[begin - first : end - first])
            for frames in split_parts(video.read_parts([needed]), parts):
                yield _pack_scores(label_frames(frames, cutter, classifier))


@lru_cache(maxsize=1)
def _plan(folder: Path, digest: str) -> tuple[WindowPlan, npt.NDArray[np.intp], npt.NDArray[np.float64], int]:
    """All windows, their rows by track, the times of all frames that are read, and the first one's index."""
    columns = dict(load_input(PartStore(folder), WINDOWS, digest))
    times, first = columns.pop("times"), int(columns.pop("first_frame"))
    plan = WindowPlan(**columns)
    return plan, plan.by_track(), times, first


def _pack_scores(scores: list[ActionScores]) -> Columns:
    return {
        "track_id": np.array([score.track_id for score in scores], np.int64),
        "start": np.array([score.start for score in scores], np.float64),
        "end": np.array([score.end for score in scores], np.float64),
        "probabilities": np.array([score.probabilities for score in scores], np.float32).reshape(len(scores), -1)
        if scores
        else np.empty((0, 0), np.float32),
    }


def unpack_scores(columns: dict[str, Any]) -> list[ActionScores]:
    """What ``LabelPass`` keeps of a part."""
    rows = zip(columns["track_id"].tolist(), columns["start"].tolist(), columns["end"].tolist(), strict=True)
    return [
        ActionScores(track_id, start, end, probabilities)
        for (track_id, start, end), probabilities in zip(rows, columns["probabilities"], strict=True)
    ]


def columns_of(value: Any) -> Columns:
    """A dataclass of arrays as columns."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


@lru_cache(maxsize=2)
def _loaded(folder: Path, name: str, digest: str) -> dict[str, Any]:
    columns = PartStore(folder).load(name, 0, digest)
    if columns is None:
        raise FileNotFoundError(f"{folder}: {name} is not there")
    return columns


def load_input(store: PartStore, name: str, digest: str) -> dict[str, Any]:
    """What parts rest on, read once in a process."""
    return _loaded(store.folder, name, digest)
