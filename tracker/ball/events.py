"""Passes, shots and rebounds: what happens is where the ball leaves somebody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tracker.ball.path import SEEN, UNSEEN, BallPath
from tracker.ball.scene import NOBODY, PERSON, BallScene, Floats, Ints, Spots

PASS, SHOT, REBOUND = "pass", "shot", "rebound"
TURNOVER = "turnover"
"""A pass that somebody of the other team gets: said where teams are known."""
_TOUCH = 0.1
"""Seconds: who has the ball for less has but touched it."""
_AGAIN = 0.4
"""Seconds for which a ball that comes back to the same hands had not left them."""
_ABOUT = 0.3
"""Seconds before and after a ball leaves somebody that tell how well it was seen."""
_FLOWN = 0.2
"""Seconds in the air after which a ball that is not seen to be caught was passed."""
_HIGH = 3.0 / PERSON
"""Player heights above where the ball was let go: hardly a pass comes so high."""
_AT_HOOP = 0.5
"""Player heights from the middle of a hoop, across and above it: a shot comes that near. A pass to somebody under the
hoop stays below, whereas a layup rises over the rim, too."""
_SURE = 0.3
"""Score of a hoop that is one."""


@dataclass(frozen=True, slots=True)
class BallEvent:
    """What happened to the ball."""

    kind: str
    """PASS, SHOT, REBOUND or TURNOVER."""
    frame: int
    """0-based in the video: the last in which ``player`` has the ball; of a rebound, the first."""
    player: int
    """track_id."""
    to: int
    """track_id of who gets the pass; NOBODY for other events, and where the shot ends before he does."""
    confidence: float
    """Share of the frames about it in which the ball was seen, 0..1."""


@dataclass(frozen=True, slots=True)
class _Hold:
    """Rows of the path in which somebody has the ball."""

    player: int
    first: int
    last: int
    """Inclusive."""


def ball_events(path: BallPath, scene: BallScene, rows: Ints) -> list[BallEvent]:
    """Events in the order of time. rows: (N,), where the frames of ``path`` are in ``scene``."""
    found: list[BallEvent] = []
    shot, hoops = scene.shot[rows], _hoops(scene)
    for hold, after in _moves(path, scene.time[rows], shot):
        end = after.first if after else _end_of_shot(shot, hold.last)
        flight = slice(hold.last, end)
        if _is_shot(path, scene, rows, hoops, flight):
            found.append(_event(SHOT, path, scene.time[rows], hold.last, hold.player))
            if after is not None:
                found.append(_event(REBOUND, path, scene.time[rows], after.first, after.player))
        elif after is not None and after.player != hold.player:
            found.append(_event(PASS, path, scene.time[rows], hold.last, hold.player, after.player))
        elif after is None and _flew(path, scene.time[rows], flight):
            found.append(_event(PASS, path, scene.time[rows], hold.last, hold.player))
    return found


def _event(kind: str, path: BallPath, time: Floats, row: int, player: int, to: int = NOBODY) -> BallEvent:
    about = np.abs(time - time[row]) <= _ABOUT
    return BallEvent(kind, int(path.frame_index[row]), player, to, float((path.state[about] == SEEN).mean()))


def _moves(path: BallPath, time: Floats, shot: Ints) -> Iterator[tuple[_Hold, _Hold | None]]:
    """Each time the ball leaves somebody: him, and who has it next in that shot of the camera."""
    every = _holds(path.holder.astype(np.intp), shot)
    holds = _joined([hold for hold in every if time[hold.last] - time[hold.first] >= _TOUCH], time)
    for hold, after in pairwise([*holds, None]):
        assert hold is not None
        is_next = after is not None and shot[after.first] == shot[hold.last]
        flies_off = hold.last + 1 < len(shot) and shot[hold.last + 1] == shot[hold.last]
        if is_next or flies_off:
            yield hold, after if is_next else None


def _flew(path: BallPath, time: Floats, flight: slice) -> bool:
    """Whether a ball that nobody gets was seen in the air for so long that it did not just slip from sight."""
    free = (path.holder[flight] == NOBODY) & (path.state[flight] == SEEN)
    step = float(np.median(np.diff(time[flight]))) if len(free) > 1 else 0.0
    return bool(free.sum() * step >= _FLOWN)


def _holds(holder: Ints, shot: Ints) -> list[_Hold]:
    changes = np.flatnonzero((np.diff(holder) != 0) | (np.diff(shot) != 0)) + 1
    bounds = [0, *changes.tolist(), len(holder)]
    return [_Hold(int(holder[a]), a, b - 1) for a, b in pairwise(bounds) if b > a and holder[a] != NOBODY]


def _joined(holds: list[_Hold], time: Floats) -> list[_Hold]:
    """Without short times in between in which nobody had it."""
    joined: list[_Hold] = []
    for hold in holds:
        before = joined[-1] if joined else None
        if before and before.player == hold.player and time[hold.first] - time[before.last] <= _AGAIN:
            joined[-1] = _Hold(hold.player, before.first, hold.last)
        else:
            joined.append(hold)
    return joined


def _end_of_shot(shot: Ints, row: int) -> int:
    return int(np.searchsorted(shot, shot[row], side="right"))


def _hoops(scene: BallScene) -> Spots:
    """Hoops that are sure."""
    sure = scene.hoops.score >= _SURE
    return Spots(scene.hoops.row[sure], scene.hoops.xyxy[sure], scene.hoops.score[sure])


def _is_shot(path: BallPath, scene: BallScene, rows: Ints, hoops: Spots, flight: slice) -> bool:
    """Whether a ball that left somebody was shot: it came to a hoop, or, where none is in view, flew very high."""
    known = path.state[flight] != UNSEEN
    if not known.any():
        return False
    flown, frames = scene.standing_at(rows[flight], path.xy[flight].astype(np.float64))[known], rows[flight]
    height = float(scene.unit[frames[0]] / scene.standing[1][frames[0]])
    seen = np.isin(hoops.row, frames)
    if not seen.any():
        return bool((flown[0, 1] - flown[:, 1]).max() > _HIGH * height)
    hoop = np.median(scene.standing_at(hoops.row[seen], hoops.xy[seen]), axis=0)
    across, down = (flown - hoop).T / height
    return bool(((np.abs(across) < _AT_HOOP) & (np.abs(down + _AT_HOOP / 2) < _AT_HOOP / 2)).any())
