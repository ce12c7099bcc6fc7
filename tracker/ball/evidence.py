"""How likely the detector's scores, places and ways of a ball are: densities per player height squared.

The figures were read off two broadcasts (see ``benchmarks/results/ball.md``), where each alone gives nearly the same.
"""

from __future__ import annotations

import numpy as np

from tracker.ball.scene import PERSON, Floats
from tracker.types import BoolArray

GRAVITY = 9.81 / PERSON
"""Player heights per second squared."""
SEEN_HELD, SEEN_FREE = 0.75, 0.9
"""Share of frames in which a ball in a hand, and a ball in the air, is among the spots."""
FREE = 0.1
"""Density of a ball in the air: it may be anywhere about ten players."""
_SCORE = (1.4, 1.2)
"""Log of balls over other spots of a score, per frame: so much at a score of 0.5, and so much more per logit."""
_RESTING = 0.15
"""Share of the time for which hardly a ball, and most other things, are at one place."""
HAND = (0.0, 0.49)
"""Middle of where a held ball is: from the middle of the box across, from its top down, in heights of the box."""
_HAND_SPREAD = (0.22, 0.19)
_EDGE = 0.04
"""Spread of a held ball beyond the sides of its holder's box, which has his arms in it, in heights: of 134 on two
broadcasts 4 were farther out, of 22 in five more games none, of 11 there that had just left a hand 5."""
_HIGH = 0.15
"""Share of held balls that are over the head, as before a shot or a pass; boxes often end at the head."""
_RAISED, _RAISED_SPREAD = -0.05, 0.12
"""The same down, of such balls."""
_ANYWHERE = 0.02
"""Share of held balls that are anywhere about the box."""
_ABOUT = 1.9
"""Heights squared: how much room that is."""
_BALL, _BALL_SPREAD = 0.165, 0.35
"""Side of a ball's box, in heights of its holder's: the median, and the spread of the logarithm."""
_SPEEDS = (0.5, 2.5)
"""Spread of the velocity of what stands, as it is measured, and of a ball in the air; heights per second."""
_ACROSS, _FAST, _FLYING = 0.7, 2.5, 3.0
"""Spread of the velocity across, against its holder's box, of a ball in a hand, of one that is swung or bounced on, and
of one that has left him; heights per second."""
_SWUNG = 0.07
"""Share of the time in which a held ball is."""
_WILD, _WILDER = 0.05, 4.0
"""Share of steps that are so many times as wide."""


def score_evidence(score: Floats) -> Floats:
    """Log-likelihood ratio, ball over another thing, of a detector's scores."""
    level, slope = _SCORE
    score = np.clip(score, 1e-6, 1 - 1e-6)
    return level + slope * np.log(score / (1 - score))


def rest_evidence(recurrence: Floats) -> Floats:
    """Log-likelihood ratio, at most 0, by how much of the time something is where a spot is, see ``recurrence``."""
    return -np.log1p((recurrence / _RESTING) ** 3)


def hand_density(offset: Floats, width: Floats) -> Floats:
    """Density of a held ball at ``offset`` (..., 2) from the middle of the top of its holder's box.

    width: (...), of the box; all in heights of it.
    """
    x, y = np.abs(offset[..., 0]), offset[..., 1]
    about = (x < 0.6) & (y > -0.45) & (y < 1.1)
    across = _normal(np.maximum(x - width / 2, 0), _EDGE) / (_normal(0.0, _EDGE) * width + 1)
    low, raised = _normal(y - HAND[1], _HAND_SPREAD[1]), _normal(y - _RAISED, _RAISED_SPREAD)
    return across * ((1 - _HIGH - _ANYWHERE) * low + _HIGH * raised) + _ANYWHERE / _ABOUT * about


def size_likelihood(size: Floats, height: Floats) -> Floats:
    """How well a ball of ``size`` (side of its box) goes with a holder of ``height``, both pixels; at most 1.

    A small ball is not in the hands of somebody who stands near the camera.
    """
    ratio = np.log(np.maximum(size, 1e-3) / height / _BALL)
    return np.exp(-0.5 * np.square(ratio / _BALL_SPREAD))


def step_density(way: Floats, spread: Floats) -> Floats:
    """Density of being ``way`` (..., 2) from where it was expected, with a Gaussian's spread (..., 2); some go wild."""
    return (1 - _WILD) * _gaussian(way, spread) + _WILD * _gaussian(way, _WILDER * spread)


def flight_evidence(velocity: Floats) -> Floats:
    """Log-likelihood ratio, at most 0, of a ball in the air over a thing that stands, by velocity (..., 2); NaN: 0."""
    rest, flight = _SPEEDS
    square = np.square(velocity).sum(-1)
    return np.nan_to_num(np.minimum(2 * np.log(rest / flight) + square / 2 * (rest**-2 - flight**-2), 0.0))


def hold_evidence(across: Floats) -> Floats:
    """Log-likelihood ratio, at most 0, of a ball in a hand over one that has left it.

    across: of its velocity against its holder's box; NaN: 0.
    """
    held = (1 - _SWUNG) * _normal(across, _ACROSS) + _SWUNG * _normal(across, _FAST)
    return np.nan_to_num(np.minimum(np.log(held / _normal(across, _FLYING)), 0.0))


def _gaussian(way: Floats, spread: Floats) -> Floats:
    return np.exp(-0.5 * np.square(way / spread).sum(-1)) / (2 * np.pi * spread.prod(-1))


def _normal(way: Floats | float, spread: float) -> Floats:
    return np.exp(-0.5 * np.square(way / spread)) / (np.sqrt(2 * np.pi) * spread)


def held_spread(age: Floats) -> Floats:
    """(..., 2): how far a held ball comes from its place in its holder's box in ``age`` (...) seconds."""
    across = np.minimum(np.hypot(0.02, 0.6 * age), _HAND_SPREAD[0])
    down = np.minimum(np.hypot(0.02, 1.4 * age), _HAND_SPREAD[1])
    return np.stack([across, down], -1)


def free_spread(age: Floats, knows_way: BoolArray) -> Floats:
    """(..., 2): how far a ball in the air is from where it was expected after ``age`` (...) seconds.

    knows_way: (...), whether its velocity was known; else it may go anywhere, as fast as a pass.
    """
    spread = np.where(knows_way, np.hypot(0.03, 1.0 * age), np.hypot(0.03, 4.0 * age))
    return np.stack([spread, spread], -1)
