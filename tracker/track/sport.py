"""A tracker for recorded sport: players in motion under a moving camera, followed online and cut for linking.

Frame by frame, in ``SportTracker.update``: the camera's shift, seen in the pictures
(``tracker.scene.camera_motion``) or else estimated from what the boxes have in common (``tracker.track.camera_vote``),
is taken out; every track predicts where its player would be detected, and how surely (``tracker.track.motion``);
confident detections are assigned first, weak ones to the tracks left over (Zhang et al., "ByteTrack", ECCV 2022). How
well two fit is a likelihood, not an overlap, so a fast or long hidden player may be found far from where he was
expected, and one just seen may not. What is reported is the detection, not the filter's opinion.
``finish`` cuts the tracks where the online step could not know; ``tracker.track.linking`` links them over the whole
video.

All state is in arrays with one column per track.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from tracker.assignment import Indices, assign, others
from tracker.boxes import Float64Array
from tracker.track import motion
from tracker.track.camera_vote import camera_shift
from tracker.track.tracklets import Tracklets, cut
from tracker.types import BoolArray, CameraMotion, Detections, FloatArray

_CONFIDENT = 0.5
"""Detections from here on are assigned first, and only they begin tracks."""
_WEAK = 0.1
"""Detections under it are nobody."""
_FIT = 0.0
"""Log-likelihood, doubled, that a track needs over a stranger's to own a detection. Higher: fewer wrong joins."""
_DOUBT = 9.0
"""Doubled log-likelihood by which the next best assignment must be worse; else the track is cut there offline."""
_TRUST = 0.5
"""Share of the camera's shift that is believed at once where it is nearly the expected one: a handful of players who
run and jump do not tell it better. The rest is left to their velocities."""
_JUMP = 0.3
"""Heights from which on a shift that was not expected is believed whole."""
_RECENT = 0.5
"""Seconds for which a track without detection still says where the camera went, and for which a pan is expected on."""
_SHORTEST = 1e-3
"""Seconds between two frames, at least: time does not stand still, whatever a container says."""
_FRAMES_PER_BLOCK = 256
"""Reports are packed that often: thousands of small arrays cost more than what they hold."""

_ID, _HITS = range(2)
"""Rows of the counts of a track: identity, detections after the first."""
_FRAME, _TRACK, _SEEN, _DOUBTFUL, _SECONDS, _CONFIDENCE = range(6)
_CAMERA, _BOX = slice(6, 8), slice(8, 12)
_SHOT = 12
_NUM_COLUMNS = 13
"""Columns of a report."""

_Counts = npt.NDArray[np.intp]


