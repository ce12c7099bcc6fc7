"""Which frames of a video are looked at: one rule for clips that are learnt from, judged on and labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from classify.types import CLIP_HEIGHT, CLIP_PACE, CLIP_WIDTH
from ground.frames import Frame
from ground.video.source import VideoSource

MAX_FRAMES = 250
"""A longer clip (ten seconds) shows more than one action. Raised, a file that is a whole game takes that memory."""

_TOLERANCE = 0.2
"""A whole number of frames is the step where its pace is this close to the one asked for."""
_LONGEST_GAP = 1.0
"""Seconds without a frame that are filled with the next frame; after longer ones sampling starts anew."""


class Steps(NamedTuple):
    """How far apart things are, in seconds of a video's own clock."""

    frame: float
    """From one frame to the next."""
    sample: float
    """From one sample to the next."""


def sample_interval(frame_times: npt.NDArray[np.float64], pace: float = CLIP_PACE) -> float:
    """Seconds between samples: a whole number of frames where that is near the pace, else exactly the pace.

    24, 25 and 30 frames a second are taken as they are, every second of 50 and 60: even steps keep motion even.
    """
    if len(frame_times) < 2:
        return 1 / pace
    intervals = np.diff(frame_times)
    # Not the median itself: containers that round to milliseconds alternate between 33 and 34.
    frame = float(intervals[intervals < 1.5 * np.median(intervals)].mean())
    step = max(1, round(1 / (pace * frame)))
    return step * frame if abs(pace * step * frame - 1) <= _TOLERANCE + 1e-9 else 1 / pace


def steps_of(video: VideoSource, pace: float = CLIP_PACE) -> Steps:
    """How a video is sampled ``pace`` times a second.

    What it says of its rate is believed, unless it is a ready-made clip (see ``is_clip``).
    """
    rate = float(video.info.frame_rate)
    true_rate = max(rate, CLIP_PACE) if is_clip(video) else rate
    return Steps(1 / rate, sample_interval(np.array([0.0, 1 / true_rate]), pace) * true_rate / rate)


def is_clip(video: VideoSource) -> bool:
    """Whether this is a clip of one player as SpaceJam cuts them, whose header says 10 frames a second and means 25.

    Told by the size of its pictures, 128x176, which cameras do not have, and by its length, ``MAX_FRAMES`` at most.
    """
    info = video.info
    length = info.num_frames_claimed or round((info.duration or 0) * info.frame_rate)
    return (info.width, info.height) == (CLIP_WIDTH, CLIP_HEIGHT) and length <= MAX_FRAMES


def sampled(frames: Iterable[Frame], steps: Steps) -> Iterator[tuple[Frame, int]]:
    """The frames nearest to every sample, each with how many samples it stands for."""
    wanted: float | None = None
    reach = min(steps.frame, _LONGEST_GAP) / 2
    for frame in frames:
        if wanted is None or frame.time - wanted > _LONGEST_GAP:
            wanted = frame.time
        times = int((frame.time + reach - wanted) // steps.sample) + 1
        if times > 0:
            wanted += times * steps.sample
            yield frame, times
