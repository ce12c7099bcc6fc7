"""Values that the tracker takes and gives: the boxes found in a picture, and boxes with identities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ground.frames import Frame

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a detector found in one frame, in any order."""

    xyxy: FloatArray
    """float32 (N, 4): left, top, right, bottom in pixels of the source picture."""
    confidence: FloatArray
    """float32 (N,), 0..1."""
    class_id: npt.NDArray[np.int64]
    """int64 (N,), index into the detector's class names."""
    weak: Detections | None = None
    """What may be the ball or a hoop, down to a low confidence; lost where rows are chosen. None: nobody looked."""

    def __post_init__(self) -> None:
        n = len(self.xyxy)
        if self.xyxy.shape != (n, 4) or self.confidence.shape != (n,) or self.class_id.shape != (n,):
            shapes = f"{self.xyxy.shape}, {self.confidence.shape}, {self.class_id.shape}"
            raise ValueError(f"detections are xyxy (N, 4), confidence (N,), class_id (N,), not {shapes}")
        if n and not (np.isfinite(self.xyxy).all() and np.isfinite(self.confidence).all()):
            raise ValueError("detections hold a box or a confidence that is not a finite number")
        if n and (self.xyxy[:, 2:] <= self.xyxy[:, :2]).any():
            raise ValueError("detections hold a box of zero or negative size")

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, rows: BoolArray | npt.NDArray[np.intp] | slice) -> Detections:
        """The detections in ``rows`` (a mask, indices or a slice)."""
        return Detections(self.xyxy[rows], self.confidence[rows], self.class_id[rows])

    @staticmethod
    def of(
        xyxy: npt.ArrayLike, confidence: npt.ArrayLike | None = None, class_id: npt.ArrayLike | None = None
    ) -> Detections:
        """Detections from anything array-like; confidence defaults to 1, class_id to 0."""
        boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
        n = len(boxes)
        return Detections(
            boxes,
            np.ones(n, np.float32) if confidence is None else np.asarray(confidence, np.float32).reshape(-1),
            np.zeros(n, np.int64) if class_id is None else np.asarray(class_id, np.int64).reshape(-1),
        )

    @staticmethod
    def empty() -> Detections:
        """No detections."""
        return Detections.of(())


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Boxes with identities, as columns with one row per box, sorted by frame, then by identity.

    Columns and not objects: a two-hour game has millions of rows.
    """

    frame_index: IntArray
    """int32 (N,), 0-based."""
    track_id: IntArray
    """int32 (N,), positive; at most one box per frame and identity."""
    xyxy: FloatArray
    """float32 (N, 4), pixels of the source picture; may reach over its edges."""
    confidence: FloatArray
    """float32 (N,), 0..1: of the detection, or 0 where there was none."""
    observed: BoolArray
    """bool (N,): False where the box was filled in between detections."""

    def __post_init__(self) -> None:
        n = len(self.frame_index)
        columns = (self.frame_index, self.track_id, self.confidence, self.observed)
        if any(c.shape != (n,) for c in columns) or self.xyxy.shape != (n, 4):
            raise ValueError("the columns of tracks differ in length")
        if n and not np.isfinite(self.xyxy).all():
            raise ValueError("tracks hold a box that is not finite")
        key = self._key()
        if n and not (key[1:] > key[:-1]).all():
            raise ValueError("tracks are sorted by frame and identity, with one box per frame and identity")

    def _key(self) -> npt.NDArray[np.int64]:
        return (self.frame_index.astype(np.int64) << 32) + self.track_id

    def __len__(self) -> int:
        return len(self.frame_index)

    @property
    def ids(self) -> IntArray:
        """int32 (M,): every identity once, ascending."""
        return np.unique(self.track_id)

    def __getitem__(self, rows: BoolArray | npt.NDArray[np.intp] | slice) -> Tracks:
        """The rows of a mask, ascending indices or a slice."""
        return Tracks(
            self.frame_index[rows], self.track_id[rows], self.xyxy[rows], self.confidence[rows], self.observed[rows]
        )

    def at(self, frame_index: int) -> Tracks:
        """The boxes of one frame."""
        low, high = np.searchsorted(self.frame_index, [frame_index, frame_index + 1])
        return self[int(low) : int(high)]

    def by_id(self) -> Iterator[tuple[int, Tracks]]:
        """Each identity with its boxes in the order of frames."""
        order = np.argsort(self.track_id, kind="stable")
        starts = np.searchsorted(self.track_id[order], self.ids)
        for track_id, rows in zip(self.ids, np.split(order, starts[1:]), strict=False):
            yield int(track_id), self[rows]

    @staticmethod
    def of(
        frame_index: npt.ArrayLike,
        track_id: npt.ArrayLike,
        xyxy: npt.ArrayLike,
        confidence: npt.ArrayLike | None = None,
        observed: npt.ArrayLike | None = None,
    ) -> Tracks:
        """Tracks from columns in any order; confidence defaults to 1, observed to True."""
        frames = np.asarray(frame_index, np.int32).reshape(-1)
        ids = np.asarray(track_id, np.int32).reshape(-1)
        n = len(frames)
        conf = np.ones(n, np.float32) if confidence is None else np.asarray(confidence, np.float32).reshape(-1)
        seen = np.ones(n, np.bool_) if observed is None else np.asarray(observed, np.bool_).reshape(-1)
        order = np.lexsort((ids, frames))
        boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
        return Tracks(frames[order], ids[order], boxes[order], conf[order], seen[order])

    @staticmethod
    def empty() -> Tracks:
        """No tracks."""
        return Tracks.of((), (), ())


@dataclass(frozen=True, slots=True)
class CameraMotion:
    """How the picture changed since the frame before, players aside."""

    shift: tuple[float, float] = (0.0, 0.0)
    """Pixels, x and y, by which what stands still moved at the middle of the picture."""
    zoom: float = 1.0
    """Factor by which it grew about the middle of the picture."""
    is_cut: bool = False
    """Whether another shot begins with this frame; shift and zoom say nothing then."""


class Detector(Protocol):
    """Finds people and things in pictures."""

    @property
    def batch(self) -> int:
        """Frames that it takes best at a time."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of class_id."""
        ...

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detections of each frame, in the order of ``frames``."""
        ...


def camera_in_shot(
    shift: npt.NDArray[np.float64], zoom: npt.NDArray[np.float64], is_cut: BoolArray
) -> npt.NDArray[np.float64]:
    """How the camera moved since its shot began, float64 (F, 3): shift x, y in pixels, zoom.

    shift: (F, 2), zoom and is_cut: (F,): before each frame, see ``CameraMotion``.
    """
    camera = np.empty((len(shift), 3))
    state = np.array([0.0, 0.0, 1.0])
    for row, (step, factor, is_new) in enumerate(zip(shift, zoom, is_cut, strict=True)):
        moved = np.append(factor * state[:2] + step, factor * state[2])
        state = np.array([0.0, 0.0, 1.0]) if is_new or not row else moved
        camera[row] = state
    return camera
