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

from classify.run.classifier import ActionClassifier
from ground.devices import resolve_device
from ground.errors import InputError
from ground.video.fingerprint import fingerprint
from ground.video.source import VideoSource, open_video
from pipeline.analysis.same_video import require_same_video
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import Analysis, ClassifierFacts, Drawn, Players, VideoFacts
from pipeline.config import PipelineConfig, with_settings
from pipeline.progress import Progress, Silent
from pipeline.stages.by_hand import follow_by_hand, follow_file
from pipeline.stages.carry_names import carry_names
from pipeline.stages.detect import Detected, detect_players
from pipeline.stages.from_file import timeline_of
from pipeline.stages.label import join, label_players
from pipeline.stages.track import track_players
from tracker.by_hand.rois import CourtPolygon, Roi, validate_rois
from tracker.detect.detector import YoloDetector
from tracker.files.track_file import TrackFile


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
    given: tracks to label, from ``tracker.files.formats.read_tracks_file``; with them detection and tracking are off.
    keep_actions: the timeline is what the file of ``given`` says and not what the classifier finds.
    Returns the analysis as a value: ``save`` keeps it, ``pipeline.outputs.write.write_outputs`` shows it.
    Raises InputError for a source, weights or settings that cannot be used.
    """
    config, progress = config or PipelineConfig(), progress or Silent()
    classifier = _load_classifier(config)
    detections, seeds, drawn = None, None, Drawn(court=tuple(court))
    with open_video(source, config.start, config.end, image_rate=config.image_rate) as video:
        facts = _video_facts(source, video)
        if given is not None:
            frames, players = follow_file(video, given, progress)
        elif rois and not detect_with_rois:
            frames, players = follow_by_hand(video, rois, progress)
        else:
            if rois:
                drawn = dataclasses.replace(drawn, rois=tuple(validate_rois(rois, facts.width, facts.height)))
            looked = _look(video, drawn, config, progress)
            frames, detections, seeds = looked
            players = track_players(looked, drawn, (facts.width, facts.height), config, video, progress)
        found = Analysis(
            facts, _settings(config), frames, players, Timeline(classifier.labels, ()),
            detections=detections, seeds=seeds, drawn=drawn,
        )  # fmt: skip
        if keep_actions and given is not None and given.actions is not None:
            timeline = timeline_of(given.tracks, given.actions, classifier.labels, frames)
            return dataclasses.replace(found, timeline=timeline)
        return _label(found, video, classifier, config, progress)


def track_again(
    analysis: Analysis, config: PipelineConfig, progress: Progress | None = None, video: str | None = None
) -> Analysis:
    """Follow the saved detections with the tracker of ``config`` and label the new tracks.

    Names given to players go to the tracks that cover the same boxes. video: where the analysed video is now, if it
    has been moved. Raises InputError when the analysis has no detections, or when its video is gone or is another.
    """
    if analysis.detections is None:
        raise InputError("there are no detections in this analysis to track")
    progress, facts = progress or Silent(), analysis.video
    source = video or facts.source
    classifier = _load_classifier(config)
    with open_video(source, config.start, config.end, image_rate=facts.image_rate) as opened:
        require_same_video(facts, opened)
        looked = Detected(analysis.frames, analysis.detections, analysis.seeds)
        players = track_players(looked, analysis.drawn, (facts.width, facts.height), config, opened, progress)
        found = dataclasses.replace(
            analysis,
            video=dataclasses.replace(facts, source=_where(source)),
            settings=_settings(config),
            players=_with_names(players, analysis),
        )
        return _label(found, opened, classifier, config, progress)


def _with_names(players: Players, before: Analysis) -> Players:
    names, notes = carry_names(before.names, before.tracks, players.tracks)
    return dataclasses.replace(players, names={**names, **players.names}, notes=(*players.notes, *notes))


def _look(video: VideoSource, drawn: Drawn, config: PipelineConfig, progress: Progress) -> Detected:
    detector = YoloDetector(config.detector, resolve_device(config.device))
    carried = drawn.rois if config.tracker.bridge else ()
    return detect_players(video, detector, progress, config.detector.classes, carried)


def _label(
    found: Analysis, video: VideoSource, classifier: ActionClassifier, config: PipelineConfig, progress: Progress
) -> Analysis:
    """Pass 3 and the join."""
    tracks, frames, size = found.tracks, found.frames, (found.video.width, found.video.height)
    scores = label_players(tracks, frames, video, classifier, config.windows, progress)
    facts = _classifier_facts(classifier)
    timeline = join(scores, classifier.labels, facts.unsure_below, tracks, frames, size, config.timeline)
    return dataclasses.replace(found, scores=scores, timeline=timeline, classifier=facts)


def saved_config(analysis: Analysis) -> PipelineConfig:
    """The settings that an analysis was made with."""
    return with_settings(PipelineConfig(), analysis.settings)


def _load_classifier(config: PipelineConfig) -> ActionClassifier:
    wanted = config.classifier
    device = resolve_device(config.device)
    return ActionClassifier(Path(wanted.weights), device, wanted.batch or None, wanted.runtime)


def _settings(config: PipelineConfig) -> dict[str, Any]:
    """The configuration as it reads in JSON."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _video_facts(source: str | Path, video: VideoSource) -> VideoFacts:
    info = video.info
    return VideoFacts(
        _where(source), info.width, info.height, str(info.frame_rate), info.duration, info.codec, fingerprint(source)
    )


def _where(source: str | Path) -> str:
    return str(source) if "://" in str(source) else str(Path(source).resolve())


def _classifier_facts(classifier: ActionClassifier) -> ClassifierFacts:
    info, origin = classifier.info, classifier.info.origin
    return ClassifierFacts(info.model, origin.data, origin.starter, origin.note, classifier.unsure_below)
