"""How a player's box moves: a filter with true times, for all players at once.

Centre x, centre y, width and height each move at a velocity that wanders and is pulled back to zero: the integrated
Ornstein-Uhlenbeck process (Johnson et al., "Continuous-time correlated random walk model for animal telemetry data",
Ecology 2008), in units of the player's height. Over a few frames that is the usual nearly constant velocity; over
seconds a player is expected to have stopped or turned, not to have run out of the hall.

States are arrays float64 (5, 4, T): [value, velocity, variance of value, covariance, variance of velocity] x
[x, y, width, height] x tracks, as in ``tracker.track.sort_filter``, in pixels and pixels per second.
"""

from __future__ import annotations

import numpy as np

from tracker.boxes import Float64Array

VALUE, VELOCITY, VALUE_VARIANCE, COVARIANCE, VELOCITY_VARIANCE = range(5)
HEIGHT = 3
"""Row of the height among the four quantities."""

_SPEED = np.array([[0.8], [0.25], [0.4], [0.27]])
"""Usual velocity of x, y, width, height, in heights per second, once the camera's motion is out of it."""
_MEMORY = np.array([[1.1], [1.2], [0.1], [0.1]])
"""Seconds after which a third of a velocity is left. Limbs come and go, players run on."""
NOISE = np.array([[0.03], [0.03], [0.08], [0.04]])
"""Standard deviation (4, 1) of a detected box, in heights, where nothing is known of the detector."""

_TAIL = 4.0
"""Degrees of freedom of Student's t."""


def initiate(boxes: Float64Array, noise: Float64Array = NOISE) -> Float64Array:
    """States (5, 4, N) of tracks that begin at ``boxes`` (4, N): x, y, width, height.

    noise: standard deviations of the boxes in heights, (4, N), or (4, 1) for all.
    """
    states = np.zeros((5, *boxes.shape))
    states[VALUE] = boxes
    scale = boxes[HEIGHT]
    states[VALUE_VARIANCE] = (noise * scale) ** 2
    states[VELOCITY_VARIANCE] = (_SPEED * scale) ** 2
    return states


def predict(states: Float64Array, dt: float | Float64Array) -> None:
    """Move ``states`` (5, 4, T) on by ``dt`` seconds, one for all or (T,), in place."""
    value, velocity, variance, covariance, velocity_variance = states
    left = np.exp(-dt / _MEMORY)
    lost = 1.0 - left
    reach = _MEMORY * lost
    power = (_SPEED * value[HEIGHT]) ** 2
    value += reach * velocity
    np.maximum(value[2:], 1.0, out=value[2:])
    velocity *= left
    variance += reach * (2.0 * covariance + reach * velocity_variance)
    variance += power * _MEMORY * (2.0 * dt - _MEMORY * lost * (3.0 - left))
    covariance += reach * velocity_variance
    covariance *= left
    covariance += power * (_MEMORY * lost * lost)
    velocity_variance *= left * left
    velocity_variance += power * (lost * (1.0 + left))


def turning(dt: float) -> Float64Array:
    """Variance (4,), in heights, of where a player is around the middle of where he was and will be in ``dt`` seconds.

    That of half the difference of two integrals of the velocity, before and after.
    """
    steps = dt / _MEMORY[:, 0]
    lost = 1.0 - np.exp(-steps)
    return (_SPEED[:, 0] * _MEMORY[:, 0]) ** 2 * (steps - lost - 0.5 * lost**2)


def innovation(states: Float64Array, noise: Float64Array = NOISE) -> Float64Array:
    """Variances (4, T) of a detection around the value of ``states``; ``noise`` as for ``initiate``."""
    return states[VALUE_VARIANCE] + (noise * states[VALUE, HEIGHT]) ** 2


def update(states: Float64Array, boxes: Float64Array, noise: Float64Array = NOISE) -> None:
    """Correct ``states`` (5, 4, N) by the detected ``boxes`` (4, N), in place; ``noise`` as for ``initiate``."""
    value, velocity, variance, covariance, velocity_variance = states
    total = innovation(states, noise)
    gain = variance / total
    velocity_gain = covariance / total
    error = boxes - value
    value += gain * error
    velocity += velocity_gain * error
    velocity_variance -= velocity_gain * covariance
    variance *= 1.0 - gain
    covariance *= 1.0 - gain


def log_likelihood(squared: Float64Array, dimensions: int) -> Float64Array:
    """Minus twice the logarithm of Student's t, but for its constant, from squared distances in deviations.

    Heavier tails than the normal distribution: now and then players do what nobody expects.
    """
    return (_TAIL + dimensions) * np.log1p(squared / _TAIL)


def disagreement(before: Float64Array, after: Float64Array, gap: Float64Array) -> Float64Array:
    """How unlikely it is that states ``before`` (5, 4, K) become ``after`` in ``gap`` seconds (K,).

    after: filtered backwards in time, so its velocities have the other sign.
    Returns minus twice the log-likelihood (K,), lengths in heights.
    """
    before = before.copy()
    predict(before, gap)
    height = 0.5 * (before[VALUE, HEIGHT] + after[VALUE, HEIGHT])
    off, off_velocity = before[VALUE] - after[VALUE], before[VELOCITY] + after[VELOCITY]
    variance = before[VALUE_VARIANCE] + after[VALUE_VARIANCE]
    covariance = before[COVARIANCE] - after[COVARIANCE]
    velocity_variance = before[VELOCITY_VARIANCE] + after[VELOCITY_VARIANCE]
    determinant = (variance * velocity_variance - covariance**2)[:2]
    squared = (velocity_variance * off**2 - 2 * covariance * off * off_velocity + variance * off_velocity**2)[:2]
    # Width and height have no velocity worth comparing: limbs go to and fro.
    total = (squared / determinant).sum(axis=0) + (off[2:] ** 2 / variance[2:]).sum(axis=0)
    spread = np.log(determinant / height**4).sum(axis=0) + np.log(variance[2:] / height**2).sum(axis=0)
    return log_likelihood(total, 6) + spread
