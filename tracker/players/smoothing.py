"""Boxes that do not jitter: finished tracks, smoothed from both ends of time and filled in across short gaps.

Each track goes through a Kalman filter and a Rauch-Tung-Striebel smoother with true frame times
(``tracker.players.rts``), so a smoothed box depends on detections before and after it and does not lag behind. The
model is a box whose centre and size move at a velocity that wanders, all in units of the player's height, so that it
fits near and far ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.players.rts import Line, smoothed
from tracker.types import Tracks

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
_TOGETHER = 64
"""Chunks that are smoothed together: NumPy takes as long over a few numbers as over hundreds."""


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
        piece
        for _, track in tracks[tracks.observed].by_id()
        for piece in _between_gaps(track, times, max_gap, shot, every)
    ]
    if not pieces:
        return Tracks.empty()
    smooth = _smoothed(pieces, times)
    pieces = [_filled(piece, boxes, every) for piece, boxes in zip(pieces, smooth, strict=True)]
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


def _smoothed(pieces: Sequence[Tracks], times: Float64Array) -> Iterator[Float64Array]:
    """Centre and size, (N, 4), on each frame of each of ``pieces``, from its first to its last."""
    chunks = (line for piece in pieces for line in _chunks_of(piece, times))
    smooth = (boxes for lot in iter(lambda: list(islice(chunks, _TOGETHER)), []) for boxes in smoothed(lot))
    for piece in pieces:
        count = int(piece.frame_index[-1] - piece.frame_index[0]) + 1
        yield np.concatenate([next(smooth)[keep] for _, keep in _chunks(count)])


def _chunks_of(track: Tracks, times: Float64Array) -> Iterator[Line]:
    """What is seen of one identity, without long gaps."""
    rows = track.frame_index - track.frame_index[0]
    seconds = times[track.frame_index[0] : track.frame_index[-1] + 1]
    detected = _centre_and_size(track.xyxy.astype(np.float64))
    # Between detections, a straight line: the scale of the noise, and where a chunk begins that begins in a gap.
    boxes = np.stack([np.interp(seconds, seconds[rows], column) for column in detected.T], axis=1)
    observed = np.zeros(len(boxes), np.bool_)
    observed[rows] = True
    for chunk, _ in _chunks(len(boxes)):
        yield Line(boxes[chunk], seconds[chunk], observed[chunk])


def _chunks(count: int) -> Iterator[tuple[slice, slice]]:
    """Slices of ``count`` frames with context on both sides, and the slice of each that is not context."""
    for start in range(0, count, _CHUNK):
        low = max(0, start - _CONTEXT)
        yield slice(low, start + _CHUNK + _CONTEXT), slice(start - low, start - low + _CHUNK)


def _filled(track: Tracks, smooth: Float64Array, every: int) -> Tracks:
    """One identity, without long gaps -> a box on every frame from its first to its last, ``smooth`` (N, 4)."""
    frames = np.arange(track.frame_index[0], track.frame_index[-1] + 1, dtype=np.int32)
    rows = track.frame_index - frames[0]
    size = _centre_and_size(track.xyxy.astype(np.float64))[:, 2:]
    smooth[:, 2:] = smooth[:, 2:].clip(size.min(axis=0), size.max(axis=0))
    xyxy = _corners(smooth)
    limit = _MAX_SHIFT * np.tile(size, 2)
    xyxy[rows] = xyxy[rows].clip(track.xyxy - limit, track.xyxy + limit)
    observed = np.zeros(len(frames), np.bool_)
    observed[rows] = True
    before = np.maximum.accumulate(np.where(observed, np.arange(len(frames)), 0))
    after = np.minimum.accumulate(np.where(observed, np.arange(len(frames)), len(frames))[::-1])[::-1]
    observed |= after - before <= every
    confidence = np.interp(np.arange(len(frames)), rows, track.confidence).astype(np.float32)
    confidence[~observed] = 0
    identity = np.full(len(frames), track.track_id[0])
    return Tracks(frames, identity, xyxy.astype(np.float32), confidence, observed)


def _centre_and_size(xyxy: Float64Array) -> Float64Array:
    return np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], axis=1)


def _corners(boxes: Float64Array) -> Float64Array:
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
