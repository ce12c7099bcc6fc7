from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.boxes import Float64Array
from tracker.track.camera_vote import camera_shift

NOTHING = np.zeros(2)


def players(rng: np.random.Generator, count: int) -> Float64Array:
    """x, y, width, height (4, count), of different heights."""
    height = rng.uniform(110, 190, count)
    return np.stack([rng.uniform(0, 1280, count), rng.uniform(200, 600, count), 0.4 * height, height])


@given(st.integers(0, 10_000), st.integers(4, 12), st.tuples(st.floats(-150, 150), st.floats(-40, 40)))
def test_recovers_any_shift_without_a_guess(seed: int, count: int, shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(seed)
    before = players(rng, count)
    after = before.copy()
    after[:2] += np.array(shift)[:, None]
    found = camera_shift(before, after[:, rng.permutation(count)], NOTHING)
    # A stranger who stands nearer than the vote can tell weighs in: rarely, and by a thirtieth of a man's height.
    np.testing.assert_allclose(found, shift, atol=5)


@pytest.mark.parametrize("seed", range(20))
def test_a_pan_survives_misses_ghosts_and_jitter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = players(rng, 10)
    after = before[:, rng.permutation(10)[:8]] + rng.normal(0, 1, (4, 8))
    shift = rng.uniform(-40, 40, 2)
    after[:2] += shift[:, None]
    after = np.concatenate([after, players(rng, 2)], axis=1)
    assert np.abs(camera_shift(before, after, shift + rng.normal(0, 5, 2)) - shift).max() < 2.5


def test_a_player_who_runs_does_not_move_the_camera() -> None:
    before = players(np.random.default_rng(0), 10)
    after = before.copy()
    after[0, :2] += 40
    np.testing.assert_allclose(camera_shift(before, after, NOTHING), 0, atol=0.5)


def test_nothing_to_see() -> None:
    some, nobody = players(np.random.default_rng(0), 3), np.empty((4, 0))
    guess = np.array([3.0, -2.0])
    for expected, detected in ((some, nobody), (nobody, some), (nobody, nobody)):
        np.testing.assert_array_equal(camera_shift(expected, detected, guess), guess)


def test_a_crowd_costs_no_more_than_a_team() -> None:
    crowd = players(np.random.default_rng(0), 5000)
    after = crowd.copy()
    after[0] += 12
    np.testing.assert_allclose(camera_shift(crowd, after, NOTHING), [12, 0], atol=1)
