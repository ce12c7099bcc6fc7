"""The SORT of the paper written plainly: one FilterPy filter per track, one small array per box, one loop per step.

Stands in for the authors' program (Bewley et al., ICIP 2016; github.com/abewley/sort), which is GPL and not copied
here: it does the same work per frame in the same way, so that it takes as long: matrices of whole numbers, a check for
boxes that are not finite, a search for what is left on both sides. Beside that program, in one process, it took 0.97 to
1.00 of its time. Tests hold `tracker.track.sort` against it; the benchmark measures what arrays bring.
"""

from __future__ import annotations

import lap
import numpy as np
from filterpy.kalman import KalmanFilter


class PlainTrack:
    """One track: a 7-state Kalman filter over (x, y, area, ratio, vx, vy, varea), and its counters."""

    def __init__(self, box: np.ndarray, track_id: int) -> None:
        """Begin at ``box``, (4,) xyxy."""
        self.track_id = track_id
        self.frames_since_update = 0
        self.hit_streak = 0
        self.expected: list[np.ndarray] = []
        self.filter = KalmanFilter(dim_x=7, dim_z=4)
        # Whole numbers, which NumPy converts in every product: so are the authors'.
        self.filter.F = np.eye(7, dtype=int) + np.eye(7, k=4, dtype=int)
        self.filter.H = np.eye(4, 7, dtype=int)
        self.filter.R[2:, 2:] *= 10.0
        self.filter.P[4:, 4:] *= 1000.0
        self.filter.P *= 10.0
        self.filter.Q[-1, -1] *= 0.01
        self.filter.Q[4:, 4:] *= 0.01
        self.filter.x[:4] = _measurement(box)

    def predict(self) -> np.ndarray:
        """Step one frame on -> the predicted box, (1, 4)."""
        if self.filter.x[6] + self.filter.x[2] <= 0:
            self.filter.x[6] *= 0.0
        self.filter.predict()
        if self.frames_since_update > 0:
            self.hit_streak = 0
        self.frames_since_update += 1
        self.expected.append(self.box())
        return self.expected[-1]

    def update(self, box: np.ndarray) -> None:
        """Correct by a detection, (4,)."""
        self.frames_since_update = 0
        self.expected = []
        self.hit_streak += 1
        self.filter.update(_measurement(box))

    def box(self) -> np.ndarray:
        """The filtered box, (1, 4)."""
        x, y, area, ratio = self.filter.x[:4]
        width = np.sqrt(area * ratio)
        height = area / width
        return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]).reshape((1, 4))


class PlainSort:
    """All tracks of one video."""

    def __init__(self, max_age: int = 1, min_hits: int = 3, min_iou: float = 0.3) -> None:
        """Take the knobs of the paper."""
        self.max_age, self.min_hits, self.min_iou = max_age, min_hits, min_iou
        self.tracks: list[PlainTrack] = []
        self.num_frames = 0
        self.num_tracks = 0

    def update(self, boxes: np.ndarray) -> np.ndarray:
        """Take the boxes and confidences of a frame, (N, 5) -> (M, 5), the reported boxes and their identities."""
        self.num_frames += 1
        matches, unmatched, _ = _associate(boxes, self._predict(), self.min_iou)
        for detection, track in matches:
            self.tracks[track].update(boxes[detection])
        for detection in unmatched:
            self.num_tracks += 1
            self.tracks.append(PlainTrack(boxes[detection], self.num_tracks))
        reported: list[np.ndarray] = []
        for track in self.tracks:
            box = track.box()[0]
            proven = track.hit_streak >= self.min_hits or self.num_frames <= self.min_hits
            if track.frames_since_update < 1 and proven:
                reported.append(np.concatenate((box, [track.track_id])).reshape(1, -1))
        self.tracks = [track for track in self.tracks if track.frames_since_update <= self.max_age]
        return np.concatenate(reported) if reported else np.empty((0, 5))

    def _predict(self) -> np.ndarray:
        """Boxes (T, 5) of all tracks in the new frame, confidence 0; tracks whose box is not finite are dropped."""
        predicted = np.zeros((len(self.tracks), 5))
        lost: list[int] = []
        for i, row in enumerate(predicted):
            box = self.tracks[i].predict()[0]
            row[:] = [*box, 0]
            if np.any(np.isnan(box)):
                lost.append(i)
        for i in reversed(lost):
            self.tracks.pop(i)
        return np.ma.compress_rows(np.ma.masked_invalid(predicted)).reshape(-1, 5)


def _measurement(box: np.ndarray) -> np.ndarray:
    width, height = box[2] - box[0], box[3] - box[1]
    return np.array([box[0] + width / 2, box[1] + height / 2, width * height, width / height]).reshape((4, 1))


def _associate(boxes: np.ndarray, predicted: np.ndarray, min_iou: float) -> tuple[np.ndarray, list[int], list[int]]:
    """Pairs (K, 2) of detections and tracks, and the detections and the tracks that are left."""
    if not len(boxes) or not len(predicted):
        return np.empty((0, 2), int), list(range(len(boxes))), list(range(len(predicted)))
    overlap = _overlaps(boxes, predicted)
    above = (overlap > min_iou).astype(np.int32)
    if above.sum(1).max() == 1 and above.sum(0).max() == 1:
        pairs = np.stack(np.where(above), axis=1)
    else:
        _, column_of, _ = lap.lapjv(-overlap, extend_cost=True)
        pairs = np.array([[i, j] for i, j in enumerate(column_of) if j >= 0])
    left = [i for i in range(len(boxes)) if i not in pairs[:, 0]]
    left_tracks = [j for j in range(len(predicted)) if j not in pairs[:, 1]]
    matches: list[np.ndarray] = []
    for pair in pairs:
        if overlap[pair[0], pair[1]] < min_iou:
            left.append(int(pair[0]))
            left_tracks.append(int(pair[1]))
        else:
            matches.append(pair.reshape(1, 2))
    return np.concatenate(matches) if matches else np.empty((0, 2), int), left, left_tracks


def _overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a[:, None], b[None]
    width = np.maximum(0.0, np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]))
    height = np.maximum(0.0, np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]))
    area_a = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
    area_b = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return width * height / (area_a + area_b - width * height)
