"""SORT, frame for frame as published: Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016.

Tests compare it with a plain FilterPy version and with the published scores. All state is in arrays with one column
per track, so a frame costs the same few dozen NumPy calls however many players there are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracker import kalman
from tracker.association import Indices, associate, others
from tracker.boxes import Float64Array, iou, xysr_to_xyxy, xyxy_to_xysr
from tracker.errors import InputError
from tracker.types import Detections, FloatArray, Tracks

_ID, _RUN = range(2)
"""Rows of the counts of a track: identity; detections in a row after the first or, below 0, misses in a row."""
_FRAMES_PER_BLOCK = 256
"""Reports are packed into columns that often: thousands of small arrays cost more than what they hold."""

_Counts = npt.NDArray[np.intp]
_Columns = tuple[Float64Array, _Counts]
"""Some tracks: their states (5, 4, T), see tracker.kalman, and their counts (2, T)."""
_Report = tuple[int, Float64Array, _Counts, FloatArray]
"""The tracks seen in one frame: its index, boxes as xysr (4, N), counts (2, N), confidence (N,)."""


class Sort:
    """Constant-velocity boxes, IoU, one assignment per frame. A track knows nothing but its box.

    State is arrays only, so that a tracker can be pickled in the middle of a video and go on elsewhere.
    """

    def __init__(self, max_age: int = 1, min_hits: int = 3, min_iou: float = 0.3) -> None:
        """Set the three knobs of the paper.

        max_age: frames that a track outlives without a detection. Raising it bridges longer misses, and gives a
            player's number to whoever stands where he was expected.
        min_hits: detections in a row, after the first, before a track is reported. Raising it suppresses ghosts,
            and loses the first frames of every track. The first ``min_hits`` frames of a video report all.
        min_iou: least overlap, 0..1, of a detection with a predicted box. Raising it loses fast players; lowering
            it swaps neighbours.

        Raises InputError for values outside these ranges.
        """
        if max_age < 0 or min_hits < 0 or not 0 <= min_iou <= 1:
            values = f"{max_age}, {min_hits} and {min_iou}"
            raise InputError(f"max_age and min_hits must be 0 or more and min_iou from 0 to 1, not {values}")
        self.max_age = max_age
        self.min_hits = min_hits
        self.min_iou = min_iou
        self._states = np.empty((5, 4, 0))
        self._counts = np.empty((2, 0), np.intp)
        self._next_id = 1
        self._num_frames = 0
        self._reports: list[_Report] = []
        self._blocks: list[Tracks] = []

    def update(self, detections: Detections, time: float) -> None:
        """Take the detections of the next frame. The paper counts frames, so ``time`` changes nothing."""
        if len(detections) or self._states.shape[2]:
            kalman.predict(self._states)
            predicted = self._states[kalman.VALUE].T
            xyxy = detections.xyxy.astype(np.float64, order="F")
            xysr = xyxy_to_xysr(xyxy)
            overlap = iou(xyxy, xysr_to_xyxy(predicted), xysr[:, 2], predicted[:, 2])
            self._step(xysr, detections.confidence, *associate(overlap, self.min_iou))
        self._num_frames += 1

    def finish(self) -> Tracks:
        """All tracks so far; more frames may follow. ``confidence`` is that of the matched detection."""
        self._pack()
        return _concatenate(self._blocks)

    def _step(self, xysr: Float64Array, confidence: FloatArray, rows: Indices, columns: Indices) -> None:
        """Correct the matched tracks, begin new ones, keep missed ones for a while; they stand in that order."""
        num_tracks = self._states.shape[2]
        parts = [self._matched(columns, xysr.take(rows, axis=0))]
        if len(rows) < len(xysr):
            new = others(rows, len(xysr))
            parts.append(self._begun(xysr.take(new, axis=0)))
            rows = np.concatenate([rows, new])
        if len(columns) < num_tracks:
            parts.append(self._missed(others(columns, num_tracks)))
        self._states, self._counts = parts[0] if len(parts) == 1 else _side_by_side(parts)
        if len(rows):
            self._report(confidence.take(rows))

    def _matched(self, tracks: Indices, xysr: Float64Array) -> _Columns:
        states = self._states.take(tracks, axis=2)
        kalman.update(states, xysr)
        counts = self._counts.take(tracks, axis=1)
        run = counts[_RUN]
        np.maximum(run, 0, out=run)
        run += 1
        return states, counts

    def _begun(self, xysr: Float64Array) -> _Columns:
        counts = np.zeros((2, len(xysr)), np.intp)
        counts[_ID] = range(self._next_id, self._next_id + len(xysr))
        self._next_id += len(xysr)
        return kalman.initiate(xysr), counts

    def _missed(self, tracks: Indices) -> _Columns:
        counts = self._counts.take(tracks, axis=1)
        run = counts[_RUN]
        np.minimum(run, 0, out=run)
        run -= 1
        young = run >= -self.max_age
        return self._states.take(tracks.compress(young), axis=2), counts.compress(young, axis=1)

    def _report(self, confidence: FloatArray) -> None:
        """Note the tracks seen in this frame, which stand first; which of them count is decided in ``_pack``."""
        seen = len(confidence)
        xysr = self._states[kalman.VALUE, :, :seen].copy()
        self._reports.append((self._num_frames, xysr, self._counts[:, :seen], confidence))
        if len(self._reports) >= _FRAMES_PER_BLOCK:
            self._pack()

    def _pack(self) -> None:
        if not self._reports:
            return
        frames, xysr, counts, confidence = zip(*self._reports, strict=True)
        self._reports = []
        frame_index = np.repeat(frames, [len(c) for c in confidence])
        track_id, run = np.concatenate(counts, axis=1)
        proven = (run >= self.min_hits) | (frame_index < self.min_hits)
        xyxy = xysr_to_xyxy(np.concatenate(xysr, axis=1).T[proven])
        tracks = Tracks.of(frame_index[proven], track_id[proven], xyxy, np.concatenate(confidence)[proven])
        self._blocks.append(tracks)


def _side_by_side(parts: list[_Columns]) -> _Columns:
    return (
        np.concatenate([states for states, _ in parts], axis=2),
        np.concatenate([counts for _, counts in parts], axis=1),
    )


def _concatenate(blocks: list[Tracks]) -> Tracks:
    if not blocks:
        return Tracks.empty()
    return Tracks(
        np.concatenate([b.frame_index for b in blocks]),
        np.concatenate([b.track_id for b in blocks]),
        np.concatenate([b.xyxy for b in blocks]),
        np.concatenate([b.confidence for b in blocks]),
        np.concatenate([b.observed for b in blocks]),
    )
