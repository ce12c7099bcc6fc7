"""Pass 3, label: clips are cut along the tracks and labelled. And the join, which needs no pictures and no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import takewhile

from classify.types import ActionScores, Classifier, Clip
from ground.frames import Frame
from ground.prefetch import prefetch
from ground.video.parts import by_part
from ground.video.source import VideoSource
from pipeline.analysis.timeline import Timeline, TimelineConfig, join_scores, say_unsure
from pipeline.analysis.values import Frames, Scores
from pipeline.profile import note_batch
from pipeline.progress import Advance, Progress
from pipeline.stages.possession import combine_with_ball
from pipeline.stages.sides import combine_with_sides
from pipeline.stages.speed import WORTH_SAYING, combine_with_speed, tells_gait
from pipeline.stages.windows import ClipCutter, WindowConfig, notes_on_times, plan_windows
from tracker.ball.path import BallPath
from tracker.court.known import KnownCourt
from tracker.teams.teams import Teams
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
    if not plan.num_windows:
        return no_scores(tracks, frames, config)
    cutter, scores, last = ClipCutter(plan), list[ActionScores](), int(plan.frame_index[-1])
    with progress.stage("label", plan.num_windows, "clip") as advance:
        shown = takewhile(lambda frame: frame.index <= last, video)
        for part in by_part(shown, video.info.frame_rate):
            scores += label_frames(part, cutter, classifier, advance)
    return Scores(tuple(scores), notes_on_times(frames.time, config))


def no_scores(tracks: Tracks, frames: Frames, config: WindowConfig) -> Scores:
    """What is said where no clip can be cut."""
    return Scores(notes=(*notes_on_times(frames.time, config), _NO_CLIP) if len(tracks) else ())


def label_frames(
    frames: Iterable[Frame], cutter: ClipCutter, classifier: Classifier, advance: Advance = lambda _: None
) -> list[ActionScores]:
    """Scores of the windows that ``frames`` complete; clips are cut in a thread while others go through the network.

    Batches end with them, so that what shares one does not depend on who labels the next part.
    """
    scores, waiting = list[ActionScores](), list[Clip]()

    def classify(count: int) -> None:
        batch = waiting[:count]
        del waiting[:count]
        note_batch(len(batch) / classifier.batch)
        scores.extend(classifier.classify(batch))
        advance(len(batch))

    with closing(prefetch(cutter.update(frame) for frame in frames)) as cut:
        for clips in cut:
            waiting += clips
            while len(waiting) >= classifier.batch:
                classify(classifier.batch)
    if waiting:
        classify(len(waiting))
    return scores


def join(
    scores: Scores,
    labels: Sequence[str],
    unsure_below: float,
    tracks: Tracks,
    frames: Frames,
    size: tuple[int, int],
    config: TimelineConfig,
    court: KnownCourt | None = None,
    ball: BallPath | None = None,
    teams: Teams | None = None,
) -> Timeline:
    """Scores as the classifier gave them, and what speed, the ball and the teams say, into a timeline.

    labels: in the order of the probabilities. unsure_below: the classifier's own threshold, where ``config`` has none;
    it was found without speed, so where speed is heeded what is worth saying with speed counts if it is higher.
    size: width and height of the picture, pixels. court: where it is known, speed is in metres; None: nowhere. ball:
    who has it; None: nobody looked. teams: who is of which; None: not known.
    """
    windows, combined = scores.windows, None
    if config.heed_speed and tells_gait(labels, frames):
        combined = combine_with_speed(windows, labels, tracks, frames, size, court)
        unsure_below = max(unsure_below, WORTH_SAYING)
    if config.context and ball is not None:
        combined = combine_with_ball(combined or windows, labels, ball, frames)
        if teams is not None:
            combined = combine_with_sides(combined, labels, ball, teams, frames)
    timeline = join_scores(windows, labels, frames.index, frames.time, config, combined)
    return say_unsure(timeline, unsure_below if config.min_confidence is None else config.min_confidence)
