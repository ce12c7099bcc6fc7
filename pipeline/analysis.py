"""All results of one video as one value, and the folder that it is kept in.

``analysis.json`` holds facts, settings and the timeline, and names the compact files beside it: detections, tracks and
scores. Together they are enough to track, correct and show again without any model.
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classify.types import ActionScores
from ground.errors import InputError
from ground.files import write_atomically
from pipeline.timeline import ActionSegment, Timeline
from tracker.roi import CourtPolygon, Roi
from tracker.types import BoolArray, Detections, FloatArray, IntArray, Tracks, View

FORMAT = 1
"""Version of the folder's format."""
JSON_NAME = "analysis.json"
_DAMAGE = (
    *(OSError, KeyError, IndexError, TypeError, ValueError, AttributeError, EOFError, RecursionError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading a damaged folder can raise."""
_FILES = ("frames", "detections", "seeds", "tracks", "scores")


@dataclass(frozen=True, slots=True, eq=False)
class FrameTable:
    """The frames that were analysed."""

    index: IntArray
    """int32 (F,), 0-based in the video, ascending."""
    time: npt.NDArray[np.float64]
    """float64 (F,), seconds, ascending."""
    shift: npt.NDArray[np.float64] | None = None
    """float64 (F, 2), zoom and is_cut: the View of each frame, as columns. None: nobody looked at the camera."""
    zoom: npt.NDArray[np.float64] | None = None
    """float64 (F,)"""
    is_cut: BoolArray | None = None
    """bool (F,)"""

    def __post_init__(self) -> None:
        if self.index.shape != self.time.shape or not np.isfinite(self.time).all():
            raise ValueError("frames have an index and a finite time each")
        if (np.diff(self.index) <= 0).any() or (np.diff(self.time) <= 0).any():
            raise ValueError("frames ascend in index and time")
        columns = [column for column in (self.shift, self.zoom, self.is_cut) if column is not None]
        if len(columns) not in (0, 3) or any(len(column) != len(self.index) for column in columns):
            raise ValueError("frames have a view each, or none has")

    def __len__(self) -> int:
        return len(self.index)

    def camera(self) -> npt.NDArray[np.float64] | None:
        """float64 (F, 3): shift x, y in pixels and zoom, about the middle of the picture, since the shot began."""
        if self.shift is None or self.zoom is None or self.is_cut is None:
            return None
        camera = np.empty((len(self), 3))
        state = np.array([0.0, 0.0, 1.0])
        for row, (shift, zoom, is_cut) in enumerate(zip(self.shift, self.zoom, self.is_cut, strict=True)):
            step = np.append(zoom * state[:2] + shift, zoom * state[2])
            state = np.array([0.0, 0.0, 1.0]) if is_cut or not row else step
            camera[row] = state
        return camera

    def shot(self) -> IntArray | None:
        """int32 (F,): number of the shot, from 0."""
        return None if self.is_cut is None else np.cumsum(self.is_cut, dtype=np.int32)

    def views(self) -> list[View] | None:
        """How the camera moved before each frame."""
        if self.shift is None or self.zoom is None or self.is_cut is None:
            return None
        columns = zip(self.shift.tolist(), self.zoom.tolist(), self.is_cut.tolist(), strict=True)
        return [View((x, y), zoom, is_cut) for (x, y), zoom, is_cut in columns]


@dataclass(frozen=True, slots=True, eq=False)
class DetectionTable:
    """Detections of all frames, as columns sorted by frame."""

    frame_index: IntArray
    """int32 (N,), 0-based in the video."""
    boxes: Detections
    floor: FloatArray | None = None
    """float32 (N,): share of the court's floor at the feet, NaN where it cannot be told. None: nobody looked."""

    def at(self, frame_index: int) -> Detections:
        """The detections of one frame."""
        low, high = np.searchsorted(self.frame_index, [frame_index, frame_index + 1])
        return self.boxes[int(low) : int(high)]


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """The video that was analysed."""

    source: str
    """Path or address as given."""
    width: int
    """Pixels, as shown."""
    height: int
    """Pixels, as shown."""
    frame_rate: str
    """Frames per second as a fraction, such as 30000/1001."""
    duration: float | None
    """Seconds, as the container claims."""
    codec: str


@dataclass(frozen=True, slots=True)
class ClassifierFacts:
    """Where the labels come from."""

    model: str
    origin: str
    """What the weights were trained on."""
    starter: bool
    """True: the weights are a first guess, and outputs say ``note`` where labels are first shown."""
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What was found in one video."""

    video: VideoFacts
    settings: Mapping[str, Any]
    """The configuration that gave these results, nested like PipelineConfig."""
    frames: FrameTable
    tracks: Tracks
    timeline: Timeline
    detections: DetectionTable | None = None
    """None: the players were followed from boxes drawn by hand."""
    detector_classes: tuple[str, ...] = ()
    """Names in the order of the detections' class_id."""
    scores: tuple[ActionScores, ...] = ()
    classifier: ClassifierFacts | None = None
    names: Mapping[int, str] = field(default_factory=dict[int, str])
    """Names given to players, by track_id; the others go by their number."""
    rois: tuple[Roi, ...] = ()
    """Players' boxes drawn by hand in a video in which everybody is detected: they begin tracks and give names."""
    seeds: Tracks | None = None
    """The same boxes carried by CSRT until detections took over; None: they were not carried."""
    court: tuple[CourtPolygon, ...] = ()
    """The court's outline where it was given by hand."""
    lost_at: Mapping[int, int] = field(default_factory=dict[int, int])
    """The frame from which a player followed by hand was lost, by track_id."""
    dropped: Mapping[int, str] = field(default_factory=dict[int, str])
    """Why a track was left out, by the track_id that it had."""
    notes: tuple[str, ...] = ()
    """What was odd, a line each."""

    def __post_init__(self) -> None:
        boxes = [self.tracks.frame_index] + ([] if self.detections is None else [self.detections.frame_index])
        if not all(np.isin(frames, self.frames.index).all() for frames in boxes):
            raise ValueError("there are boxes on frames that were not analysed")

    def save(self, folder: Path) -> None:
        """Write the folder; each file appears whole or not at all, ``analysis.json`` last.

        Raises InputError when the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, columns in _columns(self).items():
                with write_atomically(folder / f"{name}.npz") as part, part.open("wb") as file:
                    np.savez_compressed(file, allow_pickle=False, **columns)
            with write_atomically(folder / JSON_NAME) as part:
                part.write_text(json.dumps(_to_json(self), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from error

    @staticmethod
    def load(folder: Path) -> Analysis:
        """Read a folder that ``save`` wrote.

        Raises InputError when it is not one, or when a file of it is missing or damaged.
        """
        path = folder / JSON_NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise InputError(f"{path}: format {content['format']}, this version reads {FORMAT}")
            tables = {name: _read_columns(folder / file) for name, file in content["files"].items()}
            return _from_json(content, tables)
        except FileNotFoundError as error:
            raise InputError(f"{error.filename or path}: not found; {folder} is not a whole analysis") from error
        except InputError:
            raise
        except _DAMAGE as error:
            raise InputError(f"{path}: damaged ({error})") from error


def player_name(names: Mapping[int, str], track_id: int) -> str:
    """What a player is called where he is shown: his name, else his track's number."""
    return names.get(track_id, str(track_id))


def _columns(analysis: Analysis) -> dict[str, dict[str, npt.NDArray[Any]]]:
    frames, tracks, scores = analysis.frames, analysis.tracks, analysis.scores
    num_labels = len(analysis.timeline.labels)
    tables: dict[str, dict[str, npt.NDArray[Any]]] = {
        "frames": {f.name: c for f in dataclasses.fields(FrameTable) if (c := getattr(frames, f.name)) is not None},
        "tracks": {f.name: getattr(tracks, f.name) for f in dataclasses.fields(Tracks)},
        "scores": {
            "track_id": np.array([s.track_id for s in scores], np.int32),
            "start": np.array([s.start for s in scores], np.float64),
            "end": np.array([s.end for s in scores], np.float64),
            "probabilities": np.array([s.probabilities for s in scores], np.float32).reshape(-1, num_labels),
        },
    }
    if analysis.seeds is not None:
        tables["seeds"] = {f.name: getattr(analysis.seeds, f.name) for f in dataclasses.fields(Tracks)}
    if analysis.detections is not None:
        boxes = analysis.detections.boxes
        tables["detections"] = {
            "frame_index": analysis.detections.frame_index,
            "xyxy": boxes.xyxy,
            "confidence": boxes.confidence,
            "class_id": boxes.class_id,
            **({} if analysis.detections.floor is None else {"floor": analysis.detections.floor}),
        }
    return tables


def _to_json(analysis: Analysis) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "video": dataclasses.asdict(analysis.video),
        "settings": analysis.settings,
        "files": {name: f"{name}.npz" for name in _FILES if getattr(analysis, name) is not None},
        "detector_classes": analysis.detector_classes,
        "classifier": None if analysis.classifier is None else dataclasses.asdict(analysis.classifier),
        "players": [_player(analysis, track_id, track) for track_id, track in analysis.tracks.by_id()],
        "names": {str(k): v for k, v in analysis.names.items()},
        "rois": [dataclasses.asdict(roi) for roi in analysis.rois],
        "court": [dataclasses.asdict(polygon) for polygon in analysis.court],
        "lost_at": {str(k): v for k, v in analysis.lost_at.items()},
        "dropped": {str(k): v for k, v in analysis.dropped.items()},
        "notes": analysis.notes,
        "labels": analysis.timeline.labels,
        "timeline": [dataclasses.asdict(segment) for segment in analysis.timeline.segments],
    }


def _player(analysis: Analysis, track_id: int, track: Tracks) -> dict[str, Any]:
    """One player's facts, for readers; not read back."""
    frames = analysis.frames
    rows = np.searchsorted(frames.index, track.frame_index[[0, -1]])
    lost = analysis.lost_at.get(track_id)
    return {
        "player": player_name(analysis.names, track_id),
        "track_id": track_id,
        "first_frame": int(track.frame_index[0]),
        "last_frame": int(track.frame_index[-1]),
        "start_s": round(float(frames.time[rows[0]]), 4),
        "end_s": round(float(frames.time[rows[1]]), 4),
        "num_boxes": len(track),
        "num_observed": int(track.observed.sum()),
        "lost_at_frame": lost,
        "lost_at_s": None if lost is None else round(float(frames.time[np.searchsorted(frames.index, lost)]), 4),
    }


def _read_columns(path: Path) -> dict[str, npt.NDArray[Any]]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _from_json(content: Mapping[str, Any], tables: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> Analysis:
    boxes = tables.get("detections")
    facts = content["classifier"]
    return Analysis(
        video=VideoFacts(**content["video"]),
        settings=dict(content["settings"].items()),
        frames=FrameTable(**tables["frames"]),
        tracks=Tracks(**tables["tracks"]),
        timeline=Timeline(tuple(content["labels"]), tuple(ActionSegment(**s) for s in content["timeline"])),
        detections=None
        if boxes is None
        else DetectionTable(
            boxes["frame_index"],
            Detections(boxes["xyxy"], boxes["confidence"], boxes["class_id"]),
            boxes.get("floor"),
        ),
        detector_classes=tuple(content["detector_classes"]),
        scores=_read_scores(tables["scores"]),
        classifier=None if facts is None else ClassifierFacts(**facts),
        names={int(k): v for k, v in content["names"].items()},
        rois=tuple(Roi(tuple(roi.pop("box")), **roi) for roi in content["rois"]),
        seeds=Tracks(**tables["seeds"]) if "seeds" in tables else None,
        court=tuple(CourtPolygon(_corners(c["corners"]), c["frame"], c["time"]) for c in content["court"]),
        lost_at={int(k): v for k, v in content["lost_at"].items()},
        dropped={int(k): v for k, v in content["dropped"].items()},
        notes=tuple(content["notes"]),
    )


def _corners(pairs: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in pairs)


def _read_scores(table: Mapping[str, npt.NDArray[Any]]) -> tuple[ActionScores, ...]:
    columns: Sequence[npt.NDArray[Any]] = [table[name] for name in ("track_id", "start", "end", "probabilities")]
    return tuple(ActionScores(int(i), float(a), float(b), p) for i, a, b, p in zip(*columns, strict=True))
