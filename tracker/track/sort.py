"""SORT, frame for frame as published: Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016.

Tests compare it with a plain FilterPy version and with the published scores. All state is in arrays with one column
per track, so a frame costs the same few dozen NumPy calls however many players there are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from tracker.assignment import Indices, associate, others
from tracker.boxes import Float64Array, iou, xysr_to_xyxy, xyxy_to_xysr
from tracker.track import sort_filter
from tracker.track.tracklets import Tracklets, cut
from tracker.types import BoolArray, CameraMotion, Detections, FloatArray

_ID, _SHOT, _BEFORE, _LAST = range(4)
"""Rows of the counts of a track: identity; the frames in which its shot began, before its present run of detections
(its first one, as the paper does not count that), and in which it was last seen."""
_REPORTS_PER_BLOCK = 256
"""Reports are packed into columns that often: thousands of small arrays cost more than what they hold."""

_Counts = npt.NDArray[np.intp]
_Report = tuple[Float64Array, _Counts, FloatArray, tuple[float, int, float, float]]
"""Tracks seen in one frame: boxes as xysr (4, N), counts (4, N), confidence (N,); seconds, shot, camera's x and y."""


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
        self._states = sort_filter.initiate(np.empty((4, 0)))
        self._counts = np.empty((4, 0), np.intp)
        self._next_id = 1
        self._num_frames = 0
        self._shot_start = 0
        self._reports: list[_Report] = []
        self._blocks: list[tuple[Float64Array, _Counts, FloatArray, Float64Array]] = []
        self._time, self._shot, self._shift = 0.0, 0, (0.0, 0.0)

    def update(self, detections: Detections, time: float, camera: CameraMotion | None = None) -> None:
        """Take the detections of the next frame. The paper counts frames, so ``time`` changes nothing.

        Where ``camera`` is a cut, all tracks end and the new shot is followed as a video of its own: its first
        ``min_hits`` frames report all again, as nobody can have proven himself. Its motion does not help to follow; it
        is noted for linking.
        """
        if camera is not None:
            self._turn(camera)
        self._time = time
        self._states = sort_filter.predict(self._states)
        if len(detections):
            self._follow(detections)
        else:
            self._miss(slice(None))
        self._num_frames += 1

    def finish(self) -> Tracklets:
        """All tracks so far, cut where a detection was missed; ``confidence`` is that of the matched detection."""
        self._pack()
        none = (np.empty((4, 0)), np.empty((4, 0), np.intp), np.empty(0, np.float32), np.empty((4, 0)))
        columns = (np.concatenate(part, axis=-1) for part in zip(none, *self._blocks, strict=True))
        xysr, counts, confidence, (seconds, shot, *shift) = columns
        track, shot_start, before, frame = counts
        confirmed = (frame - before >= self.min_hits) | (frame - shot_start < self.min_hits)
        return cut(
            track, frame, seconds, xysr_to_xyxy(xysr.T), confidence.astype(np.float64), np.stack(shift, axis=1),
            np.zeros(len(frame), np.bool_), shot.astype(np.intp), confirmed,
        )  # fmt: skip

    def _turn(self, camera: CameraMotion) -> None:
        if camera.is_cut:
            self._keep(np.zeros(self._counts.shape[1], np.bool_))
            self._shot_start = self._num_frames
            self._shot, self._shift = self._shot + 1, (0.0, 0.0)
        else:
            self._shift = (self._shift[0] + camera.shift[0], self._shift[1] + camera.shift[1])

    def _follow(self, detections: Detections) -> None:
        xyxy = detections.xyxy.astype(np.float64)
        xysr = xyxy_to_xysr(xyxy).T
        predicted = self._states[sort_filter.VALUE]
        overlap = iou(xysr_to_xyxy(predicted.T), xyxy, predicted[2], xysr[2])
        tracks, found = associate(overlap, self.min_iou)
        self._correct(tracks, xysr.take(found, axis=1), detections.confidence.take(found))
        if len(found) < len(xyxy):
            new = others(found, len(xyxy))
            self._begin(xysr.take(new, axis=1), detections.confidence.take(new))

    def _correct(self, tracks: Indices, xysr: Float64Array, confidence: FloatArray) -> None:
        """Correct ``tracks`` (K,) by the measurements ``xysr`` (4, K); the other tracks were missed."""
        self._counts[_LAST][tracks] = self._num_frames
        if len(tracks) == self._counts.shape[1]:
            sort_filter.update(self._states, xysr)
            self._report(self._states, self._counts, confidence)
            return
        states = self._states.take(tracks, axis=2)
        sort_filter.update(states, xysr)
        self._states[:, :, tracks] = states
        self._report(states, self._counts.take(tracks, axis=1), confidence)
        self._miss(others(tracks, self._counts.shape[1]))

    def _miss(self, tracks: Indices | slice) -> None:
        """End the runs of ``tracks``, and the tracks that were missed for too long."""
        self._counts[_BEFORE][tracks] = self._num_frames
        young = self._counts[_LAST] >= self._num_frames - self.max_age
        if np.count_nonzero(young) < len(young):
            self._keep(young)

    def _keep(self, tracks: BoolArray) -> None:
        self._states = self._states.compress(tracks, axis=2)
        self._counts = self._counts.compress(tracks, axis=1)

    def _begin(self, xysr: Float64Array, confidence: FloatArray) -> None:
        counts = np.full((4, len(confidence)), self._num_frames, np.intp)
        counts[_ID] = np.arange(self._next_id, self._next_id + len(confidence))
        counts[_SHOT] = self._shot_start
        self._next_id += len(confidence)
        states = sort_filter.initiate(xysr)
        self._states = np.concatenate([self._states, states], axis=2)
        self._counts = np.concatenate([self._counts, counts], axis=1)
        self._report(states, counts, confidence)

    def _report(self, states: Float64Array, counts: _Counts, confidence: FloatArray) -> None:
        """Note tracks seen in this frame; which of them are confirmed is decided in ``finish``."""
        moment = (self._time, self._shot, *self._shift)
        self._reports.append((states[sort_filter.VALUE].copy(), counts.copy(), confidence, moment))
        if len(self._reports) >= _REPORTS_PER_BLOCK:
            self._pack()

    def _pack(self) -> None:
        if self._reports:
            xysr, counts, confidence, moments = zip(*self._reports, strict=True)
            shown = np.repeat(np.array(moments).T, [len(c) for c in confidence], axis=1)
            self._blocks.append(
                (np.concatenate(xysr, axis=1), np.concatenate(counts, axis=1), np.concatenate(confidence), shown)
            )
            self._reports = []
