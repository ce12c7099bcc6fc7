"""What a video shows as a whole: no players, the whole picture through the classifier, averaged over time."""

from __future__ import annotations

import logging
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from classify.data.clips import fit_frame, sixteen
from classify.run.classifier import ActionClassifier
from classify.sampling import is_clip, sampled, steps_of
from classify.types import CLIP_LENGTH, ActionScores
from ground.errors import InputError
from ground.frames import Frame, Image
from ground.video.source import VideoSource
from pipeline.analysis.timeline import Timeline, TimelineConfig, join_scores
from pipeline.progress import Progress, Silent

NOBODY = 0
"""The player in the timeline of a whole video."""
_STRIDE = 8
"""Samples between the starts of windows. Lower: finer timelines, and cost grows as its inverse."""
_SHORT = 5.0
"""Seconds: a video up to this long shows one thing and has one answer."""
_SLOW = 8.0
"""Frames per second under which it is said that movements can hardly be told."""

_log = logging.getLogger("courtscribe")


@dataclass(frozen=True, slots=True)
class WholeVideoConfig:
    """How answers are averaged."""

    average: float = 2.0
    """Seconds over which the answers of windows are averaged. Higher: calmer, and short actions are lost."""

    def __post_init__(self) -> None:
        if not self.average >= 0:
            raise InputError(f"answers are averaged over 0 s or more, not {self.average:g}")


@dataclass(frozen=True, slots=True, eq=False)
class WholeVideo:
    """What the classifier says about a video without looking for players."""

    duration: float
    """Seconds from the first frame to the last."""
    probabilities: npt.NDArray[np.float64]
    """(num_labels,): the answer to the whole video, the mean over its windows."""
    scores: tuple[ActionScores, ...]
    """Each window, averaged with its neighbours in time; in a short video all are the answer to the whole."""
    middles: npt.NDArray[np.float64]
    """(num_windows,): the middle of each, seconds, ascending."""
    timeline: Timeline
    """The scores joined; ``NOBODY`` does all."""

    def top(self, probabilities: npt.NDArray[np.floating], count: int) -> list[tuple[str, float]]:
        """The ``count`` likeliest labels, likeliest first."""
        best = np.argsort(-probabilities, kind="stable")[:count]
        return [(self.timeline.labels[i], float(probabilities[i])) for i in best]

    def scores_at(self, time: float) -> ActionScores:
        """The window whose middle is nearest to ``time`` (seconds)."""
        return self.scores[int(np.abs(self.middles - time).argmin())]


class _Window(NamedTuple):
    start: float
    end: float
    frames: npt.NDArray[np.uint8]
    """uint8 (16, H, W, 3), RGB."""


def classify_video(
    video: VideoSource,
    classifier: ActionClassifier,
    config: WholeVideoConfig | None = None,
    progress: Progress | None = None,
) -> WholeVideo:
    """Label a video as a whole; it is read once, and only answers and times are kept of it.

    Pictures come to the classifier as those that it learnt from did: at the same size and pace, black beside them.
    Raises InputError for a video without frames in its span.
    """
    index, times = array("i"), array("d")
    with (progress or Silent()).stage("label", video.num_frames) as advance:

        def frames() -> Iterator[Frame]:
            for frame in video:
                index.append(frame.index)
                times.append(frame.time)
                yield frame
                advance(1)

        scores = [score for batch in _batches(frames(), video, classifier) for score in _score(batch, classifier)]
    _say_if_slow(video)
    return _summary(scores, np.array(index, np.int32), np.array(times), classifier, config or WholeVideoConfig())


def _say_if_slow(video: VideoSource) -> None:
    rate = 1 / steps_of(video).frame
    if rate < _SLOW and not is_clip(video):
        _log.warning(
            "%s: has %.3g frames a second, too few to see how people move; its labels are guesses", video.source, rate
        )


def moving_average(scores: Iterable[ActionScores], seconds: float) -> Iterator[ActionScores]:
    """Each window with the mean probabilities of all whose middles are within ``seconds`` / 2 of its own.

    scores: in order of their middles. They stream: no more of them are held than are averaged.
    """
    reach = seconds / 2 + 1e-9
    near, waiting = deque[ActionScores](), deque[ActionScores]()
    total: npt.NDArray[np.floating[Any]] | float = 0.0
    for score in chain(scores, [None]):
        while waiting and (score is None or _middle(score) > _middle(waiting[0]) + reach):
            own = waiting.popleft()
            while _middle(near[0]) < _middle(own) - reach:
                total = total - near.popleft().probabilities
            yield replace(own, probabilities=np.clip(total / len(near), 0, 1).astype(np.float32))
        if score is not None:
            total = total + score.probabilities.astype(np.float64)
            near.append(score)
            waiting.append(score)


def _windows(frames: Iterable[Frame], video: VideoSource, classifier: ActionClassifier) -> Iterator[_Window]:
    """Windows of 16 samples, the last one ending where the video ends; a shorter video is played to and fro."""
    profile = classifier.info.profile
    steps = steps_of(video, profile.pace)
    held: deque[tuple[float, Image]] = deque(maxlen=CLIP_LENGTH)
    count, is_given = 0, True

    def window() -> _Window:
        return _Window(held[0][0], held[-1][0] + max(steps), sixteen(np.stack([picture for _, picture in held])))

    for frame, times in sampled(frames, steps):
        picture = fit_frame(frame.image, *profile.picture_size)
        for _ in range(times):
            held.append((frame.time, picture))
            count += 1
            is_given = count >= CLIP_LENGTH and (count - CLIP_LENGTH) % _STRIDE == 0
            if is_given:
                yield window()
    if not is_given:
        yield window()


def _batches(frames: Iterable[Frame], video: VideoSource, classifier: ActionClassifier) -> Iterator[list[_Window]]:
    windows = _windows(frames, video, classifier)
    while batch := list(islice(windows, classifier.batch)):
        yield batch


def _score(batch: Sequence[_Window], classifier: ActionClassifier) -> list[ActionScores]:
    rows = classifier.probabilities(np.stack([window.frames for window in batch]))
    return [ActionScores(NOBODY, w.start, w.end, row) for w, row in zip(batch, rows, strict=True)]


def _summary(
    scores: list[ActionScores],
    index: npt.NDArray[np.int32],
    times: npt.NDArray[np.float64],
    classifier: ActionClassifier,
    config: WholeVideoConfig,
) -> WholeVideo:
    duration = float(times[-1] - times[0])
    mean = sum(s.probabilities.astype(np.float64) for s in scores) / len(scores)
    averaged = tuple(moving_average(scores, float("inf") if duration <= _SHORT else config.average))
    timeline = join_scores(averaged, classifier.labels, index, times, TimelineConfig())
    return WholeVideo(duration, np.asarray(mean), averaged, np.array([_middle(s) for s in averaged]), timeline)


def _middle(score: ActionScores) -> float:
    return (score.start + score.end) / 2