class SportTracker:
    """Two-stage association by likelihood in camera-stabilised coordinates."""

    def __init__(self, max_lost: float = 2.0, min_hits: int = 2) -> None:
        """Set what a recording may need.

        max_lost: seconds that a track outlives without a detection.
        min_hits: detections before a track is confirmed.

        Raises InputError for values below 0.
        """
        if not max_lost >= 0 or min_hits < 0:
            raise InputError(f"max_lost and min_hits must be 0 or more, not {max_lost} and {min_hits}")
        self.max_lost = max_lost
        self.min_hits = min_hits
        self._states = np.empty((5, 4, 0))
        self._counts = np.empty((2, 0), np.intp)
        self._seen_at = np.empty(0)
        self._next_id = 1
        self._num_frames = 0
        self._time = -np.inf
        self._shot = 0
        self._camera = np.zeros((2, 1))
        self._camera_velocity = np.zeros((2, 1))
        self._seen_shift: Float64Array | None = None
        self._reports: list[Float64Array] = []
        self._blocks: list[Float64Array] = []

    def update(self, detections: Detections, time: float, camera: CameraMotion | None = None) -> None:
        """Take the detections of the next frame, shown at ``time`` seconds.

        camera: how it moved since the frame before; without it, what the boxes have in common tells. A cut ends all
        tracks.
        """
        self._num_frames += 1
        if camera is not None:
            self._turn(camera)
        if not len(detections):
            return  # The next frame with boxes is told how long the pause was.
        dt = max(time - self._time, _SHORTEST)
        self._time = time = max(time, self._time + _SHORTEST)
        self._keep(time - self._seen_at <= self.max_lost)
        motion.predict(self._states, dt)
        boxes = _centres(detections)
        boxes[:2] -= self._camera
        shift = self._shift(boxes, detections.confidence, dt)
        self._camera_velocity = shift / dt
        self._camera = self._camera + shift
        boxes[:2] -= shift
        rows, columns, doubtful = self._associate(boxes, detections.confidence)
        self._step(boxes, detections, rows, columns, doubtful)

    def finish(self) -> Tracklets:
        """The tracks so far, cut where the online step was in doubt; more frames may follow.

        Boxes and confidences are those of the detections.
        """
        rows = self._packed()
        whole = rows[:, [_FRAME, _TRACK, _SHOT]].astype(np.intp)
        return cut(
            whole[:, 1], whole[:, 0], rows[:, _SECONDS], rows[:, _BOX], rows[:, _CONFIDENCE],
            rows[:, _CAMERA], rows[:, _DOUBTFUL] > 0, whole[:, 2], rows[:, _SEEN] >= self.min_hits,
        )  # fmt: skip

    def _turn(self, camera: CameraMotion) -> None:
        if camera.is_cut:
            self._shot += 1
            self._keep(np.zeros(len(self._seen_at), np.bool_))
            self._camera, self._camera_velocity = np.zeros((2, 1)), np.zeros((2, 1))
            self._seen_shift = None
        else:
            self._seen_shift = np.array(camera.shift)[:, None] + (0.0 if self._seen_shift is None else self._seen_shift)

    def _shift(self, boxes: Float64Array, confidence: FloatArray, dt: float) -> Float64Array:
        seen, self._seen_shift = self._seen_shift, None
        if seen is not None:
            return seen
        recent = self._seen_at >= self._time - dt - _RECENT
        guess = self._camera_velocity * min(dt, _RECENT)
        expected = self._states[motion.VALUE][:, recent]
        news = camera_shift(expected, boxes[:, confidence >= _CONFIDENT], guess[:, 0])[:, None] - guess
        if expected.size and np.hypot(*news[:, 0]) < _JUMP * expected[motion.HEIGHT].mean():
            news *= _TRUST
        return guess + news

    def _keep(self, tracks: BoolArray) -> None:
        if not tracks.all():
            self._states, self._counts = self._states[:, :, tracks], self._counts[:, tracks]
            self._seen_at = self._seen_at[tracks]

    def _associate(self, boxes: Float64Array, confidence: FloatArray) -> tuple[Indices, Indices, BoolArray]:
        """Detections and the tracks they belong to, and whether another assignment would do as well."""
        fit = _fit(self._states, boxes)
        strong = (confidence >= _CONFIDENT).nonzero()[0]
        rows, columns = assign(fit.take(strong, axis=0), 1e-9)
        rows = strong.take(rows)
        if len(strong) < len(confidence):
            weak = ((confidence < _CONFIDENT) & (confidence >= _WEAK)).nonzero()[0]
            left = others(columns, fit.shape[1])
            more_rows, more_columns = assign(fit[np.ix_(weak, left)], 1e-9)
            rows = np.concatenate([rows, weak.take(more_rows)])
            columns = np.concatenate([columns, left.take(more_columns)])
        return rows, columns, _doubtful(fit, rows, columns)

    def _step(
        self,
        boxes: Float64Array,
        detections: Detections,
        rows: Indices,
        columns: Indices,
        doubtful: BoolArray,
    ) -> None:
        """Correct the matched tracks, begin new ones, keep the others for a while; they stand in that order."""
        states = self._states.take(columns, axis=2)
        motion.update(states, boxes.take(rows, axis=1))
        counts = self._counts.take(columns, axis=1)
        counts[_HITS] += 1
        new = others(rows, boxes.shape[1])
        new = new[detections.confidence[new] >= _CONFIDENT]
        if len(new):
            begun = np.zeros((2, len(new)), np.intp)
            begun[_ID] = np.arange(self._next_id, self._next_id + len(new))
            self._next_id += len(new)
            states = np.concatenate([states, motion.initiate(boxes[:, new])], axis=2)
            counts = np.concatenate([counts, begun], axis=1)
            rows = np.concatenate([rows, new])
            doubtful = np.concatenate([doubtful, np.zeros(len(new), np.bool_)])
        if len(rows):
            self._report(counts, rows, doubtful, detections)
        lost = others(columns, self._states.shape[2])
        # A track of one detection that is not confirmed at once was a ghost.
        lost = lost.compress(self._counts[_HITS].take(lost) > 0)
        self._seen_at = np.concatenate([np.full(len(rows), self._time), self._seen_at.take(lost)])
        if len(lost):
            states = np.concatenate([states, self._states.take(lost, axis=2)], axis=2)
            counts = np.concatenate([counts, self._counts.take(lost, axis=1)], axis=1)
        self._states, self._counts = states, counts

    def _report(self, counts: _Counts, rows: Indices, doubtful: BoolArray, detections: Detections) -> None:
        report = np.empty((_NUM_COLUMNS, len(rows)))
        report[_FRAME] = self._num_frames - 1
        report[_TRACK] = counts[_ID]
        report[_SEEN] = counts[_HITS]
        report[_DOUBTFUL] = doubtful
        report[_SECONDS] = self._time
        report[_CONFIDENCE] = detections.confidence.take(rows)
        report[_CAMERA] = self._camera
        report[_SHOT] = self._shot
        report[_BOX] = detections.xyxy.take(rows, axis=0).T
        self._reports.append(report)
        if len(self._reports) >= _FRAMES_PER_BLOCK:
            self._blocks.append(np.concatenate(self._reports, axis=1).T)
            self._reports = []

    def _packed(self) -> Float64Array:
        """All reports (N, columns), in the order of frames."""
        recent = [report.T for report in self._reports]
        return np.concatenate([np.empty((0, _NUM_COLUMNS)), *self._blocks, *recent])


