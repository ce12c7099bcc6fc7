"""Boxes that do not jitter: finished tracks, smoothed from both ends of time and filled in across short gaps.

Each track goes through FilterPy's Kalman filter and Rauch-Tung-Striebel smoother with true frame times, so a smoothed
box depends on detections before and after it and does not lag behind. The model is a box whose centre and size move
at a velocity that wanders (white-noise acceleration: Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to
Tracking and Navigation", 2001, section 6.2), all in units of the player's height, so that it fits near and far ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.types import Tracks

_DETECTION_NOISE = 0.025
"""Standard deviation of a detected centre and size, in heights."""
_ACCELERATION = np.array([10.0, 10.0, 5.0, 5.0])
"""Spectral density of the acceleration of centre x, y, width, height, in heights squared per second cubed. Chosen on
SportsMOT with noisy boxes: jitter falls to a third while overlap with the truth stays (limbs do move fast)."""
_FIRST_VELOCITY = 3.0
"""Standard deviation of the velocity at the start of a track, in heights per second."""
_MAX_SHIFT = 0.1
"""No edge moves farther from its detection than this share of the box's width or height, whatever the model says:
a sudden jump stays a jump."""
_APART, _TURN = 0.25, 2.5
"""Heights by which the paths on both sides of a gap, gone on with straight to its middle, may miss each other for it to
be filled in; and heights per second squared, 5 metres, with which a player turns meanwhile. On two broadcasts most gaps
of four frames and more that missed by more joined two players, most others did not."""
_NEAR = 0.3
"""Seconds beside a gap that say how the player moves."""
_FEWEST = 3
"""Boxes beside a gap that say how the player moves."""
_CHUNK, _CONTEXT = 2000, 60
"""Frames smoothed at once, and frames looked at before and after them: a long track needs no more memory."""


@dataclass(frozen=True, slots=True)
class SmoothingConfig:
    """How gaps in finished tracks are filled."""

    max_gap: float = 1.0
    """Seconds: a track's shorter gaps are filled in when it is smoothed, longer ones stay gaps."""

    def __post_init__(self) -> None:
        if not self.max_gap >= 0:
            raise InputError(f"max gap is 0 seconds or more, not {self.max_gap}")


def smooth_tracks(
    tracks: Tracks,
    times: Float64Array,
    max_gap: float = 1.0,
    shot: npt.NDArray[np.integer] | None = None,
    every: int = 1,
) -> Tracks:
    """Smooth every track and fill its gaps of up to ``max_gap`` seconds in which he may have gone on as he did.

    times: float64 (num_frames,), seconds at which each frame is shown, ascending.
    shot: int (num_frames,), number of the shot; nothing is smoothed or filled across a cut. None: there is one shot.
    every: frames from one look for players to the next; between two that saw a player he counts as seen.
    Returns tracks with the same identities. Filled boxes have ``observed`` False and confidence 0; another gap stays
    one, and each side of it is smoothed by itself. Boxes that come in with ``observed`` False are filled in anew.
    Raises InputError when a frame of ``tracks`` has no time.
    """
    if len(tracks) and int(tracks.frame_index[-1]) >= len(times):
        raise InputError(f"frame {tracks.frame_index[-1]} of the tracks has no time: there are {len(times)} frames")
    pieces = [
        _smooth_piece(piece, times, every)
        for _, track in tracks[tracks.observed].by_id()
        for piece in _between_gaps(track, times, max_gap, shot, every)
    ]
    if not pieces:
        return Tracks.empty()
    return Tracks.of(
        np.concatenate([p.frame_index for p in pieces]),
        np.concatenate([p.track_id for p in pieces]),
        np.concatenate([p.xyxy for p in pieces]),
        np.concatenate([p.confidence for p in pieces]),
        np.concatenate([p.observed for p in pieces]),
    )


def _between_gaps(
    track: Tracks, times: Float64Array, max_gap: float, shot: npt.NDArray[np.integer] | None, every: int
) -> Iterator[Tracks]:
    seconds, steps = times[track.frame_index], np.diff(track.frame_index)
    gaps = (np.diff(seconds) > max_gap) & (steps > 1)
    if shot is not None:
        gaps |= np.diff(shot[track.frame_index]) != 0
    for row in np.flatnonzero((steps > every) & ~gaps).tolist():
        gaps[row] = _miss(track, seconds, row) > _APART + _TURN * ((seconds[row + 1] - seconds[row] + _NEAR) / 2) ** 2
    edges = [0, *(np.flatnonzero(gaps) + 1).tolist(), len(track)]
    for start, end in pairwise(edges):
        yield track[start:end]


