"""What is known of the court in a video: where on the floor, in metres, whatever a picture shows of it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tracker.boxes import Float64Array
from tracker.court.dimensions import COURTS, Court
from tracker.types import IntArray

OTHER = "other"
"""Kind of a court that a person told by points in metres, of whatever sport."""
UNKNOWN = ""
"""Kind of a court of which nothing is known."""


def _no_frames() -> IntArray:
    return np.empty(0, np.int32)


def _no_homographies() -> Float64Array:
    return np.empty((0, 3, 3))


@dataclass(frozen=True, slots=True, eq=False)
class KnownCourt:
    """The court of a video. Origin at its centre, x along its length, y across, towards the camera."""

    kind: str = UNKNOWN
    """Name in ``COURTS``, ``OTHER`` or ``UNKNOWN``."""
    frame_index: IntArray = field(default_factory=_no_frames)
    """int32 (K,), ascending: the frames in which it is known."""
    homography: Float64Array = field(default_factory=_no_homographies)
    """float64 (K, 3, 3): pixels of the source picture to metres."""

    def __post_init__(self) -> None:
        if self.kind not in (*COURTS, OTHER, UNKNOWN):
            raise ValueError(f"there is no court {self.kind!r:.40}")
        if self.homography.shape != (len(self.frame_index), 3, 3) or not np.isfinite(self.homography).all():
            raise ValueError("a court has a homography for each of its frames")
        if (np.diff(self.frame_index) <= 0).any():
            raise ValueError("frames of a court ascend")

    def __len__(self) -> int:
        return len(self.frame_index)

    @property
    def dimensions(self) -> Court | None:
        """Where its lines are; None: of a court like this nobody knows."""
        return COURTS.get(self.kind)

    def metres(self, frame_index: npt.NDArray[np.integer], pixels: Float64Array) -> Float64Array:
        """Where points (N, 2) of frames (N,) are on the floor, float64 (N, 2); NaN where it is not known."""
        if not len(self):
            return np.full((len(pixels), 2), np.nan)
        at = np.minimum(np.searchsorted(self.frame_index, frame_index), len(self) - 1)
        x = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
        seen = np.einsum("nij,nj->ni", self.homography[at], x)
        is_known = (self.frame_index[at] == frame_index) & (seen[:, 2] > 0)
        return seen[:, :2] / np.where(is_known, seen[:, 2], np.nan)[:, None]
