"""What places and velocities of a ball say of who has it."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.ball.evidence import FREE, HAND, hand_density, hold_evidence


@pytest.mark.parametrize("width", [0.25, 0.5, 0.9])
def test_the_density_of_a_held_ball_sums_to_one(width: float) -> None:
    step = 0.01
    x, y = np.meshgrid(np.arange(-1, 1, step), np.arange(-1, 2, step))
    assert hand_density(np.stack([x, y], -1), np.array(width)).sum() * step**2 == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("width", [0.25, 0.5, 0.9])
def test_a_ball_is_held_between_the_sides_of_a_box_and_not_beyond(width: float) -> None:
    inside, beyond = (np.array([width / 2 + way, HAND[1]]) for way in (-0.05, 0.15))
    assert hand_density(inside, np.array(width)) > 5 * FREE
    assert hand_density(beyond, np.array(width)) < FREE / 2


def test_a_ball_that_flies_off_across_has_left_the_hand() -> None:
    slow, fast, unknown = hold_evidence(np.array([0.5, -3.0, np.nan]))
    assert slow == 0 and fast < -2 and unknown == 0
