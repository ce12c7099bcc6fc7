"""Tracklets, which trackers give and linking takes: stretches of tracks that hold one player each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.types import BoolArray, CameraMotion, Detections, Tracks

_LONGEST_MISS, _USUAL = 0.1, 2.5
"""Seconds, and usual steps of time, without a detection that cut a track: both sides know better if it goes on."""
_GLIMPSE = 3
"""Detections that a track has at least; fewer are noise, and noise is what there can be most of."""
_LONGEST_GAP = 10_000
"""Empty frames in a row that a tracker is shown; whoever has been away for longer is forgotten by any of them."""


class Tracker(Protocol):
    """Follows detections from frame to frame."""

    def update(self, detections: Detections, time: float, camera: CameraMotion | None = None) -> None:
        """Take the detections of the next frame, shown at ``time`` seconds.

        camera: how it moved since the frame before; None where there are no pictures to tell it.
        """
        ...

    def finish(self) -> Tracklets:
        """All that was followed so far; ``frame`` counts the calls of ``update`` from 0. More frames may follow."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Tracklets:
    """Detections of one player each, as columns sorted by track, then by frame."""

    tracklet: Indices
    """(N,), 0 to P - 1, ascending."""
    track: Indices
    """(N,), the identity that the tracker gave, positive; it may hold several tracklets."""
    confirmed: BoolArray
    """(N,): whether the tracker was sure of the track by then, so that it reports the box frame by frame."""
    frame: Indices
    """(N,)"""
    seconds: Float64Array
    """(N,)"""
    xyxy: Float64Array
    """(N, 4), pixels of the picture."""
    confidence: Float64Array
    """(N,)"""
    camera: Float64Array
    """(N, 2), the camera's shift since the start of the shot, in pixels."""
    shot: Indices
    """(N,), ascending with the frames; a tracklet lies in one."""

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def first(self) -> Indices:
        """(P,), the row at which each tracklet begins."""
        return np.flatnonzero(np.diff(self.tracklet, prepend=-1))

    @property
    def last(self) -> Indices:
        """(P,), the row at which each tracklet ends."""
        return np.flatnonzero(np.diff(self.tracklet, append=-1))

    def tracks(self) -> Tracks:
        """The tracks as they were followed frame by frame, from where the tracker was sure of them."""
        rows = self.confirmed
        return Tracks.of(self.frame[rows], self.track[rows], self.xyxy[rows], self.confidence[rows])

    def without_glimpses(self) -> Tracklets:
        """Without the tracks of one or two detections, which are noise and would drown what linking learns."""
        rows = np.bincount(self.track, minlength=1)[self.track] >= _GLIMPSE
        if rows.all():
            return self
        return Tracklets(
            np.unique(self.tracklet[rows], return_inverse=True)[1],
            self.track[rows], self.confirmed[rows], self.frame[rows], self.seconds[rows], self.xyxy[rows],
            self.confidence[rows], self.camera[rows], self.shot[rows],
        )  # fmt: skip


def cut(
    track: Indices,
    frame: Indices,
    seconds: Float64Array,
    xyxy: Float64Array,
    confidence: Float64Array,
    camera: Float64Array,
    doubtful: BoolArray,
    shot: Indices,
    confirmed: BoolArray | None = None,
) -> Tracklets:
    """Cut tracks (columns in any order) where detections are missing, ``doubtful`` (N,) begins or the shot ends.

    confirmed: (N,), see ``Tracklets``; None: all are.
    """
    order = np.lexsort((frame, track))
    sure = np.ones(len(track), np.bool_) if confirmed is None else confirmed
    usual = usual_step(seconds)
    begins = np.diff(track[order], prepend=-1) != 0
    begins |= np.diff(seconds[order], prepend=0) > max(_LONGEST_MISS, _USUAL * usual) + 1e-9
    begins[1:] |= (np.diff(doubtful[order].astype(np.int8)) > 0) | (np.diff(shot[order]) != 0)
    return Tracklets(
        np.cumsum(begins) - 1, track[order], sure[order], frame[order], seconds[order], xyxy[order],
        confidence[order], camera[order], shot[order],
    )  # fmt: skip


def usual_step(seconds: Float64Array) -> float:
    """Seconds from one frame to the next, by the times (N,) of detections; 0 where there is one frame."""
    steps = np.diff(np.unique(seconds))
    return float(np.median(steps)) if len(steps) else 0.0


def follow(tracker: Tracker, detections: Mapping[int, Detections], frame_rate: float = 30.0) -> Tracklets:
    """Show ``tracker`` every frame up to the last one with detections -> what it followed.

    detections: by 0-based frame index; absent frames are shown as empty ones.
    frame_rate: frames per second, for trackers that go by time. Work and memory stay small in gaps of any length.
    """
    shown: list[int] = []
    for frame in _frames_to_show(sorted(detections)):
        tracker.update(detections.get(frame) or Detections.empty(), frame / frame_rate)
        shown.append(frame)
    found = tracker.finish()
    return replace(found, frame=np.array(shown, np.intp)[found.frame])


def _frames_to_show(frames: list[int]) -> Iterator[int]:
    following = 0
    for frame in frames:
        yield from range(following, min(frame, following + _LONGEST_GAP))
        yield frame
        following = frame + 1


def owners(tracks: Tracks, frame: Indices, xyxy: Float64Array) -> Indices:
    """The track (N,) that each view is of, by its ``frame`` (N,) and box (N, 4); -1: of none that is there."""
    boxes = zip(tracks.frame_index.tolist(), map(tuple, tracks.xyxy.tolist()), strict=True)
    owner = dict(zip(boxes, tracks.track_id.tolist(), strict=True))
    seen = zip(frame.tolist(), map(tuple, xyxy.astype(np.float32).tolist()), strict=True)
    return np.array([owner.get(box, -1) for box in seen], np.intp)