def _miss(track: Tracks, seconds: Float64Array, row: int) -> float:
    """Heights by which the paths before and after the gap behind ``row`` miss each other in its middle."""
    middle = (seconds[row] + seconds[row + 1]) / 2
    low = int(np.searchsorted(seconds, seconds[row] - _NEAR))
    high = int(np.searchsorted(seconds, seconds[row + 1] + _NEAR, "right"))
    sides = [slice(low, row + 1), slice(row + 1, high)]
    feet = np.stack([track.xyxy[:, [0, 2]].mean(axis=1), track.xyxy[:, 3]], axis=1, dtype=np.float64)
    paths = [(seconds[side] - middle, feet[side]) for side in sides]
    velocities = [np.polyfit(when, at, 1)[0] for when, at in paths if len(when) >= _FEWEST]
    if not velocities:
        return 0.0
    # Who is seen for a moment alone on one side goes there as on the other.
    ends = [
        at.mean(axis=0) - when.mean() * velocity
        for (when, at), velocity in zip(paths, (velocities[0], velocities[-1]), strict=True)
    ]
    height = np.diff(track.xyxy[row : row + 2, [1, 3]].astype(np.float64), axis=1).mean()
    return float(np.hypot(*(ends[0] - ends[1])) / height)


def _smooth_piece(track: Tracks, times: Float64Array, every: int) -> Tracks:
    """One identity, without long gaps -> a box on every frame from its first to its last."""
    frames = np.arange(track.frame_index[0], track.frame_index[-1] + 1, dtype=np.int32)
    rows = track.frame_index - frames[0]
    seconds = times[frames]
    detected = _centre_and_size(track.xyxy.astype(np.float64))
    # Between detections, a straight line: the scale of the noise, and where a chunk begins that begins in a gap.
    line = np.stack([np.interp(seconds, seconds[rows], column) for column in detected.T], axis=1)
    observed = np.zeros(len(frames), np.bool_)
    observed[rows] = True
    smooth = np.concatenate([_smooth(line[c], observed[c], seconds[c])[keep] for c, keep in _chunks(len(frames))])
    smooth[:, 2:] = smooth[:, 2:].clip(detected[:, 2:].min(axis=0), detected[:, 2:].max(axis=0))
    xyxy = _corners(smooth)
    limit = _MAX_SHIFT * np.tile(detected[:, 2:], 2)
    xyxy[rows] = xyxy[rows].clip(track.xyxy - limit, track.xyxy + limit)
    before = np.maximum.accumulate(np.where(observed, np.arange(len(frames)), 0))
    after = np.minimum.accumulate(np.where(observed, np.arange(len(frames)), len(frames))[::-1])[::-1]
    observed |= after - before <= every
    confidence = np.interp(np.arange(len(frames)), rows, track.confidence).astype(np.float32)
    confidence[~observed] = 0
    identity = np.full(len(frames), track.track_id[0])
    return Tracks(frames, identity, xyxy.astype(np.float32), confidence, observed)


def _chunks(count: int) -> Iterator[tuple[slice, slice]]:
    """Slices of ``count`` frames with context on both sides, and the slice of each that is not context."""
    for start in range(0, count, _CHUNK):
        low = max(0, start - _CONTEXT)
        yield slice(low, start + _CHUNK + _CONTEXT), slice(start - low, start - low + _CHUNK)


def _smooth(boxes: Float64Array, observed: npt.NDArray[np.bool_], seconds: Float64Array) -> Float64Array:
    """Smooth centres and sizes (N, 4) at the times (N,); rows that are not ``observed`` do not count."""
    from filterpy.kalman import KalmanFilter  # brings all of SciPy's statistics, which only who smooths needs

    height = boxes[:, 3]
    dt = np.diff(seconds, prepend=seconds[0])
    transitions = np.kron(np.eye(2, k=1)[None] * dt[:, None, None], np.eye(4)) + np.eye(8)
    wander = np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]) * height**2
    noise = np.kron(wander.transpose(2, 0, 1), np.diag(_ACCELERATION))
    kalman = KalmanFilter(dim_x=8, dim_z=4)
    kalman.H = np.eye(4, 8)
    kalman.x[:4, 0] = boxes[0]
    kalman.P = np.diag(np.repeat([_DETECTION_NOISE, _FIRST_VELOCITY], 4) * height[0]) ** 2
    measured = [box[:, None] if seen else None for box, seen in zip(boxes, observed, strict=True)]
    variances = np.eye(4) * ((_DETECTION_NOISE * height) ** 2)[:, None, None]
    means, covariances, _, _ = kalman.batch_filter(measured, Fs=transitions, Qs=noise, Rs=variances)
    return kalman.rts_smoother(means, covariances, Fs=transitions, Qs=noise)[0][:, :4, 0]


def _centre_and_size(xyxy: Float64Array) -> Float64Array:
    return np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], axis=1)


def _corners(boxes: Float64Array) -> Float64Array:
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
