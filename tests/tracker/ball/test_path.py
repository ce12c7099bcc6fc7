"""The ball's path and who has it, on games that are made up: dribbled, passed, hidden, among spots that are nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.ball.path import INFERRED, SEEN, BallConfig, BallPath, find_ball
from tracker.ball.scene import NOBODY, BallScene, Spots
from tracker.types import Tracks

_SIZE = (1280, 720)
_HEIGHT, _RATE, _FRAMES = 150.0, 30.0, 150
_RELEASE, _CATCH = 60, 78


@dataclasses.dataclass(frozen=True)
class _Made:
    scene: BallScene
    xy: np.ndarray
    holder: np.ndarray


def _made(seed: int, *, missed: float = 0.25, clutter: int = 6, pan: float = 0.0) -> _Made:
    """Player 1 dribbles, passes to 2, who dribbles; others stand about, one with a head that looks like a ball."""
    rng = np.random.default_rng(seed)
    frames = np.arange(_FRAMES)
    feet = np.array([[300, 500], [900, 520], [600, 420], [760, 640], [450, 640]], float)
    feet = feet + np.cumsum(rng.normal(0, 0.5, (_FRAMES, 5, 2)), axis=0) + rng.uniform(-20, 20, 2)
    hand = feet[:, :2] + np.array([25.0, -0.5 * _HEIGHT])
    hand[..., 1] += 0.3 * _HEIGHT * np.abs(np.sin(frames * 0.2))[:, None]
    share = np.clip((frames - _RELEASE) / (_CATCH - _RELEASE), 0, 1)[:, None]
    xy = (1 - share) * hand[:, 0] + share * hand[:, 1]
    holder = np.where(frames < _RELEASE, 1, np.where(frames < _CATCH, NOBODY, 2))
    moved = np.column_stack([pan * frames, np.zeros(_FRAMES)])
    spots = [(f, xy[f] + rng.normal(0, 1.5, 2), rng.uniform(0.05, 0.9)) for f in frames if rng.random() > missed]
    spots += [(f, feet[f, 2] - [0, 0.95 * _HEIGHT], rng.uniform(0.01, 0.1)) for f in frames if rng.random() < 0.6]
    for f in frames:
        spots += [(f, rng.uniform([0, 0], _SIZE), 10 ** rng.uniform(-2, -1)) for _ in range(clutter)]
    scene = _scene([(f, at + moved[f], score) for f, at, score in spots], feet + moved[:, None], pan)
    return _Made(scene, xy + moved, holder)


def _scene(spots: list[tuple[int, np.ndarray, float]], feet: np.ndarray, pan: float) -> BallScene:
    spots = sorted(spots, key=lambda spot: spot[0])
    middle = np.array([at for _, at, _ in spots])
    balls = Spots(
        np.array([f for f, _, _ in spots]), np.hstack([middle - 12, middle + 12]), np.array([s for *_, s in spots])
    )
    num, people = feet.shape[:2]
    box = np.concatenate([feet - np.array([30, _HEIGHT]), feet + np.array([30, 0])], axis=2).reshape(-1, 4)
    tracks = Tracks.of(np.repeat(np.arange(num), people), np.tile(np.arange(1, people + 1), num), box)
    none = Spots(np.empty(0, np.intp), np.empty((0, 4)), np.empty(0))
    shift = np.tile([pan, 0.0], (num, 1))
    yes, no = np.ones(num, np.bool_), np.zeros(num, np.bool_)
    return BallScene(np.arange(num) / _RATE, shift, np.ones(num), no, yes, _SIZE, balls, none, tracks)


def _found(scene: BallScene) -> BallPath:
    return find_ball(scene, np.arange(len(scene), dtype=np.int32), BallConfig())


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, -3.0]))
def test_a_ball_is_followed_from_hand_to_hand(seed: int, pan: float) -> None:
    made = _made(seed, pan=pan)
    path = _found(made.scene)
    assert len(path) == _FRAMES
    assert (path.holder == made.holder).mean() > 0.85
    away = np.linalg.norm(path.xy - made.xy, axis=1)
    assert (away[path.state == SEEN] < 15).mean() > 0.95
    assert (away < 0.3 * _HEIGHT).mean() > 0.9


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(st.integers(0, 10**6))
def test_a_mirrored_picture_gives_the_mirrored_path(seed: int) -> None:
    scene = _made(seed).scene

    def mirrored(xyxy: np.ndarray) -> np.ndarray:
        return np.column_stack([_SIZE[0] - xyxy[:, 2], xyxy[:, 1], _SIZE[0] - xyxy[:, 0], xyxy[:, 3]])

    people = dataclasses.replace(scene.people, xyxy=mirrored(scene.people.xyxy).astype(np.float32))
    balls = dataclasses.replace(scene.balls, xyxy=mirrored(scene.balls.xyxy))
    plain, other = _found(scene), _found(dataclasses.replace(scene, balls=balls, people=people))
    assert (plain.holder == other.holder).mean() > 0.98
    assert np.median(np.abs(plain.xy[:, 0] + other.xy[:, 0] - _SIZE[0])) < 1


@pytest.mark.slow
def test_a_cut_ends_the_path_and_shots_are_found_alone() -> None:
    """But for what recurs in the picture, which is asked of all shots, so there is nothing else in it."""
    one = _made(3, clutter=0).scene
    twice = _twice(one)
    path, alone = _found(twice), _found(one)
    assert (path.holder[:_FRAMES] == path.holder[_FRAMES:]).mean() > 0.95
    assert (path.holder[:_FRAMES] == alone.holder).mean() > 0.95


def _twice(scene: BallScene) -> BallScene:
    def after(spots: Spots) -> Spots:
        row = np.concatenate([spots.row, spots.row + _FRAMES])
        return Spots(row, np.tile(spots.xyxy, (2, 1)), np.tile(spots.score, 2))

    people = scene.people
    both = Tracks.of(
        np.concatenate([people.frame_index, people.frame_index + _FRAMES]),
        np.tile(people.track_id, 2),
        np.tile(people.xyxy, (2, 1)),
    )
    is_cut = np.zeros(2 * _FRAMES, np.bool_)
    is_cut[_FRAMES] = True
    return dataclasses.replace(
        scene, time=np.arange(2 * _FRAMES) / _RATE, shift=np.tile(scene.shift, (2, 1)), zoom=np.tile(scene.zoom, 2),
        is_cut=is_cut, looked=np.tile(scene.looked, 2), balls=after(scene.balls), people=both,
    )  # fmt: skip


def test_what_stands_in_the_picture_is_no_ball() -> None:
    made = _made(5, missed=1.0)
    logo = np.array([1100.0, 100.0])
    spots = [(f, logo, 0.5) for f in range(_FRAMES)]
    feet = (made.scene.people.xyxy[:, [0, 3]] + [30, 0]).reshape(_FRAMES, 5, 2)
    path = _found(_scene(spots, feet, 0.0))
    assert not (path.state == SEEN).any()


def test_short_gaps_are_inferred_and_long_ones_are_hidden() -> None:
    scene = _made(7, missed=0.0, clutter=0).scene
    gone = ((scene.balls.row >= 20) & (scene.balls.row < 26)) | ((scene.balls.row >= 100) & (scene.balls.row < 130))
    kept = Spots(scene.balls.row[~gone], scene.balls.xyxy[~gone], scene.balls.score[~gone])
    path = _found(dataclasses.replace(scene, balls=kept))
    assert (path.state[20:26] == INFERRED).all() and not np.isin(path.state[100:130], [SEEN, INFERRED]).any()
    assert (path.holder[100:130] == 2).all(), "who had it before and after has it between"


@pytest.mark.parametrize("num", [0, 1])
def test_no_frame_no_spot_and_nobody(num: int) -> None:
    path = _found(_scene_of_nothing(num))
    assert len(path) == 0


def _scene_of_nothing(num: int) -> BallScene:
    none = Spots(np.empty(0, np.intp), np.empty((0, 4)), np.empty(0))
    flags = np.zeros(num, np.bool_)
    return BallScene(
        np.arange(num) / 25, np.zeros((num, 2)), np.ones(num), flags, ~flags, _SIZE, none, none, Tracks.empty()
    )


def test_settings_that_cannot_be() -> None:
    with pytest.raises(InputError, match="hold and flight"):
        BallConfig(hold=0)
