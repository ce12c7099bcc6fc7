"""Videos whose pictures carry their number, and analyses of them whose boxes carry it, too.

What a browser shows for a frame can then be read from the screen, video and overlay apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ground.video.fingerprint import fingerprint
from ground.video.source import open_video
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.video.encode import write_video
from tracker.teams.teams import Member, Teams
from tracker.types import Tracks

WIDTH, HEIGHT = 640, 360
BITS = 12
LABELS = ("block", "pass", "run", "dribble", "shoot", "ball in hand", "defense", "pick", "no_action", "walk")
_GREY = 110
_LEFT, _STEP, _SIDE = 20, 50, 40
"""Of the bits: pixels."""
_PICTURE_ROW, _BOX_ROW = 20, 200
"""Where bits begin in the picture, and where boxes do."""
KINDS: Mapping[str, tuple[Fraction, Fraction]] = {
    "cfr": (Fraction(25), Fraction(1, 25)),
    "vfr": (Fraction(30), Fraction(1, 90_000)),
    "59.94": (Fraction(60_000, 1001), Fraction(1001, 60_000)),
}
"""Frame rate and time base of each kind of video."""


def times_of(kind: str, count: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """When each of ``count`` pictures is shown, seconds; those of a VFR are 8 to 90 ms long, as a phone makes them."""
    rate, tick = KINDS[kind]
    if kind != "vfr":
        return np.arange(count) / float(rate)
    steps = np.random.default_rng(seed).choice([0.008, 0.0167, 0.033, 0.04, 0.09], count)
    return np.round(np.cumsum(steps) / float(tick)) * float(tick) - np.round(steps[0] / float(tick)) * float(tick)


def write_numbered(path: Path, kind: str, count: int, seed: int = 0) -> None:
    """Write a video (MP4, H.264 with B-frames) of ``count`` pictures, each with its number in white and black."""
    rate, tick = KINDS[kind]
    pictures = ((float(time), _picture(number)) for number, time in enumerate(times_of(kind, count, seed)))
    write_video(path, pictures, frame_rate=rate, time_base=tick)


def _picture(number: int) -> npt.NDArray[np.uint8]:
    image = np.full((HEIGHT, WIDTH, 3), _GREY, np.uint8)
    for bit in range(BITS):
        x = _LEFT + _STEP * bit
        image[_PICTURE_ROW : _PICTURE_ROW + _SIDE, x : x + _SIDE] = 255 * (number >> bit & 1)
    image[300:340, 20 + 5 * (number % 110) : 60 + 5 * (number % 110)] = (200, 120, 40)  # something that moves
    return image


def analysis_of(
    path: Path, names: Mapping[int, str] | None = None, segments: Sequence[ActionSegment] | None = None
) -> Analysis:
    """An analysis of such a video: player b has a box where bit b - 1 of the number is set, and always some action."""
    with open_video(path) as video:
        found = [(frame.index, frame.time) for frame in video]
        info = video.info
    index = np.array([i for i, _ in found], np.int32)
    frames = Frames(index, np.array([time for _, time in found]))
    bits = (index[:, None] >> np.arange(BITS)) & 1
    row, bit = np.nonzero(bits)
    left = _LEFT + _STEP * bit
    top = np.full(len(bit), _BOX_ROW)
    tracks = Tracks.of(index[row], bit + 1, np.column_stack([left, top, left + _SIDE, top + 60]), observed=row % 7 != 3)
    teams = Teams(
        ("Larks", "Owls"),
        ((230, 230, 230), (30, 80, 200)),
        {b + 1: Member(("Larks", "Owls")[b % 2], 0.9) for b in range(BITS - 1)},
    )
    facts = VideoFacts(
        str(path), info.width, info.height, str(info.frame_rate), info.duration, info.codec, fingerprint(path)
    )
    timeline = Timeline(LABELS, tuple(segments if segments is not None else _segments(frames)))
    return Analysis(facts, {}, frames, Players(tracks, names or {}, teams=teams), timeline)


def _segments(frames: Frames) -> list[ActionSegment]:
    """Ten frames of each label in turn, for each player; the last of his is unsure."""
    segments: list[ActionSegment] = []
    end_of_all = float(frames.time[-1] + np.diff(frames.time)[-1])
    for player in range(1, BITS + 1):
        for number, first in enumerate(range(0, len(frames), 10)):
            last = min(first + 10, len(frames))
            end = float(frames.time[last]) if last < len(frames) else end_of_all
            label = LABELS[(number + player) % len(LABELS)] if last < len(frames) else "unsure"
            span = (float(frames.time[first]), end, first, last)
            segments.append(ActionSegment(player, label, *span, 0.3 + 0.06 * ((number + player) % 10)))
    return sorted(segments, key=lambda s: (s.start, s.track_id))


def numbers_in(picture: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """The number that the video shows and the one that the boxes show, read from a screen of video and overlay."""
    scale = min(picture.shape[1] / WIDTH, picture.shape[0] / HEIGHT)
    left, top = (picture.shape[1] - WIDTH * scale) / 2, (picture.shape[0] - HEIGHT * scale) / 2
    shown, boxed = 0, 0
    for bit in range(BITS):
        x = left + scale * (_LEFT + _STEP * bit)
        y = top + scale * (_PICTURE_ROW + _SIDE / 2)
        block = picture[int(y - 4) : int(y + 4), int(x + scale * 16) : int(x + scale * 24)]
        shown |= int(block.mean() > 2 * _GREY / 1.6) << bit
        middle = int(top + scale * (_BOX_ROW + 30))  # more than a line of it: guessed boxes are dashed
        edge = picture[middle - 8 : middle + 9, round(x) - 3 : round(x) + 4].astype(int)
        boxed |= int(np.abs(edge - _GREY).max() > 40) << bit
    return shown, boxed
