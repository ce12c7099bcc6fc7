"""How right the ball is against a truth: who has it by frame, where it is, and what happens to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ground.disk.tables import Row, decimal, read_rows
from ground.errors import InputError
from pipeline.analysis.values import Analysis
from pipeline.evaluate.truth import BOXES
from tracker.assignment import assign
from tracker.ball.scene import NOBODY
from tracker.boxes import iou
from tracker.files.mot import read_truth
from tracker.types import Tracks

HOLDERS, PLACES, EVENTS = "holder.csv", "ball.csv", "events.csv"
"""Files of a folder of truth beside ``gt.txt``: who has the ball (0: nobody, -1: cannot be told), where it is, and what
happens to it."""
NEAR = 15.0
"""Pixels of a picture 720 high: as near as a ball counts as found."""
SOON = 0.5
"""Seconds: an event is right that near to a true one of its kind."""
_SAME = 0.5
"""Overlap from which a box is that of a true player."""
_NOBODY_TRUE, _UNKNOWN = 0, -1


@dataclass(frozen=True, slots=True)
class BallAgreement:
    """A ball against the truth."""

    num_frames: int
    """Frames in which it is known who has the ball."""
    holder: float
    """Share of these in which the same player has it, or nobody."""
    num_places: int
    """Frames in which a person saw the ball."""
    recall: float
    """Share of these in which it is said to be within NEAR."""


@dataclass(frozen=True, slots=True)
class EventCount:
    """Events of one kind against true ones."""

    right: int
    wrong: int
    missed: int

    @property
    def f1(self) -> float:
        """0..1; 0 where nothing is right."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0


def agree_on_ball(analysis: Analysis, truth: Path) -> BallAgreement:
    """Judge the ball of ``analysis`` by a folder with ``gt.txt``, ``holder.csv`` and ``ball.csv``.

    Frames count from 1 there, and ends are exclusive. Raises InputError where the truth cannot be read, or nobody
    looked for the ball.
    """
    if analysis.ball is None:
        raise InputError("nobody looked for the ball in this analysis")
    boxes, holders, places = read_truth(truth / BOXES), _read_holders(truth / HOLDERS), _read_places(truth / PLACES)
    found = dict(zip(analysis.ball.frame_index.tolist(), range(len(analysis.ball)), strict=True))
    analysed = set(analysis.frames.index.tolist())
    right = [
        _said(analysis, boxes, frame, found.get(frame)) == holder
        for frame, holder in holders.items()
        if frame in analysed and holder != _UNKNOWN
    ]
    near = NEAR * analysis.video.height / 720
    hits = [
        frame in found and float(np.hypot(*(analysis.ball.xy[found[frame]] - np.array(place)))) <= near
        for frame, place in places.items()
        if frame in analysed
    ]
    return BallAgreement(len(right), _mean(right), len(hits), _mean(hits))


def read_events(path: Path) -> list[tuple[float, str]]:
    """Seconds and kind of each event of a CSV with the columns time_s and event, as ours. Raises InputError."""
    try:
        return [(float(row["time_s"]), row["event"]) for _, row in read_rows(path, ("time_s", "event"))]
    except ValueError as error:
        raise InputError(f"{path}: expected seconds in time_s ({error!s:.80})") from error


def count_events(
    found: Sequence[tuple[float, str]], true: Sequence[tuple[float, str]], kinds: Sequence[str]
) -> Mapping[str, EventCount]:
    """Events (seconds, kind) against true ones, by kind; each is paired at most once, within SOON."""
    return {kind: _count([t for t, k in found if k == kind], [t for t, k in true if k == kind]) for kind in kinds}


def _count(found: Sequence[float], true: Sequence[float]) -> EventCount:
    away = np.abs(np.subtract.outer(np.array(found, np.float64), np.array(true, np.float64)))
    right = len(assign(np.maximum(SOON - away, -1.0), 0.0)[0]) if away.size else 0
    return EventCount(right, len(found) - right, len(true) - right)


def _said(analysis: Analysis, truth: Tracks, frame: int, row: int | None) -> int | None:
    """The true player who has the ball by the analysis, 0: nobody, None: somebody who is none of them."""
    assert analysis.ball is not None
    holder = NOBODY if row is None else int(analysis.ball.holder[row])
    mine = analysis.tracks.at(frame)
    mine = mine[mine.track_id == holder]
    if not len(mine):
        return _NOBODY_TRUE
    there = truth.at(frame)
    overlap = iou(mine.xyxy.astype(np.float64), there.xyxy.astype(np.float64))[0]
    if not len(there) or overlap.max() < _SAME:
        return None
    return int(there.track_id[overlap.argmax()])


def _read_holders(path: Path) -> dict[int, int]:
    """Who has the ball, by frame from 0."""
    found: dict[int, int] = {}
    for line, row in read_rows(path, ("start_frame", "end_frame", "player")):
        first, end, player = _whole(row, ("start_frame", "end_frame", "player"), f"{path}: line {line}")
        found |= dict.fromkeys(range(first - 1, end - 1), player)
    return found


def _read_places(path: Path) -> dict[int, tuple[float, float]]:
    """Where a ball that can be seen is, by frame from 0; pixels."""
    found: dict[int, tuple[float, float]] = {}
    for line, row in read_rows(path, ("frame", "x", "y", "visible")):
        frame, visible = _whole(row, ("frame", "visible"), f"{path}: line {line}")
        if visible:
            found[frame - 1] = (decimal(row["x"]), decimal(row["y"]))
    return found


def _whole(row: Row, columns: Sequence[str], where: str) -> list[int]:
    try:
        return [int(row[column]) for column in columns]
    except ValueError as error:
        raise InputError(f"{where}: expected whole numbers in {', '.join(columns)} ({error!s:.80})") from error


def _mean(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else 0.0
