"""What a video shows as a whole: no players, the whole picture through the classifier, averaged over time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from classify.classifier import ActionClassifier
from classify.clips import sixteen
from classify.types import CLIP_LENGTH, ActionScores
from ground.errors import InputError
from ground.frames import Frame, Image
from ground.video.source import VideoSource
from pipeline.progress import Progress, Silent
from pipeline.timeline import Timeline, TimelineConfig, join_scores
from pipeline.windows import sample_interval

NOBODY = 0
"""The player in the timeline of a whole video."""
_STRIDE = 8
"""Samples between the starts of windows. Lower: finer timelines, and cost grows as its inverse."""
_SHORT = 5.0
"""Seconds: a video up to this long shows one thing and has one answer."""
_LONGEST_GAP = 1.0
"""Seconds without a frame that are filled with the next frame; after longer ones sampling starts anew."""


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
    """Label a video as a whole; it is read once, and memory does not grow with its length.

    Pictures are letterboxed to the size that the checkpoint's profile asks for, and sampled at its pace.
    Raises InputError for a video without frames in its span.
    """
    config, seen, scores, batch = config or WholeVideoConfig(), list[tuple[int, float]](), list[ActionScores](), []
    with (progress or Silent()).stage("read", video.num_frames) as advance:

        def frames() -> Iterator[Frame]:
            for frame in video:
                seen.append((frame.index, frame.time))
                yield frame
                advance(1)

        for window in _windows(frames(), video, classifier):
            batch.append(window)
            if len(batch) == classifier.batch:
                scores += _score(batch, classifier)
                batch = []
        scores += _score(batch, classifier)
    return _summary(
        scores, np.array([i for i, _ in seen], np.int32), np.array([t for _, t in seen]), classifier, config
    )


def letterbox(image: Image, height: int, width: int) -> Image:
    """uint8 (H, W, 3) -> (height, width, 3): all of the picture, aspect kept, in the middle, black bars around it."""
    scale = min(height / image.shape[0], width / image.shape[1])
    inner = (min(width, max(1, round(image.shape[1] * scale))), min(height, max(1, round(image.shape[0] * scale))))
    framed = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    framed[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=method)
    return framed


def moving_average(scores: Sequence[ActionScores], seconds: float) -> list[ActionScores]:
    """Each window with the mean probabilities of all whose middles are within ``seconds`` / 2 of its own."""
    middles = _middles(scores)
    sums = np.cumsum([np.zeros(len(scores[0].probabilities)), *(s.probabilities for s in scores)], axis=0)
    low = np.searchsorted(middles, middles - seconds / 2 - 1e-9)
    high = np.searchsorted(middles, middles + seconds / 2 + 1e-9)
    means = ((sums[high] - sums[low]) / (high - low)[:, None]).astype(np.float32)
    return [ActionScores(s.track_id, s.start, s.end, p) for s, p in zip(scores, means, strict=True)]


def _windows(frames: Iterable[Frame], video: VideoSource, classifier: ActionClassifier) -> Iterator[_Window]:
    """Windows of 16 samples, the last one ending where the video ends; a shorter video is played to and fro."""
    profile, frame_period = classifier.info.profile, 1 / float(video.info.frame_rate)
    interval = sample_interval(np.array([0.0, frame_period]), profile.pace)
    held: deque[tuple[float, Image]] = deque(maxlen=CLIP_LENGTH)
    count, is_given = 0, True

    def window() -> _Window:
        return _Window(held[0][0], held[-1][0] + interval, sixteen(np.stack([picture for _, picture in held])))

    for frame, times in _sampled(frames, interval, frame_period):
        picture = letterbox(frame.image, profile.height, profile.width)
        for _ in range(times):
            held.append((frame.time, picture))
            count += 1
            is_given = count >= CLIP_LENGTH and (count - CLIP_LENGTH) % _STRIDE == 0
            if is_given:
                yield window()
    if not is_given:
        yield window()


def _sampled(frames: Iterable[Frame], interval: float, frame_period: float) -> Iterator[tuple[Frame, int]]:
    """The frames nearest to every ``interval`` seconds, each with how many samples it stands for."""
    wanted: float | None = None
    for frame in frames:
        if wanted is None or frame.time - wanted > _LONGEST_GAP:
            wanted = frame.time
        times = int((frame.time + frame_period / 2 - wanted) // interval) + 1
        if times > 0:
            wanted += times * interval
            yield frame, times


def _score(batch: Sequence[_Window], classifier: ActionClassifier) -> list[ActionScores]:
    if not batch:
        return []
    rows = classifier.probabilities(np.stack([window.frames for window in batch]))
    return [ActionScores(NOBODY, w.start, w.end, row) for w, row in zip(batch, rows, strict=True)]


def _summary(
    scores: Sequence[ActionScores],
    index: npt.NDArray[np.int32],
    times: npt.NDArray[np.float64],
    classifier: ActionClassifier,
    config: WholeVideoConfig,
) -> WholeVideo:
    duration = float(times[-1] - times[0])
    averaged = moving_average(scores, float("inf") if duration <= _SHORT else config.average)
    timeline = join_scores(averaged, classifier.labels, index, times, TimelineConfig())
    mean = np.array([s.probabilities for s in scores], np.float64).mean(axis=0)
    return WholeVideo(duration, mean, tuple(averaged), _middles(scores), timeline)


def _middles(scores: Sequence[ActionScores]) -> npt.NDArray[np.float64]:
    return np.array([(s.start + s.end) / 2 for s in scores])
