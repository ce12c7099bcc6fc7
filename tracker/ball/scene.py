"""What the ball is looked for in: spots that may be it, people who may have it, and how the camera moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tracker.types import BoolArray, Tracks, camera_in_shot

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

PERSON = 1.95
"""Metres: about how high the box of a standing player is. Lengths here are in such heights, times in seconds."""
HIDDEN, NOBODY = -1, -1
"""In place of a spot's number: the ball is at none; of a track_id: nobody has it."""
_USUAL = 0.25
"""Of the picture's height: a box where nobody is seen."""
_CALM = 31
"""Frames over which the height of a box is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Places that the detector thinks may be of one thing, sorted by frame."""

    row: Ints
    """(N,), ascending; counts the frames of the scene."""
    xyxy: Floats
    """(N, 4), pixels."""
    score: Floats
    """(N,), 0..1."""

    def __post_init__(self) -> None:
        n = len(self.row)
        if self.xyxy.shape != (n, 4) or self.score.shape != (n,) or (np.diff(self.row) < 0).any():
            raise ValueError("spots have a box and a score each, and are sorted by frame")

    def __len__(self) -> int:
        return len(self.row)

    @property
    def xy(self) -> Floats:
        """(N, 2): their middles, pixels."""
        return (self.xyxy[:, :2] + self.xyxy[:, 2:]) / 2

    @property
    def side(self) -> Floats:
        """(N,): of a square as large as each, pixels."""
        return np.sqrt(np.prod(self.xyxy[:, 2:] - self.xyxy[:, :2], axis=1))

    def bounds(self, num_frames: int) -> Ints:
        """(F + 1,): where the spots of each frame begin."""
        return np.searchsorted(self.row, np.arange(num_frames + 1))


@dataclass(frozen=True, eq=False)
class BallScene:
    """F frames of a video in which the ball is looked for."""

    time: Floats
    """(F,), seconds, ascending."""
    shift: Floats
    """(F, 2), zoom and is_cut: how the camera moved before each frame, see CameraMotion."""
    zoom: Floats
    """(F,)"""
    is_cut: BoolArray
    """(F,)"""
    looked: BoolArray
    """(F,): whether the detector saw the frame."""
    size: tuple[int, int]
    """Width and height of the picture, pixels."""
    balls: Spots
    hoops: Spots
    people: Tracks
    """Who may have it; ``frame_index`` counts the frames of the scene."""

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def shot(self) -> Ints:
        """(F,): number of the shot, from 0."""
        return np.cumsum(self.is_cut).astype(np.intp)

    @cached_property
    def unit(self) -> Floats:
        """(F,): height of a player's box, pixels."""
        if not len(self):
            return np.empty(0)
        people, rows = self.people, np.arange(len(self))
        heights = (people.xyxy[:, 3] - people.xyxy[:, 1]).astype(np.float64)
        there, first = np.unique(people.frame_index, return_index=True)
        if not len(there):
            return np.full(len(self), _USUAL * self.size[1])
        from scipy.ndimage import median_filter  # slow to load, which processes that only show need not do

        medians = np.array([np.median(part) for part in np.split(heights, first[1:])])
        return median_filter(np.interp(rows, there, medians), min(_CALM, len(self)), mode="nearest")

    def carried(self, row: int, xy: Floats) -> Floats:
        """Where what stood at ``xy`` (..., 2) in the frame before ``row`` is in that frame, players aside."""
        if self.is_cut[row]:
            return xy
        middle = np.array(self.size) / 2
        return middle + self.zoom[row] * (xy - middle) + self.shift[row]

    @cached_property
    def standing(self) -> tuple[Floats, Floats]:
        """Where the camera is since the shot began: shift (F, 2) and zoom (F,), about the middle of the picture."""
        camera = camera_in_shot(self.shift, self.zoom, self.is_cut)
        return camera[:, :2], camera[:, 2]

    def standing_at(self, row: Ints, xy: Floats) -> Floats:
        """Where what is at ``xy`` (N, 2) in frames ``row`` (N,) was in its shot's first frame, from the middle."""
        shift, zoom = self.standing
        return (xy - np.array(self.size) / 2 - shift[row]) / zoom[row, None]

    def picture_at(self, row: Ints, place: Floats) -> Floats:
        """The other way round."""
        shift, zoom = self.standing
        return np.array(self.size) / 2 + zoom[row, None] * place + shift[row]