def _fit(states: Float64Array, boxes: Float64Array) -> Float64Array:
    """Doubled log-likelihood (N, T) of each detection under each track, over a stranger's; 0 where it is less."""
    variance = motion.innovation(states)
    height = states[motion.VALUE, motion.HEIGHT]
    fit = np.zeros((boxes.shape[1], variance.shape[1]))
    for detected, expected, spread in zip(boxes, states[motion.VALUE], variance, strict=True):
        error = detected[:, None] - expected
        error *= error
        error /= spread
        fit += error
    fit = -motion.log_likelihood(fit, len(boxes))
    fit -= np.log(variance / height**2).sum(axis=0) + _FIT
    return np.maximum(fit, 0.0, out=fit)


def _doubtful(fit: Float64Array, rows: Indices, columns: Indices) -> BoolArray:
    """Whether exchanging a pair's partner with another's, or for a free one, is nearly as likely."""
    if not len(rows):
        return np.zeros(0, np.bool_)
    by_row = fit.take(rows, axis=0)
    mine = by_row[np.arange(len(rows)), columns]
    between = by_row.take(columns, axis=1)
    gain = between + between.T
    np.fill_diagonal(gain, 0)
    gain -= mine
    worst = gain.max(axis=1)
    free = others(columns, fit.shape[1])
    if len(free):
        worst = np.maximum(worst, by_row[:, free].max(axis=1))
    strangers = others(rows, fit.shape[0])
    if len(strangers):
        worst = np.maximum(worst, fit[np.ix_(strangers, columns)].max(axis=0))
    return worst > mine - _DOUBT


def _centres(detections: Detections) -> Float64Array:
    """x, y, width, height of the boxes, (4, N)."""
    corners = detections.xyxy.T.astype(np.float64)
    size = corners[2:] - corners[:2]
    return np.concatenate([corners[:2] + 0.5 * size, size])
