"""Pass 3, label: clips are cut along the tracks and labelled. And the join, which needs no pictures and no network."""

from __future__ import annotations

from collections.abc import Sequence

from classify.types import ActionScores, Classifier, Clip
from ground.video.source import VideoSource
from pipeline.analysis.timeline import Timeline, TimelineConfig, join_scores, say_unsure
from pipeline.analysis.values import Frames, Scores
from pipeline.progress import Progress
from pipeline.stages.speed import WORTH_SAYING, heed_speed, tells_gait
from pipeline.stages.windows import ClipCutter, WindowConfig, notes_on_times, plan_windows
from tracker.types import Tracks

_NO_CLIP = "nobody is labelled: no player is in the picture for long enough to cut a clip"


def label_players(
    tracks: Tracks,
    frames: Frames,
    video: VideoSource,
    classifier: Classifier,
    config: WindowConfig,
    progress: Progress,
) -> Scores:
    """Pass 3: scores of every window of every track; clips of all players go through the model together."""
    plan = plan_windows(tracks, frames.index, frames.time, config, frames.shot())
    notes = notes_on_times(frames.time, config) if len(tracks) else ()
    if not plan.num_windows:
        return Scores(notes=(*notes, _NO_CLIP) if len(tracks) else ())
    cutter, scores, waiting = ClipCutter(plan), list[ActionScores](), list[Clip]()
    batch = classifier.batch
    last = int(plan.frame_index[-1])
    with progress.stage("label", plan.num_windows, "clip") as advance:
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
    return Scores(tuple(scores), notes)


def join(
    scores: Scores,
    labels: Sequence[str],
    unsure_below: float,
    tracks: Tracks,
    frames: Frames,
    size: tuple[int, int],
    config: TimelineConfig,
) -> Timeline:
    """Scores as the classifier gave them, and what the players' speed says, into a timeline.

    labels: in the order of the probabilities. unsure_below: the classifier's own threshold, where ``config`` has none;
    it was found without speed, so where speed is heeded what is worth saying with speed counts if it is higher.
    size: width and height of the picture, pixels.
    """
    windows, heeded = scores.windows, None
    if config.heed_speed and tells_gait(labels, frames):
        heeded = heed_speed(windows, labels, tracks, frames, size)
        unsure_below = max(unsure_below, WORTH_SAYING)
    timeline = join_scores(windows, labels, frames.index, frames.time, config, heeded)
    return say_unsure(timeline, unsure_below if config.min_confidence is None else config.min_confidence)
