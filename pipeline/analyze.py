"""The passes over a video: look (detect), follow (track), read (cut clips and label them), join (timeline).

Each pass streams, and leaves one value. A recorded game can be read more than once: clips are cut along finished,
smoothed tracks, and tracking can be tuned without detecting again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classify.checkpoint import CheckpointInfo
from classify.classifier import ActionClassifier
from classify.types import ActionScores, Classifier, Clip
from pipeline.analysis import Analysis, ClassifierFacts, DetectionTable, FrameTable, VideoFacts
from pipeline.config import PipelineConfig, resolve_device, with_settings
from pipeline.progress import Progress, Silent
from pipeline.timeline import join_scores
from pipeline.video import VideoSource, open_video
from pipeline.windows import ClipCutter, WindowConfig, plan_windows
from tracker.csrt import CsrtFollower
from tracker.detector import YoloDetector, followed_classes
from tracker.roi import Roi, validate_rois
from tracker.roster import choose_players
from tracker.smoothing import smooth_tracks
from tracker.trackers import make_tracker
from tracker.types import Detections, Detector, Tracks

_NOBODY = "nobody was found: the result is empty"


def analyze_video(
    source: str | Path,
    config: PipelineConfig | None = None,
    *,
    rois: Sequence[Roi] = (),
    progress: Progress | None = None,
) -> Analysis:
    """Find out what every player in a video did.

    source: a video file, a directory of images, or an address that FFmpeg opens.
    rois: players' boxes drawn by hand; with them detection is off and CSRT follows these players only.
    Returns the analysis as a value: ``save`` keeps it, ``pipeline.outputs.write.write_outputs`` shows it.
    Raises InputError or ClipError for a source, weights or settings that cannot be used.
    """
    config, progress = config or PipelineConfig(), progress or Silent()
    device = resolve_device(config.device)
    classifier = _load_classifier(config, device)
    with open_video(source, config.start, config.end) as video:
        base = Analysis(
            video=_video_facts(source, video),
            settings=_settings(config),
            frames=FrameTable(np.zeros(0, np.int32), np.zeros(0)),
            tracks=Tracks.empty(),
            timeline=join_scores((), classifier.labels, np.zeros(0, np.int32), np.zeros(0), config.timeline),
            classifier=_classifier_facts(classifier.info),
        )
        if rois:
            found = follow_by_hand(base, video, rois, progress)
        else:
            detector = YoloDetector(config.detector, device)
            followed_classes(detector.names, config.detector.classes)  # fail before the long pass, not after it
            found = follow(look(base, video, detector, progress), config)
        return read(found, video, classifier, config, progress)


def track_again(analysis: Analysis, config: PipelineConfig, progress: Progress | None = None) -> Analysis:
    """Follow the saved detections with the tracker of ``config`` and label the new tracks.

    Raises InputError when the analysis has no detections, or when its video is gone.
    """
    progress = progress or Silent()
    classifier = _load_classifier(config, resolve_device(config.device))
    with open_video(analysis.video.source, config.start, config.end) as video:
        fresh = dataclasses.replace(
            analysis,
            settings=_settings(config),
            classifier=_classifier_facts(classifier.info),
            names={},
            lost_at={},
            notes=tuple(note for note in analysis.notes if note != _NOBODY),
        )
        return read(follow(fresh, config), video, classifier, config, progress)


def saved_config(analysis: Analysis) -> PipelineConfig:
    """The settings that an analysis was made with."""
    return with_settings(PipelineConfig(), analysis.settings)


def look(analysis: Analysis, video: VideoSource, detector: Detector, progress: Progress) -> Analysis:
    """Pass 1: decode and detect."""
    indices: list[int] = []
    times: list[float] = []
    log = _DetectionLog()
    with progress.stage("look", _num_frames(video)) as advance:
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


def follow(analysis: Analysis, config: PipelineConfig) -> Analysis:
    """Pass 2: detections into smoothed tracks; no pixels."""
    table, frames = analysis.detections, analysis.frames
    if table is None:
        return analysis
    followed = followed_classes(analysis.detector_classes, config.detector.classes)
    kept = np.isin(table.boxes.class_id, followed)
    boxes, at = table.boxes[kept], table.frame_index[kept]
    bounds = np.searchsorted(at, np.append(frames.index, frames.index[-1] + 1) if len(frames) else [0])
    tracker = make_tracker(config.tracker)
    for low, high, time in zip(bounds[:-1], bounds[1:], frames.time, strict=True):
        tracker.update(boxes[int(low) : int(high)], float(time))
    players, dropped = choose_players(tracker.finish(), config.roster)
    counted = smooth_tracks(players, frames.time, config.tracker.max_gap)
    tracks = dataclasses.replace(counted, frame_index=frames.index[counted.frame_index])
    return _say_if_empty(dataclasses.replace(analysis, tracks=tracks, dropped=dropped))


def follow_by_hand(analysis: Analysis, video: VideoSource, rois: Sequence[Roi], progress: Progress) -> Analysis:
    """Passes 1 and 2 in one, with boxes drawn by hand: CSRT follows them."""
    indices: list[int] = []
    times: list[float] = []
    follower = CsrtFollower(validate_rois(rois, analysis.video.width, analysis.video.height))
    with progress.stage("follow", _num_frames(video)) as advance:
        for frame in video:
            follower.update(frame)
            indices.append(frame.index)
            times.append(frame.time)
            advance(1)
    tracks, lost, names = follower.finish(), follower.lost, follower.names
    frames = FrameTable(np.array(indices, np.int32), np.array(times, np.float64))
    notes = (
        *video.notes,
        *(f"box of player {names.get(i, i)} starts after the last frame" for i in follower.waiting),
        *(_lost_note(names.get(i, str(i)), frames, at) for i, at in sorted(lost.items())),
    )
    found = dataclasses.replace(analysis, frames=frames, tracks=tracks, names=names, lost_at=lost, notes=notes)
    return _say_if_empty(found)


def read(
    analysis: Analysis, video: VideoSource, classifier: Classifier, config: PipelineConfig, progress: Progress
) -> Analysis:
    """Pass 3 and the join: cut clips along the tracks, label them, make the timeline."""
    frames = analysis.frames
    scores = classify_tracks(analysis.tracks, frames, video, classifier, config.windows, progress)
    timeline = join_scores(scores, classifier.labels, frames.index, frames.time, config.timeline)
    return dataclasses.replace(analysis, scores=tuple(scores), timeline=timeline)


def classify_tracks(
    tracks: Tracks,
    frames: FrameTable,
    video: VideoSource,
    classifier: Classifier,
    config: WindowConfig,
    progress: Progress,
) -> list[ActionScores]:
    """Scores of every window of every track; clips of all players go through the model together."""
    plan = plan_windows(tracks, frames.index, frames.time, config)
    if not plan.num_windows:
        return []
    cutter, scores, waiting = ClipCutter(plan), list[ActionScores](), list[Clip]()
    batch = classifier.batch
    last = int(plan.frame_index[-1])
    with progress.stage("read", plan.num_windows, "clip") as advance:
        for frame in video:
            waiting += cutter.update(frame)
            is_last = frame.index >= last
            while len(waiting) >= batch or (waiting and is_last):
                scores += classifier.classify(waiting[:batch])
                advance(len(waiting[:batch]))
                del waiting[:batch]
            if is_last:
                break
        if waiting:  # the video ended earlier than when it was first read
            scores += classifier.classify(waiting)
            advance(len(waiting))
    return scores


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


def _num_frames(video: VideoSource) -> int | None:
    """How many frames a reading will give, about; None where nothing is known."""
    if video.info.duration is None:
        return None
    return max(1, round((min(video.end, video.info.duration) - video.start) * video.info.frame_rate))


def _load_classifier(config: PipelineConfig, device: str) -> ActionClassifier:
    return ActionClassifier(Path(config.classifier.weights), device, config.classifier.batch or None)


def _settings(config: PipelineConfig) -> dict[str, Any]:
    """The configuration as it reads in JSON."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _video_facts(source: str | Path, video: VideoSource) -> VideoFacts:
    info = video.info
    name = str(source) if "://" in str(source) else str(Path(source).resolve())
    return VideoFacts(name, info.width, info.height, str(info.frame_rate), info.duration, info.codec)


def _classifier_facts(info: CheckpointInfo) -> ClassifierFacts:
    return ClassifierFacts(info.model, info.origin.data, info.origin.starter, info.origin.note)


def _lost_note(player: str, frames: FrameTable, lost_at: int) -> str:
    time = float(frames.time[np.searchsorted(frames.index, lost_at)])
    return f"player {player} was lost at {time:.2f} s (frame {lost_at}) and is not labelled from there on"


def _say_if_empty(analysis: Analysis) -> Analysis:
    if len(analysis.tracks):
        return analysis
    return dataclasses.replace(analysis, notes=(*analysis.notes, _NOBODY))
