"""What happens to the ball, by paths that are drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.ball.events import PASS, REBOUND, SHOT, ball_events
from tracker.ball.path import SEEN, BallPath
from tracker.ball.scene import NOBODY, BallScene, Spots
from tracker.types import Tracks

_FRAMES = 90


def _scene(hoop: tuple[float, float] | None, cut_at: int | None = None) -> BallScene:
    rows = np.arange(_FRAMES)
    box = np.array([100, 200, 160, 350], np.float32)
    people = Tracks.of(np.repeat(rows, 2), np.tile([1, 2], _FRAMES), np.tile([box, box + 400], (_FRAMES, 1)))
    none = Spots(np.empty(0, np.intp), np.empty((0, 4)), np.empty(0))
    place = np.tile([0.0, 0.0, 30.0, 20.0], (_FRAMES, 1)) + np.tile([*(hoop or (0, 0))] * 2, (_FRAMES, 1))
    hoops = none if hoop is None else Spots(rows, place, np.full(_FRAMES, 0.8))
    is_cut = np.zeros(_FRAMES, np.bool_)
    if cut_at is not None:
        is_cut[cut_at] = True
    yes = np.ones(_FRAMES, np.bool_)
    return BallScene(rows / 30, np.zeros((_FRAMES, 2)), np.ones(_FRAMES), is_cut, yes, (1280, 720), none, hoops, people)


def _path(holder: list[tuple[int, int]], xy: np.ndarray) -> BallPath:
    """holder: player and how many frames, one after the other."""
    who = np.repeat([player for player, _ in holder], [count for _, count in holder]).astype(np.int32)
    return BallPath(np.arange(_FRAMES, dtype=np.int32), xy.astype(np.float32), np.full(_FRAMES, SEEN, np.uint8), who)


def _flat() -> np.ndarray:
    return np.column_stack([np.linspace(130, 530, _FRAMES), np.full(_FRAMES, 280.0)])


def _arc(height: float) -> np.ndarray:
    """Up and down between frames 30 and 60."""
    xy = _flat()
    xy[:, 1] -= height * np.clip(1 - ((np.arange(_FRAMES) - 45) / 15.0) ** 2, 0, 1)
    return xy


def _events(path: BallPath, scene: BallScene) -> list[tuple[str, int, int, int]]:
    found = ball_events(path, scene, np.arange(_FRAMES))
    assert all(event.confidence == 1 for event in found)
    return [(event.kind, event.frame, event.player, event.to) for event in found]


def test_a_ball_that_somebody_else_gets_was_passed() -> None:
    path = _path([(1, 30), (NOBODY, 20), (2, 40)], _flat())
    assert _events(path, _scene(None)) == [(PASS, 29, 1, 2)]
    assert _events(path, _scene((900, 100))) == [(PASS, 29, 1, 2)]


def test_a_ball_that_comes_to_a_hoop_was_shot_and_who_gets_it_has_the_rebound() -> None:
    path = _path([(1, 30), (NOBODY, 30), (2, 30)], _arc(150))
    assert _events(path, _scene((300, 130))) == [(SHOT, 29, 1, NOBODY), (REBOUND, 60, 2, NOBODY)]


def test_a_pass_to_somebody_under_the_hoop_is_no_shot() -> None:
    path = _path([(1, 30), (NOBODY, 30), (2, 30)], _arc(60))
    assert _events(path, _scene((330, 180))) == [(PASS, 29, 1, 2)]


@pytest.mark.parametrize(("height", "kind"), [(60, PASS), (400, SHOT)])
def test_without_a_hoop_only_what_flies_very_high_is_a_shot(height: float, kind: str) -> None:
    path = _path([(1, 30), (NOBODY, 30), (2, 30)], _arc(height))
    assert _events(path, _scene(None))[0][0] == kind


def test_a_dribble_and_a_touch_are_nothing() -> None:
    assert _events(_path([(1, 30), (NOBODY, 8), (1, 52)], _flat()), _scene(None)) == []
    touched = _path([(1, 40), (NOBODY, 5), (2, 2), (NOBODY, 3), (1, 40)], _flat())
    assert _events(touched, _scene(None)) == []


def test_a_cut_ends_what_happens() -> None:
    path = _path([(1, 45), (2, 45)], _flat())
    assert _events(path, _scene(None)) == [(PASS, 44, 1, 2)]
    assert _events(path, _scene(None, cut_at=45)) == []


def test_a_pass_that_nobody_gets_before_the_end() -> None:
    path = _path([(1, 60), (NOBODY, 30)], _flat())
    assert _events(path, _scene(None)) == [(PASS, 59, 1, NOBODY)]
