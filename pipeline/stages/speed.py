"""Standing, walking, running: how fast a player goes over the floor, which a clip that is cut around him does not show.

The clip's probabilities and the speed's likelihood are two witnesses of the same action, so they are multiplied (Bayes'
rule). People prefer to walk at 1.4 m/s (Browning et al., Effects of obesity and sex on the energetic cost and preferred
speed of walking, 2006) and begin to run at about 2 m/s (Hreljac, Determinants of the gait transition speed during human
locomotion, 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classify.types import ActionScores
from pipeline.analysis.values import Frames
from tracker.types import IntArray, Tracks

Floats = npt.NDArray[np.float64]

GAITS = ("no_action", "walk", "run")
"""Labels that say how somebody goes about; no other is spoken for or against by speed."""

WORTH_SAYING = 0.35
"""Confidence with speed in it, under which labels are right less than once in four on each of two broadcasts that no
weights learnt from: 0.20 and 0.24 of them (benchmarks/results/unsure.md). Higher: on one of the two that is more."""

_STAND = 0.25
"""Heights of a player per second: spread of the speed of somebody who stands, boxes being what they are."""
_WALK, _WALK_SPREAD = 0.7, 0.35
"""Heights per second, and spread of the logarithm: 1.4 m/s, for players of two metres."""
_RUN, _RUN_SPREAD = 1.5, 0.5
"""The same of running, from a jog to a sprint: 3 m/s."""
_SURPRISE = 0.02
"""Added to each likelihood: no speed makes a gait impossible."""
_SAY = 2.0
"""Exponent of the speed's likelihood beside the clip's probabilities, which are too sure of themselves in games that
were not learnt from: trained on one source of clips, the classifier wants a temperature of 1.6 to 1.9 on another."""
_TILT = 2.0
"""How many times as far a player goes as his feet do up or down the picture: cameras look down at about 30 degrees."""
_FEWEST = 4
"""Frames of a track in a clip, under which its speed is not known."""
_EDGE = 0.1
"""Seconds before and after a clip that count as well: boxes are shaky, and a longer look is steadier."""


@dataclass(frozen=True, slots=True)
class _Path:
    """Where the feet of one player are, camera motion taken out; rows are frames."""

    time: Floats
    """Seconds."""
    x: Floats
    """Pixels of the shot's first picture, to the right; ``y`` is down, with the tilt taken out."""
    y: Floats
    height: Floats
    """Of the player, in the same pixels."""
    shot: IntArray
    """Number of the shot: nothing is known of the way from one to the next."""


def combine_with_speed(
    scores: Sequence[ActionScores], labels: Sequence[str], tracks: Tracks, frames: Frames, size: tuple[int, int]
) -> list[ActionScores]:
    """``scores`` with what the players' speed says of their gait.

    labels: of the probabilities; scores stay as they are where none of ``GAITS`` is among them, or fewer than two.
    size: width and height of the picture, pixels. Without views in ``frames`` (nobody looked at the camera) nothing is
    known of speed.
    """
    gaits = [labels.index(gait) if gait in labels else None for gait in GAITS]
    camera = frames.camera()
    if camera is None or not tells_gait(labels, frames):
        return list(scores)
    paths = {int(i): _path(track, frames, camera, size) for i, track in tracks.by_id()}
    combined: list[ActionScores] = []
    for score in scores:
        speed = _speed(paths[score.track_id], score.start, score.end)
        combined.append(score if speed is None else _combine(score, gaits, likelihoods(speed)))
    return combined


def tells_gait(labels: Sequence[str], frames: Frames) -> bool:
    """Whether speed says anything: of two gaits or more among ``labels``, and with a camera that somebody looked at."""
    return sum(gait in labels for gait in GAITS) >= 2 and frames.is_cut is not None


def likelihoods(speed: float) -> Floats:
    """How likely ``speed``, heights per second, is in each of ``GAITS``: densities, float64 (3,)."""
    stands = np.sqrt(2 / np.pi) / _STAND * np.exp(-0.5 * (speed / _STAND) ** 2)
    return (
        np.array([stands, _log_normal(speed, _WALK, _WALK_SPREAD), _log_normal(speed, _RUN, _RUN_SPREAD)]) + _SURPRISE
    )


def _log_normal(value: float, median: float, spread: float) -> float:
    value = max(value, 1e-3)
    return float(np.exp(-0.5 * (np.log(value / median) / spread) ** 2) / (value * spread * np.sqrt(2 * np.pi)))


def _combine(score: ActionScores, gaits: Sequence[int | None], likely: Floats) -> ActionScores:
    """Other labels go with any speed: for them it is as likely as in all gaits together."""
    weights = np.full(len(score.probabilities), likely.mean())
    for gait, weight in zip(gaits, likely, strict=True):
        if gait is not None:
            weights[gait] = weight
    product = score.probabilities * weights**_SAY
    return ActionScores(score.track_id, score.start, score.end, (product / product.sum()).astype(np.float32))


def _path(track: Tracks, frames: Frames, camera: Floats, size: tuple[int, int]) -> _Path:
    rows = np.searchsorted(frames.index, track.frame_index)
    shift_x, shift_y, zoom = camera[rows].T
    x = ((track.xyxy[:, 0] + track.xyxy[:, 2]) / 2 - size[0] / 2 - shift_x) / zoom
    y = (track.xyxy[:, 3] - size[1] / 2 - shift_y) / zoom
    height = (track.xyxy[:, 3] - track.xyxy[:, 1]) / zoom
    shot = frames.shot()
    assert shot is not None
    return _Path(frames.time[rows], x, _TILT * y, height, shot[rows])


def _speed(path: _Path, start: float, end: float) -> float | None:
    """Of the line through the feet from a little before ``start`` to a little after ``end``, in heights per second."""
    first, last = np.searchsorted(path.time, (start - _EDGE, end + _EDGE))
    if last - first < _FEWEST:
        return None
    shot = path.shot[first:last]
    inside = np.arange(first, last)[shot == shot[len(shot) // 2]]
    time = path.time[inside]
    if len(time) < _FEWEST:
        return None
    centred = time - time.mean()
    pixels = np.hypot(centred @ path.x[inside], centred @ path.y[inside]) / (centred @ centred)
    return float(pixels / np.median(path.height[inside]))
