"""Where players are in metres, and how far they go: as the homography says where there is one, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.court.camera import Camera
from tracker.court.dimensions import COURTS
from tracker.court.homography import moved
from tracker.court.known import KnownCourt
from tracker.court.positions import distances, feet, positions
from tracker.types import Tracks

WIDTH, HEIGHT = 1280, 720
SEEN = Camera(0.0, 25.0, 10.0, 0.0, 0.38, 0.0, -0.1).homography(WIDTH, HEIGHT)


def _court(frames: list[int], kind: str = "nba") -> KnownCourt:
    return KnownCourt(kind, np.array(frames, np.int32), np.stack([np.linalg.inv(SEEN)] * len(frames)))


def _standing(frames: list[int], metres: np.ndarray) -> Tracks:
    x, y = moved(SEEN, metres).T
    return Tracks.of(frames, np.ones(len(frames)), np.stack([x - 20, y - 90, x + 20, y], axis=1))


@pytest.mark.slow
@given(st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True), st.integers(0, 2**31))
def test_boxes_are_in_metres_where_the_court_is_known(frames: list[int], seed: int) -> None:
    frames = sorted(frames)
    there = np.random.default_rng(seed).uniform([-8, -6], [8, 4], (len(frames), 2))
    known = frames[::2]
    found = positions(_standing(frames, there), _court(known), HEIGHT)
    is_known = np.isin(frames, known)
    assert np.abs(found[is_known] - there[is_known]).max() < 0.01 and np.isnan(found[~is_known]).all()


def test_nothing_is_said_of_feet_below_the_picture_and_of_the_horizon() -> None:
    assert np.isnan(feet(np.array([[0, 600, 50, 720]], np.float32), HEIGHT)).all()
    far = Tracks.of([0], [1], [[600, 10, 640, 60]])
    assert np.isnan(positions(far, _court([0]), HEIGHT)).all()
    assert np.isnan(positions(_standing([0], np.zeros((1, 2))), KnownCourt(), HEIGHT)).all()


@given(st.floats(0.2, 8.0))
def test_the_distance_is_that_of_the_path_whether_boxes_tremble_or_not(speed: float) -> None:
    time = np.arange(100) / 25
    path = np.stack([speed * time - 4 * speed / 2, np.zeros(100)], axis=1)
    tracks = Tracks.of(np.arange(100), np.ones(100), np.tile([0, 0, 1, 1], (100, 1)))
    shaken = path + np.random.default_rng(1).normal(0, 0.05, path.shape)
    (gone,) = distances(tracks, shaken, np.arange(100), time).values()
    assert gone == pytest.approx(99 / 25 * speed, abs=0.25 * speed + 0.5)
    shaken[40:60] = np.nan
    (less,) = distances(tracks, shaken, np.arange(100), time).values()
    assert less < gone, "nothing is guessed where he was not seen"


def test_a_court_holds_together() -> None:
    with pytest.raises(ValueError, match="no court 'ice'"):
        KnownCourt("ice")
    with pytest.raises(ValueError, match="ascend"):
        _court([3, 3])


@pytest.mark.parametrize("kind", list(COURTS))
def test_lines_lie_where_areas_end(kind: str) -> None:
    """But for the middle line, which ends none."""
    lines = COURTS[kind].lines()
    assert len(lines) == 7
    for line in [*lines[:1], *lines[2:]]:
        assert np.abs(COURTS[kind].areas(line)).min(axis=0).max() < 1e-9
