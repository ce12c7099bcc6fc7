"""The passes over a video: look (detect), follow (track), read (cut clips and label them), join (timeline).

Each pass streams, and leaves one value. A recorded game can be read more than once: clips are cut along finished,
smoothed tracks, and tracking can be tuned without detecting again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classify.checkpoint import CheckpointInfo
from classify.classifier import ActionClassifier
from ground.video.source import VideoSource, open_video
from pipeline.analysis import Analysis, ClassifierFacts, FrameTable, VideoFacts
from pipeline.by_hand import follow_by_hand, follow_file
from pipeline.config import PipelineConfig, resolve_device, with_settings
from pipeline.corrected import timeline_of
from pipeline.follow import NOBODY, follow
from pipeline.look import look
from pipeline.progress import Progress, Silent
from pipeline.read import read
from pipeline.timeline import join_scores
from tracker.detector import YoloDetector
from tracker.roi import CourtPolygon, Roi, validate_rois
from tracker.track_file import TrackFile
from tracker.types import Tracks


def analyze_video(
    source: str | Path,
    config: PipelineConfig | None = None,
    *,
    rois: Sequence[Roi] = (),
    detect_with_rois: bool = False,
    court: Sequence[CourtPolygon] = (),
    given: TrackFile | None = None,
    keep_actions: bool = False,
    progress: Progress | None = None,
) -> Analysis:
    """Find out what every player in a video did.

    source: a video file, a directory of images, or an address that FFmpeg opens.
    rois: players' boxes drawn by hand; with them detection is off and CSRT follows these players only.
    detect_with_rois: everybody is detected all the same, and ``rois`` begin tracks and give names.
    court: the court's outline drawn by hand; empty: it is found by the colours of the floor.
    given: tracks to label, from ``tracker.formats.read_tracks_file``; with them detection and tracking are off.
    keep_actions: the timeline is what the file of ``given`` says and not what the classifier finds.
    Returns the analysis as a value: ``save`` keeps it, ``pipeline.outputs.write.write_outputs`` shows it.
    Raises InputError or InputError for a source, weights or settings that cannot be used.
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
            court=tuple(court),
        )
        if given is not None:
            found = follow_file(base, video, given, progress)
            if keep_actions and given.actions is not None:
                timeline = timeline_of(given.tracks, given.actions, classifier.labels, found.frames)
                return dataclasses.replace(found, timeline=timeline, classifier=None)
        elif rois and not detect_with_rois:
            found = follow_by_hand(base, video, rois, progress)
        else:
            if rois:
                chosen = validate_rois(rois, base.video.width, base.video.height)
                base = dataclasses.replace(base, rois=tuple(chosen))
            detector = YoloDetector(config.detector, device)
            found = follow(look(base, video, detector, config, progress), config, video, progress)
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
            notes=tuple(note for note in analysis.notes if note != NOBODY),
        )
        return read(follow(fresh, config, video, progress), video, classifier, config, progress)


def saved_config(analysis: Analysis) -> PipelineConfig:
    """The settings that an analysis was made with."""
    return with_settings(PipelineConfig(), analysis.settings)


def _load_classifier(config: PipelineConfig, device: str) -> ActionClassifier:
    wanted = config.classifier
    return ActionClassifier(Path(wanted.weights), device, wanted.batch or None, wanted.runtime)


def _settings(config: PipelineConfig) -> dict[str, Any]:
    """The configuration as it reads in JSON."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _video_facts(source: str | Path, video: VideoSource) -> VideoFacts:
    info = video.info
    name = str(source) if "://" in str(source) else str(Path(source).resolve())
    return VideoFacts(name, info.width, info.height, str(info.frame_rate), info.duration, info.codec)


def _classifier_facts(info: CheckpointInfo) -> ClassifierFacts:
    return ClassifierFacts(info.model, info.origin.data, info.origin.starter, info.origin.note)
