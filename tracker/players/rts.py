"""Kalman filter and Rauch-Tung-Striebel smoother for boxes, for many lines of them at once.

Särkkä, "Bayesian Filtering and Smoothing" (2013), algorithms 4.1 and 8.2, for a velocity that wanders (white-noise
acceleration: Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001, section
6.2). A quantity is coupled with its own velocity and with nothing else, so the 8x8 covariance is, always, four small
blocks, and both are arithmetic on five numbers per quantity. Tests compare them with FilterPy's to 1e-9.

States are arrays float64 (5, 4, L): [value, velocity, variance of value, covariance, variance of velocity] x [centre x,
centre y, width, height] x lines, in pixels and pixels per second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tracker.boxes import Float64Array
from tracker.types import BoolArray

_DETECTION_NOISE = 0.025
"""Standard deviation of a detected centre and size, in heights."""
_ACCELERATION = np.array([[10.0], [10.0], [5.0], [5.0]])
"""Spectral density of the acceleration of centre x, y, width, height, in heights squared per second cubed. Chosen on
SportsMOT with noisy boxes: jitter falls to a third while overlap with the truth stays (limbs do move fast)."""
_FIRST_VELOCITY = 3.0
"""Standard deviation of the velocity at the start of a line, in heights per second."""


class Line(NamedTuple):
    """Boxes of one player."""

    boxes: Float64Array
    """(N, 4): centre x, centre y, width, height."""
    seconds: Float64Array
    """(N,), ascending."""
    observed: BoolArray
    """(N,): the other boxes only say how large he is."""


def smoothed(lines: Sequence[Line]) -> list[Float64Array]:
    """The boxes (N, 4) of each of ``lines`` as they most likely were, from all that is observed of it."""
    # A shorter line goes on at its last moment, unobserved: that changes nothing.
    count = max(len(line.seconds) for line in lines)
    boxes = np.stack([_longer(line.boxes, count) for line in lines], axis=2)
    seconds = np.stack([_longer(line.seconds, count) for line in lines], axis=1)
    observed = np.zeros(seconds.shape)
    for row, line in enumerate(lines):
        observed[: len(line.observed), row] = line.observed
    steps = np.diff(seconds, axis=0, prepend=seconds[:1])
    wander = np.stack([steps**3 / 3, steps**2 / 2, steps], axis=1) * boxes[:, 3:] ** 2
    states = _filtered(boxes, steps, wander, observed)
    _smooth(states, steps, wander)
    return [states[: len(line.seconds), 0, :, row] for row, line in enumerate(lines)]


def _longer(values: Float64Array, count: int) -> Float64Array:
    return np.concatenate([values, np.repeat(values[-1:], count - len(values), axis=0)])


def _filtered(boxes: Float64Array, steps: Float64Array, wander: Float64Array, observed: Float64Array) -> Float64Array:
    """States (N, 5, 4, L) after each of ``boxes`` (N, 4, L).

    steps: (N, L), seconds since the box before. wander: (N, 3, L), see ``_predict``. observed: (N, L), 0 or 1.
    """
    states = np.zeros((len(boxes), 5, *boxes.shape[1:]))
    state = states[0].copy()
    state[0] = boxes[0]
    state[2], state[4] = (_DETECTION_NOISE * boxes[0, 3]) ** 2, (_FIRST_VELOCITY * boxes[0, 3]) ** 2
    variances = (_DETECTION_NOISE * boxes[:, 3]) ** 2
    for row, (box, step, noise, is_seen) in enumerate(zip(boxes, steps, wander, observed, strict=True)):
        _predict(state, step, noise)
        _update(state, box, variances[row], is_seen)
        states[row] = state
    return states


def _predict(state: Float64Array, step: Float64Array, wander: Float64Array) -> None:
    """Move ``state`` on by ``step`` (L,) seconds, in place.

    wander: (3, L), variance of value, covariance and variance of velocity that come to it, for an acceleration of 1.
    """
    value, velocity, variance, covariance, velocity_variance = state
    value += step * velocity
    variance += step * (2 * covariance + step * velocity_variance) + wander[0] * _ACCELERATION
    covariance += step * velocity_variance + wander[1] * _ACCELERATION
    velocity_variance += wander[2] * _ACCELERATION


def _update(state: Float64Array, box: Float64Array, noise: Float64Array, is_seen: Float64Array) -> None:
    """Correct ``state`` by a ``box`` (4, L) with the variance ``noise`` (L,) where it ``is_seen`` (L,), in place."""
    value, velocity, variance, covariance, velocity_variance = state
    weight = is_seen / (variance + noise)
    gain, velocity_gain = variance * weight, covariance * weight
    error = box - value
    value += gain * error
    velocity += velocity_gain * error
    velocity_variance -= velocity_gain * covariance
    variance *= 1 - gain
    covariance *= 1 - gain


def _smooth(states: Float64Array, steps: Float64Array, wander: Float64Array) -> None:
    """Correct values and velocities of filtered ``states`` (N, 5, 4, L) by all that came later, in place."""
    for row in range(len(states) - 2, -1, -1):
        step, expected = steps[row + 1], states[row].copy()
        _predict(expected, step, wander[row + 1])
        value, velocity, variance, covariance, velocity_variance = states[row]
        (off, off_velocity), (first, both, second) = states[row + 1, :2] - expected[:2], expected[2:]
        determinant = first * second - both**2
        pull = (second * off - both * off_velocity) / determinant
        pull_velocity = (first * off_velocity - both * off) / determinant
        value += (variance + step * covariance) * pull + covariance * pull_velocity
        velocity += (covariance + step * velocity_variance) * pull + velocity_variance * pull_velocity
