"""What a file of tracks says, whatever its format, and the checks that formats with more than boxes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from tracker.boxes import Float64Array
from tracker.names import clear_names
from tracker.types import BoolArray, Tracks

PLAYER = "player"
"""Class of the boxes that are written. From files with other classes beside it only these are read."""
LAST_FRAME = 2_000_000
"""A day at 24 frames per second. Higher: a wrong number in a file that is interpolated takes more memory."""
_LAST_ID = 2**31 - 2
_FARTHEST = 1e6
"""Pixels. Beyond it float32 has no hundredths left, and no picture is that large."""

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class TrackFile:
    """Tracks, and what else may be told with them."""

    tracks: Tracks
    names: Mapping[int, str] = field(default_factory=dict[int, str])
    """Names of players, by track_id; the others have none. Kept as ``tracker.names`` has them."""
    actions: Texts | None = None
    """object (N,) of str: what is done at each box, empty where nothing is said. None: the file has no actions."""
    labels: tuple[str, ...] = ()
    """All actions to choose from; may be empty where the file does not say."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the video in pixels; zeros: not said."""
    frames: range = range(0)
    """Frames that the file is about, 0-based; empty: not said."""
    source: str = ""
    """Name of the video."""
    notes: tuple[str, ...] = ()
    """What was changed, left out, or had to be guessed, a line each."""
    teams: Mapping[int, str] = field(default_factory=dict[int, str])
    """Names of teams, by track_id; the others have none, or it is not known."""

    def __post_init__(self) -> None:
        if self.actions is not None and self.actions.shape != (len(self.tracks),):
            raise ValueError("there is one action for each box")
        names, notes = clear_names(self.names)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "notes", (*self.notes, *notes))


def without_zero(file: TrackFile) -> TrackFile:
    """``file`` with another number for track 0, as other programs count from 0 and nobody is called so."""
    tracks = file.tracks
    zero = tracks.track_id == 0
    if not zero.any():
        return file
    number = int(tracks.track_id.max()) + 1
    ids = np.where(zero, number, tracks.track_id)
    order = np.lexsort((ids, tracks.frame_index))
    columns = (tracks.frame_index, ids, tracks.xyxy, tracks.confidence, tracks.observed)
    return replace(
        file,
        tracks=Tracks.of(*(column[order] for column in columns)),
        names={track_id or number: name for track_id, name in file.names.items()},
        teams={track_id or number: team for track_id, team in file.teams.items()},
        actions=None if file.actions is None else file.actions[order],
        notes=(*file.notes, f"track 0 of the file is player {number} here"),
    )


class Boxes(NamedTuple):
    """Boxes as a file has them, in any order, a row each."""

    frame: npt.NDArray[np.int64]
    track_id: npt.NDArray[np.int64]
    xyxy: Float64Array
    """(N, 4)"""
    confidence: Float64Array
    observed: BoolArray
    action: Texts
    place: npt.NDArray[np.int64]
    """(N,), where in the file: a line, or the number of an entry."""


def sorted_boxes(boxes: Boxes, where: Callable[[int], str]) -> tuple[Tracks, Texts]:
    """Tracks and the action at each of their rows.

    where: how a place is called in an error. Raises InputError for the first box that cannot be one, and for a player
    with two boxes in one frame.
    """
    xyxy, ids = boxes.xyxy, boxes.track_id
    _require((boxes.frame >= 0) & (boxes.frame <= LAST_FRAME), boxes, where, f"a frame is 0 to {LAST_FRAME}")
    _require((ids >= 0) & (ids <= _LAST_ID), boxes, where, f"a track's number is 0 to {_LAST_ID}")
    _require(np.isfinite(xyxy), boxes, where, "a number is not finite")
    _require(np.abs(boxes.confidence) <= _FARTHEST, boxes, where, "a score is no number, or far too high")
    _require(np.abs(xyxy) <= _FARTHEST, boxes, where, "a box lies a million pixels away")
    stored = xyxy.astype(np.float32)  # only now: what is larger than a float32 can hold would be warned of
    _require(stored[:, 2:] > stored[:, :2], boxes, where, "a box has no size")
    order = np.lexsort((ids, boxes.frame))
    once = np.ones(len(ids), np.bool_)
    once[order[1:]] = (np.diff(boxes.frame[order]) != 0) | (np.diff(ids[order]) != 0)
    _require(once, boxes, where, "a player has two boxes in one frame")
    columns = (column[order] for column in (boxes.frame, ids, stored, boxes.confidence, boxes.observed))
    return Tracks.of(*columns), boxes.action[order]


def texts(values: Sequence[str]) -> Texts:
    """Strings as a column: object (N,)."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _require(good: BoolArray, boxes: Boxes, where: Callable[[int], str], rule: str) -> None:
    if not good.all():
        row = int(np.nonzero(~good)[0][0])
        frame, track_id = boxes.frame[row], boxes.track_id[row]
        raise InputError(f"{where(int(boxes.place[row]))}: {rule} (frame {frame}, player {track_id})")
