"""Which sport a video shows: a few frames of each shot are asked, and what they say is averaged, with its spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ground.video.source import VideoSource
from pipeline.progress import Progress, Silent
from pipeline.sport.embeddings import Row
from pipeline.sport.picture import Picture
from pipeline.sport.predict import Answer, SportClassifier, likeliest
from tracker.scene.camera_motion import CameraMotionEstimator
from tracker.types import Detections

_PER_SHOT = 5
"""Frames of a shot that are asked at most, spread over it. Higher: surer, and slower in proportion."""
_APART = 0.4
"""Seconds between frames of a shot that may be asked."""
_LOOK = 0.1
"""Seconds between frames that are looked at for a cut. Higher: a pan is taken for one."""


@dataclass(frozen=True, slots=True)
class VideoAnswer:
    """What a video shows."""

    answer: Answer
    """The mean over all frames that were asked; the nearest examples are those of the frame nearest to any."""
    spread: float
    """Standard deviation over shots of the probability of the first answer; 0 where there is one shot."""
    agreeing: float
    """Share of the frames whose own first answer it is."""
    num_frames: int
    """That were asked."""
    num_shots: int


def tell_video(video: VideoSource, classifier: SportClassifier, progress: Progress | None = None) -> VideoAnswer:
    """What ``video`` shows. Raises InputError where it cannot be read."""
    shots = [[classifier.embedding.row(picture) for picture in shot] for shot in _shots(video, progress or Silent())]
    return _vote([[classifier.tell_row(row) for row in rows] for rows in shots], classifier, shots)


def _vote(answers: list[list[Answer]], classifier: SportClassifier, shots: list[list[Row]]) -> VideoAnswer:
    """All frames count equally."""
    flat = [answer for shot in answers for answer in shot]
    unknown = float(np.mean([answer.unknown for answer in flat]))
    at_all = [answer.sport_at_all for answer in flat if answer.sport_at_all is not None]
    probabilities = classifier.probabilities([row for shot in shots for row in shot]).mean(axis=0)
    likely = likeliest(probabilities, unknown, classifier.sports)
    nearest = max((answer.nearest for answer in flat), key=lambda near: near[0].likeness)
    whole = Answer(likely, unknown, float(np.mean(at_all)) if at_all else None, nearest)
    first = likely[0].sport.id
    spread = float(np.std([np.mean([_of(answer, first) for answer in shot]) for shot in answers]))
    agreeing = float(np.mean([answer.likely[0].sport.id == first for answer in flat]))
    return VideoAnswer(whole, spread, agreeing, len(flat), len(answers))


def _of(answer: Answer, sport_id: str) -> float:
    """How likely a sport is by an answer; unknown, where it is not the first."""
    return next((each.probability for each in answer.likely if each.sport.id == sport_id), answer.unknown)


def _shots(video: VideoSource, progress: Progress) -> Iterator[list[Picture]]:
    """A few pictures of each shot, spread over it; no more than two shots' are in memory."""
    eye, shot, due, look = CameraMotionEstimator(), _Shot(), -np.inf, -np.inf
    with progress.stage("look", video.num_frames) as advance:
        for frame in video:
            advance(1)
            if frame.time < look:
                continue
            look = frame.time + _LOOK
            if eye.update(frame.image, Detections.empty()).is_cut and shot.pictures:
                yield shot.chosen()
                shot, due = _Shot(), -np.inf
            if frame.time >= due:
                due = frame.time + _APART
                shot.add(frame.image)
    yield shot.chosen()


class _Shot:
    """Candidates of one shot: every one at first, then every second, fourth..., however long it is."""

    def __init__(self) -> None:
        self.pictures: list[npt.NDArray[np.uint8]] = []
        self._step, self._turn = 1, 0

    def add(self, picture: Picture) -> None:
        """Keep it where it is its turn."""
        if self._turn % self._step == 0:
            self.pictures.append(picture)
        self._turn += 1
        if len(self.pictures) > 2 * _PER_SHOT:
            self.pictures, self._step = self.pictures[::2], self._step * 2

    def chosen(self) -> list[Picture]:
        """Spread over the shot."""
        count = min(_PER_SHOT, len(self.pictures))
        return [self.pictures[i] for i in np.linspace(0, len(self.pictures) - 1, count).round().astype(int)]
