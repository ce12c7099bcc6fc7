"""Pass 3, read: clips are cut along the tracks and labelled, and the labels joined into a timeline."""

from __future__ import annotations

import dataclasses

from classify.types import ActionScores, Classifier, Clip
from ground.video.source import VideoSource
from pipeline.analysis import Analysis, FrameTable
from pipeline.config import PipelineConfig
from pipeline.gait import heed_speed
from pipeline.progress import Progress
from pipeline.timeline import join_scores, say_unsure
from pipeline.windows import ClipCutter, WindowConfig, plan_windows
from tracker.types import Tracks


def read(
    analysis: Analysis, video: VideoSource, classifier: Classifier, config: PipelineConfig, progress: Progress
) -> Analysis:
    """Pass 3 and the join: cut clips along the tracks, label them, make the timeline."""
    frames = analysis.frames
    scores = classify_tracks(analysis.tracks, frames, video, classifier, config.windows, progress)
    if config.timeline.heed_speed:
        size = analysis.video.width, analysis.video.height
        scores = heed_speed(scores, classifier.labels, analysis.tracks, frames, size)
    timeline = join_scores(scores, classifier.labels, frames.index, frames.time, config.timeline)
    least = config.timeline.min_confidence
    timeline = say_unsure(timeline, classifier.unsure_below if least is None else least)
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
    plan = plan_windows(tracks, frames.index, frames.time, config, frames.shot())
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
