"""The ball's path over a video: where it is in each frame, seen or not, and who has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from tracker.ball.decode import Habits, decode
from tracker.ball.evidence import HAND
from tracker.ball.scene import HIDDEN, NOBODY, BallScene, Floats, Ints
from tracker.types import FloatArray, IntArray, Tracks

SEEN, INFERRED, UNSEEN = range(3)
"""States of a ball: at a spot that the detector told; between two such that are near in time; a guess."""
STATES = ("seen", "inferred", "hidden")
"""Their names."""
_SHORT = 0.5
"""Seconds for which a ball that is not seen is surely where it should be."""


@dataclass(frozen=True, slots=True)
class BallConfig:
    """How the ball is followed."""

    find: bool = True
    """Whether anybody looks for it."""
    hold: float = 2.5
    """Seconds that a player has it, on average. More makes who has it change more seldom."""
    flight: float = 0.5
    """Seconds that nobody has it, on average."""

    def __post_init__(self) -> None:
        if not (0 < self.hold < 1e4 and 0 < self.flight < 1e4):
            raise InputError(f"hold and flight are seconds over 0, not {self.hold} and {self.flight}")


@dataclass(frozen=True, slots=True, eq=False)
class BallPath:
    """A ball's path, a row per frame in which anything is known of it."""

    frame_index: IntArray
    """int32 (N,), 0-based in the video, ascending."""
    xy: FloatArray
    """float32 (N, 2): its middle, pixels."""
    state: npt.NDArray[np.uint8]
    """uint8 (N,): SEEN, INFERRED or UNSEEN."""
    holder: IntArray
    """int32 (N,): track_id of who has it, NOBODY."""

    def __post_init__(self) -> None:
        n = len(self.frame_index)
        if self.xy.shape != (n, 2) or self.state.shape != (n,) or self.holder.shape != (n,):
            raise ValueError("a ball's path has a place, a state and a holder in each of its frames")
        if (np.diff(self.frame_index) <= 0).any() or not np.isfinite(self.xy).all() or (self.state > UNSEEN).any():
            raise ValueError("a ball's path is sorted by frame, with finite places and known states")

    def __len__(self) -> int:
        return len(self.frame_index)


def find_ball(
    scene: BallScene, frame_index: IntArray, config: BallConfig, advance: Callable[[int], object] = lambda _: None
) -> BallPath:
    """The path of the ball through ``scene``; frame_index: int32 (F,), of its frames. advance: see ``decode``."""
    found = decode(scene, Habits(config.hold, config.flight), advance)
    seen = found.spot != HIDDEN
    xy = np.full((len(scene), 2), np.nan)
    xy[seen] = scene.balls.xy[found.spot[seen]]
    state = np.where(seen, SEEN, UNSEEN).astype(np.uint8)
    starts = [0, *np.flatnonzero(scene.is_cut[1:]) + 1, len(scene)]
    for start, end in pairwise(starts):
        _fill(scene, found.holder, xy, state, slice(start, end))
    known = np.isfinite(xy).all(1)
    index, holder = frame_index[known].astype(np.int32), found.holder[known].astype(np.int32)
    return BallPath(index, xy[known].astype(np.float32), state[known], holder)


def _fill(scene: BallScene, holder: Ints, xy: Floats, state: npt.NDArray[np.uint8], shot: slice) -> None:
    """Tell where a ball that is not seen should be, in place: in its holder's box, or on the way through the air."""
    rows = np.arange(shot.start, shot.stop)
    sights = rows[state[shot] == SEEN]
    tops, heights = _boxes(scene.people, holder, rows)
    place = scene.picture_at(rows, _between(rows, sights, scene.standing_at(rows, xy[rows])))
    offset = (xy[rows] - tops) / heights[:, None]
    for first, last in _holds(holder[rows]):
        part = slice(first, last)
        there = np.flatnonzero(np.isfinite(offset[part]).all(1)) + first
        inside = _between(rows[part], rows[there], offset[part]) if len(there) else np.array([HAND])
        in_hand = tops[part] + inside * heights[part, None]
        place[part] = np.where(np.isfinite(in_hand), in_hand, place[part])
    unseen = state[shot] != SEEN
    xy[rows[unseen]] = place[unseen]
    state[rows[unseen & _is_near(scene.time[rows], scene.time[sights])]] = INFERRED


def _between(rows: Ints, sights: Ints, values: Floats) -> Floats:
    """``values`` (R, 2) of ``rows``, those between ``sights`` on a straight line; NaN where there is no sight."""
    if not len(sights):
        return np.full((len(rows), 2), np.nan)
    known = values[sights - rows[0]]
    return np.column_stack([np.interp(rows, sights, known[:, axis]) for axis in (0, 1)])


def _holds(holder: Ints) -> list[tuple[int, int]]:
    """Stretches in which one person has the ball: first row, last (exclusive)."""
    bounds = [0, *np.flatnonzero(np.diff(holder)) + 1, len(holder)]
    return [(int(a), int(b)) for a, b in pairwise(bounds) if b > a and holder[a] != NOBODY]


def _boxes(people: Tracks, holder: Ints, rows: Ints) -> tuple[Floats, Floats]:
    """Middle of the top (R, 2) and height (R,) of the box of who has the ball; NaN where nobody has."""
    key = (people.frame_index.astype(np.int64) << 32) + people.track_id
    wanted = (rows.astype(np.int64) << 32) + holder[rows]
    at = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
    there = (key[at] == wanted) if len(key) else np.zeros(len(rows), np.bool_)
    box = np.full((len(rows), 4), np.nan)
    box[there] = people.xyxy[at[there]]
    return np.column_stack([(box[:, 0] + box[:, 2]) / 2, box[:, 1]]), box[:, 3] - box[:, 1]


def _is_near(time: Floats, sights: Floats) -> npt.NDArray[np.bool_]:
    """(R,): whether the ball was seen shortly before each time, and is again shortly after."""
    if not len(sights):
        return np.zeros(len(time), np.bool_)
    after = np.searchsorted(sights, time)
    inside = (after > 0) & (after < len(sights))
    gap = sights[np.minimum(after, len(sights) - 1)] - sights[np.maximum(after - 1, 0)]
    return inside & (gap <= _SHORT)
