"""Spots where something else than the ball is, again and again: a logo, the scoreboard, a head in the crowd."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tracker.ball.scene import BallScene, Floats, Ints
from tracker.types import BoolArray

REACH = 0.08
"""Player heights: spots that near are of the same place."""
_NEAR, _FAR = 1.0, 10.0
"""Seconds: what else is at a place in frames less and more away than that says nothing. A ball may lie still."""
_SECONDS = 0.5
"""Steps in which time is looked through."""
_ENOUGH = 4
"""Steps under which so little was seen of a place that its share is taken of that many."""


def recurrence(scene: BallScene) -> Floats:
    """(N,): in which share of the frames of the seconds before and after there is a spot where each spot is, 0..1.

    Places are those of the picture (what is painted over it) and of the world, with the camera's motion taken out (what
    stands there); the higher share counts. Frames that do not show a place are not asked.
    """
    if not len(scene.balls):
        return np.empty(0)
    cell, row = REACH * float(np.median(scene.unit)), scene.balls.row
    world = scene.standing_at(row, scene.balls.xy)
    in_world = _share(scene, world / cell, scene.shot, _in_view(scene, world))
    in_picture = _share(scene, scene.balls.xy / cell, np.zeros(len(scene), np.intp), lambda _: np.True_)
    return np.maximum(in_world, in_picture)


def _in_view(scene: BallScene, world: Floats) -> Callable[[Ints], BoolArray]:
    """Which of the places ``world`` (N, 2) a frame each, (N,), shows."""
    shot = scene.shot

    def shows(row: Ints) -> BoolArray:
        place = scene.picture_at(row, world)
        inside = ((place >= 0) & (place < np.array(scene.size))).all(1)
        return inside & (shot[row] == shot[scene.balls.row])

    return shows


def _share(scene: BallScene, place: Floats, shot: Ints, shows: Callable[[Ints], BoolArray | np.bool_]) -> Floats:
    """place: (N, 2) in cells. shot: (F,), places of different ones are different."""
    block = ((scene.time - scene.time[0]) / _SECONDS).astype(np.intp)
    first, frames = np.searchsorted(block, np.arange(block[-1] + 1)), np.bincount(block)
    column = np.floor(place).astype(np.intp)
    column -= column.min(0) - 1  # room for neighbours
    width, height = column.max(0) + 3
    own, num = block[scene.balls.row], len(frames)
    keys = ((shot[scene.balls.row] * num + own) * width + column[:, 0]) * height + column[:, 1]
    # one frame counts once, however many spots it has at a place
    in_frame = np.unique(np.column_stack([keys, scene.balls.row]), axis=0)[:, 0]
    known, count = np.unique(in_frame, return_counts=True)
    found, asked = np.zeros(len(keys)), np.zeros(len(keys))
    for step in _steps():
        other = np.clip(own + step, 0, num - 1)
        inside = (own + step == other) & shows(first[other])
        asked += np.where(inside, frames[other], 0)
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                wanted = keys + step * width * height + dx * height + dy
                at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
                found += np.where((known[at] == wanted) & inside, count[at], 0)
    return np.minimum(found / np.maximum(asked, _ENOUGH * np.median(frames)), 1.0)


def _steps() -> list[int]:
    near, far = int(_NEAR / _SECONDS), int(_FAR / _SECONDS)
    return [*range(-far, -near), *range(near + 1, far + 1)]
