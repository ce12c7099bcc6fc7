"""An analysis, the composition of its stages: detect, track (follow, link, select, smooth), label, join.

Each stage leaves one value. A recorded game can be read more than once: clips are cut along finished, smoothed tracks,
and tracking can be tuned without detecting again.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from classify.run.classifier import ActionClassifier
from ground.errors import InputError
from ground.video.fingerprint import fingerprint
from ground.video.parts import UnplannedError
from ground.video.source import VideoSource, open_video
from pipeline.analysis.same_video import require_same_video
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import Analysis, ClassifierFacts, Drawn, Frames, Players, VideoFacts
from pipeline.config import PipelineConfig, recorded_config
from pipeline.models import Models
from pipeline.parts.partwise import Partwise, detect_as_it_comes
from pipeline.parts.passes import Span
from pipeline.parts.run import Workers
from pipeline.progress import Progress, Silent
from pipeline.stages.ball import follow_ball
from pipeline.stages.by_hand import follow_by_hand, follow_file
from pipeline.stages.carry_names import carry_names
from pipeline.stages.court import CourtLook, CourtViews, court_by_hand, court_look, find_court
from pipeline.stages.detect import Detected, detect_players
from pipeline.stages.from_file import timeline_of
from pipeline.stages.label import join, label_players
from pipeline.stages.players import select_players, smooth_players, tell_numbers, tell_teams
from pipeline.stages.track import follow, see_looks
from tracker.ball.path import BallPath
from tracker.by_hand.court_outline import CourtPolygon
from tracker.by_hand.rois import Roi, validate_rois
from tracker.court.known import KnownCourt
from tracker.court.landmarks import CourtLandmarks
from tracker.files.track_file import TrackFile
from tracker.track.linking import link
from tracker.track.registry import make_tracker

_log = logging.getLogger("courtscribe")


def analyze_video(
    source: str | Path,
    config: PipelineConfig | None = None,
    *,
    models: Models | None = None,
    workers: Workers | None = None,
    rois: Sequence[Roi] = (),
    detect_with_rois: bool = False,
    court: Sequence[CourtPolygon] = (),
    landmarks: Sequence[CourtLandmarks] = (),
    given: TrackFile | None = None,
    keep_actions: bool = False,
    progress: Progress | None = None,
) -> Analysis:
    """Find out what every player in a video did.

    source: a video file, a directory of images, or an address that FFmpeg opens.
    models: networks that are loaded already; pass the same on from video to video.
    workers: where parts are kept while it runs, so that it goes on from there when it is begun again, and who makes
        them; they bring their own ``models``. None: nothing is kept.
    rois: players' boxes drawn by hand; with them detection is off and CSRT follows these players only.
    detect_with_rois: everybody is detected all the same, and ``rois`` begin tracks and give names.
    court: the court's outline drawn by hand; empty: it is found by the colours of the floor.
    landmarks: points of the court in pixels and metres; with them nobody looks for the court's lines.
    given: tracks to label, from ``tracker.files.formats.read_tracks_file``; with them detection and tracking are off.
    keep_actions: the timeline is what the file of ``given`` says and not what the classifier finds.
    progress: is told how far each stage is, and may stop it, see ``pipeline.progress``.
    Returns the analysis as a value: ``save`` keeps it, ``pipeline.outputs.write.write_outputs`` shows it.
    Raises InputError for a source, weights or settings that cannot be used.
    """
    config, progress = config or PipelineConfig(), progress or Silent()
    if landmarks:
        config = dataclasses.replace(config, court=dataclasses.replace(config.court, find=False))
    models = models or (workers.models if workers else Models())
    classifier = models.classifier(config)  # first: weights that cannot be used are said before hours of detection
    detected, drawn = None, Drawn(court=tuple(court), landmarks=tuple(landmarks))
    with open_video(source, config.start, config.end, image_rate=config.image_rate) as video:
        facts = _video_facts(source, video)
        size, aspect = (facts.width, facts.height), video.info.sample_aspect_ratio
        partwise = _partwise(video, facts, config, workers, progress) if workers else None
        if given is not None:
            frames, players, views = follow_file(video, given, progress, _look(video, config, models), config.teams)
        elif rois and not detect_with_rois:
            if workers is not None:
                _log.info("boxes drawn by hand are followed in one go: should it be stopped, that pass begins anew")
            frames, players, views = follow_by_hand(video, rois, progress, _look(video, config, models), config.teams)
        else:
            drawn = dataclasses.replace(drawn, rois=tuple(validate_rois(rois, *size)) if rois else ())
            detected, partwise = _detect(video, facts, config, models, workers, partwise, progress)
            frames, views = detected.frames, detected.views
            detected = detected._replace(court=_court(views, frames, drawn, size, aspect, config))
            players = track_players(detected, drawn, size, config, models, video, progress, partwise)
        found = Analysis(
            facts, _settings(config), frames, players, Timeline(classifier.labels, ()),
            detections=detected and detected.detections, drawn=drawn,
            court=detected.court if detected else _court(views, frames, drawn, size, aspect, config),
            things=detected and detected.things, ball=detected and _ball(detected, players, size, config, progress),
        )  # fmt: skip
        if keep_actions and given is not None and given.actions is not None:
            timeline = timeline_of(given.tracks, given.actions, classifier.labels, frames)
            return dataclasses.replace(found, timeline=timeline)
        return _label(found, video, classifier, config, progress, partwise)


def _look(video: VideoSource, config: PipelineConfig, models: Models) -> CourtLook | None:
    return court_look(models.court(config), video.info.sample_aspect_ratio)


def _court(
    views: CourtViews, frames: Frames, drawn: Drawn, size: tuple[int, int], aspect: Fraction, config: PipelineConfig
) -> KnownCourt:
    if drawn.landmarks:
        return court_by_hand(drawn.landmarks, frames, size, config.court)
    return find_court(views, frames, size, aspect, config.court)


def track_again(
    analysis: Analysis,
    config: PipelineConfig,
    progress: Progress | None = None,
    video: str | None = None,
    models: Models | None = None,
) -> Analysis:
    """Follow the saved detections with the tracker of ``config`` and label the new tracks.

    Names given to players go to the tracks that cover the same boxes. video: where the analysed video is now, if it
    has been moved. Raises InputError when the analysis has no detections, or when its video is gone or is another.
    """
    if analysis.detections is None:
        raise InputError("there are no detections in this analysis to track")
    models, progress, facts = models or Models(), progress or Silent(), analysis.video
    every = saved_config(analysis).detector.every  # of the detections that are there
    config = dataclasses.replace(config, detector=dataclasses.replace(config.detector, every=every))
    source = video or facts.source
    classifier = models.classifier(config)
    with open_video(source, config.start, config.end, image_rate=facts.image_rate) as opened:
        require_same_video(facts, opened)
        detected = Detected(analysis.frames, analysis.detections, analysis.things, court=analysis.court)
        size = (facts.width, facts.height)
        players = track_players(detected, analysis.drawn, size, config, models, opened, progress)
        found = dataclasses.replace(
            analysis,
            video=dataclasses.replace(facts, source=_where(source)),
            settings=_settings(config),
            players=_with_names(players, analysis),
            ball=_ball(detected, players, size, config, progress),
        )
        return _label(found, opened, classifier, config, progress)


def label_again(
    analysis: Analysis,
    config: PipelineConfig,
    progress: Progress | None = None,
    video: str | None = None,
    models: Models | None = None,
) -> Analysis:
    """Label the saved tracks with the classifier of ``config``; who is where stays as it is.

    video: where the analysed video is now, if it has been moved. Raises InputError for weights that cannot be used, and
    when the video is gone or is another.
    """
    models, progress, facts = models or Models(), progress or Silent(), analysis.video
    classifier = models.classifier(config)
    with open_video(video or facts.source, config.start, config.end, image_rate=facts.image_rate) as opened:
        require_same_video(facts, opened)
        timeline = Timeline(classifier.labels, ())
        found = dataclasses.replace(analysis, settings=_settings(config), timeline=timeline)
        return _label(found, opened, classifier, config, progress)


def track_players(
    detected: Detected,
    drawn: Drawn,
    size: tuple[int, int],
    config: PipelineConfig,
    models: Models,
    video: VideoSource | None,
    progress: Progress,
    partwise: Partwise | None = None,
) -> Players:
    """Pass 2 as a whole: detections into smoothed tracks of those who play, and their teams.

    size: width and height of the picture, pixels. video: for a few views of everybody; None: no pixels, no teams.
    Raises InputError for weights that cannot be used.
    """
    classes, every = config.detector.classes, config.detector.every
    tracklets, seeds = follow(detected, drawn, size, make_tracker(config.tracker), classes, every)
    seen = None
    if partwise is not None:
        seen = partwise.see_looks(tracklets, size)
    elif video is not None:
        seen = see_looks(tracklets, size, models.describers(config), video, progress, models.number_reader(config))
    if config.tracker.online_only or not config.linking.offline:
        tracks = tracklets.tracks()
    else:
        tracks = link(tracklets, config.linking, seen and seen.costs, seen and seen.likeness)
    players = select_players(tracks, seeds, detected, drawn, size, config.selection, classes)
    if seen is not None:
        players = tell_numbers(tell_teams(players, seen.kits, config.teams), seen.numbers)
    return smooth_players(players, detected.frames, config.smoothing, every)


def _ball(
    detected: Detected, players: Players, size: tuple[int, int], config: PipelineConfig, progress: Progress
) -> BallPath | None:
    return follow_ball(detected, players, size, config.ball, progress, config.detector.every)


def _with_names(players: Players, before: Analysis) -> Players:
    names, notes = carry_names(before.players.names, before.tracks, players.tracks)
    return dataclasses.replace(players, names={**names, **players.names}, notes=(*players.notes, *notes))


def _partwise(
    video: VideoSource, facts: VideoFacts, config: PipelineConfig, workers: Workers, progress: Progress
) -> Partwise | None:
    """The video as one that goes part by part; None where it can only be read as it comes."""
    parts = video.plan() if facts.fingerprint else None
    if not parts:
        return None
    return Partwise(video, facts.fingerprint, parts, _span(facts, config), config, workers, progress)


def _span(facts: VideoFacts, config: PipelineConfig) -> Span:
    return Span(facts.source, config.start, config.end, facts.image_rate)


def _detect(
    video: VideoSource,
    facts: VideoFacts,
    config: PipelineConfig,
    models: Models,
    workers: Workers | None,
    partwise: Partwise | None,
    progress: Progress,
) -> tuple[Detected, Partwise | None]:
    if partwise is not None:
        try:
            return partwise.detect(), partwise
        except UnplannedError:
            _log.info("%s: shows other frames than it promises, and is read from beginning to end", video.source)
    if workers is not None and facts.fingerprint:
        return detect_as_it_comes(video, facts.fingerprint, _span(facts, config), config, workers, progress), None
    wanted = config.detector
    look = _look(video, config, models)
    return detect_players(video, models.detector(config), progress, wanted.classes, wanted.every, look), None


def _label(
    found: Analysis,
    video: VideoSource,
    classifier: ActionClassifier,
    config: PipelineConfig,
    progress: Progress,
    partwise: Partwise | None = None,
) -> Analysis:
    """Pass 3 and the join."""
    tracks, frames, size = found.tracks, found.frames, (found.video.width, found.video.height)
    if partwise is not None:
        scores = partwise.label(tracks, frames)
    else:
        scores = label_players(tracks, frames, video, classifier, config.windows, progress)
    facts = _classifier_facts(classifier)
    unsure, court = facts.unsure_below, found.court
    timeline = join(
        scores, classifier.labels, unsure, tracks, frames, size, config.timeline, court, found.ball, found.teams
    )
    return dataclasses.replace(found, scores=scores, timeline=timeline, classifier=facts)


def saved_config(analysis: Analysis) -> PipelineConfig:
    """The settings that an analysis was made with."""
    return recorded_config(analysis.settings)


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
