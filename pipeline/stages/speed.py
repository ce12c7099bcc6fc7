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
from tracker.court.known import KnownCourt
from tracker.court.positions import feet, positions
from tracker.types import IntArray, Tracks

Floats = npt.NDArray[np.float64]

GAITS = ("no_action", "walk", "run")
"""Labels that say how somebody goes about; no other is spoken for or against by speed."""

WORTH_SAYING = 0.35
"""Confidence with speed in it, under which labels are right less than once in four on each of two broadcasts that no
weights learnt from: 0.20 and 0.24 of them (benchmarks/results/unsure.md). Higher: on one of the two that is more."""

_STATURE = 2.0
"""Metres, of a player: what he goes is measured by where the court is not known."""
_STAND = 0.5
"""Metres per second: spread of the speed of somebody who stands, boxes being what they are."""
_WALK, _WALK_SPREAD = 1.4, 0.35
"""Metres per second, and spread of the logarithm."""
_RUN, _RUN_SPREAD = 3.0, 0.5
"""The same of running, from a jog to a sprint."""
_SURPRISE = 0.01
"""Added to each likelihood: no speed makes a gait impossible."""
_SAY = 2.0
"""Exponent of the speed's likelihood beside the clip's probabilities, which are too sure of themselves in games that
were not learnt from: trained on one source of clips, the classifier wants a temperature of 1.6 to 1.9 on another."""
_TILT = 2.0
"""How many times as far a player goes as his feet do up or down the picture: cameras look down at about 30 degrees."""
_FEET = np.array([0.02, 0.04])
"""Heights of a player: spread of where his feet are taken to be, to the side and up or down the picture; the lower edge
of a box goes with the lower foot."""
_STRIDE = 0.3
"""Seconds after which that is another."""
_USUAL = 2.0
"""Metres per second: spread of players' velocities. Lower: takes more of what is seen for noise."""
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


@dataclass(frozen=True, slots=True)
class _CourtPath:
    """Where the feet of one player are on the court; rows are frames in which that is known."""

    time: Floats
    metres: Floats
    """(N, 2)"""
    noise: Floats
    """(N, 2, 2): covariance of ``metres``."""
    shot: IntArray


def combine_with_speed(
    scores: Sequence[ActionScores],
    labels: Sequence[str],
    tracks: Tracks,
    frames: Frames,
    size: tuple[int, int],
    court: KnownCourt | None = None,
) -> list[ActionScores]:
    """``scores`` with what the players' speed says of their gait.

    labels: of the probabilities; scores stay as they are where none of ``GAITS`` is among them, or fewer than two.
    size: width and height of the picture, pixels. Without views in ``frames`` (nobody looked at the camera) nothing is
    known of speed. court: where it is known, speed is that over the floor; elsewhere it is guessed from statures.
    """
    gaits = [labels.index(gait) if gait in labels else None for gait in GAITS]
    camera = frames.camera()
    if camera is None or not tells_gait(labels, frames):
        return list(scores)
    paths = {i: _path(track, frames, camera, size) for i, track in tracks.by_id()}
    on_court: dict[int, _CourtPath] = {}
    if court is not None and len(court):
        on_court = {i: _court_path(track, frames, court, size[1]) for i, track in tracks.by_id()}
    combined: list[ActionScores] = []
    for score in scores:
        player, span = score.track_id, (score.start, score.end)
        speed = _speed_on_court(on_court[player], *span) if player in on_court else None
        speed = _speed(paths[player], *span) if speed is None else speed
        combined.append(score if speed is None else _combine(score, gaits, likelihoods(speed)))
    return combined


def tells_gait(labels: Sequence[str], frames: Frames) -> bool:
    """Whether speed says anything: of two gaits or more among ``labels``, and with a camera that somebody looked at."""
    return sum(gait in labels for gait in GAITS) >= 2 and frames.is_cut is not None


def likelihoods(speed: float) -> Floats:
    """How likely ``speed``, metres per second, is in each of ``GAITS``: densities, float64 (3,)."""
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
    return score.weighed(weights**_SAY)


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
    """Of the line through the feet from a little before ``start`` to a little after ``end``, in metres per second."""
    inside = _inside(path.time, path.shot, start, end)
    if len(inside) < _FEWEST:
        return None
    centred = path.time[inside] - path.time[inside].mean()
    gone = np.hypot(centred @ path.x[inside], centred @ path.y[inside]) / (centred @ centred)
    return float(gone / np.median(path.height[inside]) * _STATURE)


def _inside(time: Floats, shot: IntArray, start: float, end: float) -> npt.NDArray[np.intp]:
    """Rows from a little before ``start`` to a little after ``end``, of the shot in the middle."""
    first, last = np.searchsorted(time, (start - _EDGE, end + _EDGE))
    rows = np.arange(first, last)
    return rows[shot[rows] == shot[rows[len(rows) // 2]]] if len(rows) else rows


def _court_path(track: Tracks, frames: Frames, court: KnownCourt, height: int) -> _CourtPath:
    at, metres = feet(track.xyxy, height), positions(track, court, height)
    step = np.array([[1.0, 0.0], [0.0, 1.0]])
    ahead, behind = (
        np.stack([court.metres(track.frame_index, at + sign * axis) for axis in step], axis=-1) for sign in (1, -1)
    )
    slope = (ahead - behind) / 2
    stature = (track.xyxy[:, 3] - track.xyxy[:, 1]).astype(np.float64)
    spread = slope * (stature[:, None] * _FEET)[:, None]
    rows, shot = np.searchsorted(frames.index, track.frame_index), frames.shot()
    assert shot is not None
    known = np.isfinite(metres[:, 0]) & np.isfinite(slope).all(axis=(1, 2))
    noise = spread @ spread.transpose(0, 2, 1)
    return _CourtPath(frames.time[rows][known], metres[known], noise[known], shot[rows][known])


def _speed_on_court(path: _CourtPath, start: float, end: float) -> float | None:
    """As ``_speed``, and no more of it than noise leaves: feet seem to run to and fro along the view, where a pixel is
    many centimetres."""
    inside = _inside(path.time, path.shot, start, end)
    if len(inside) < _FEWEST:
        return None
    time = path.time[inside]
    centred = time - time.mean()
    velocity = centred @ path.metres[inside] / (centred @ centred)
    looks = max(1.0, float(np.ptp(time)) / _STRIDE)
    noise = path.noise[inside[len(inside) // 2]] / (looks * np.mean(centred**2))
    usual = _USUAL**2 * np.eye(2)
    return float(np.hypot(*(usual @ np.linalg.solve(usual + noise, velocity))))
