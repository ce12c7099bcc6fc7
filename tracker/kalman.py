"""The box filter of SORT, for all tracks at once.

Bewley et al., "Simple Online and Realtime Tracking" (ICIP 2016), section 3.2, with the numbers of the authors'
implementation (github.com/abewley/sort): the state is (x, y, s, r, vx, vy, vs), the centre in pixels, the area in
square pixels, width / height, and the velocities of the first three per frame; r has none.

F, H, Q, R and the first covariance couple a quantity with its own velocity and with nothing else. So the 7x7
covariance is, always, four small blocks, and the filter is arithmetic on five numbers per quantity, without a matrix
product or an inverse. Tests step it beside FilterPy's 7-state KalmanFilter to 1e-9.

The state of T tracks is one plain array, float64 (5, 4, T), that can be indexed by track, saved and restored:
[value, velocity, variance of value, covariance of value and velocity, variance of velocity] x [x, y, s, r] x tracks.
"""

from __future__ import annotations

import numpy as np

from tracker.boxes import Float64Array

VALUE, VELOCITY, VALUE_VARIANCE, COVARIANCE, VELOCITY_VARIANCE = range(5)
_X, _Y, _S, _R = range(4)

_MEASUREMENT_VARIANCE = np.array([[1.0], [1.0], [10.0], [10.0]])
"""R, (4, 1)."""
_PROCESS_VARIANCE = 1.0
_VELOCITY_PROCESS_VARIANCE = np.array([[1e-2], [1e-2], [1e-4], [0.0]])
"""Q of the values and, (4, 1), of the velocities."""
_FIRST_VARIANCE = np.array([[10.0] * 4, [0.0] * 4, [10_000.0] * 3 + [0.0]])[:, :, None]
"""P of a new track, (3, 4, 1). Velocities are unknown at first."""


def initiate(xysr: Float64Array) -> Float64Array:
    """States (5, 4, N) of tracks that begin at the measurements ``xysr`` (N, 4)."""
    states = np.zeros((5, 4, len(xysr)))
    states[VALUE] = xysr.T
    states[VALUE_VARIANCE:] = _FIRST_VARIANCE
    return states


def predict(states: Float64Array) -> None:
    """Move ``states`` (5, 4, T) one frame on, in place. An area that would fall to zero stays as it is."""
    value, velocity, variance, covariance, velocity_variance = _parts(states)
    value += velocity
    vanished = value[_S] <= 0
    if np.count_nonzero(vanished):
        value[_S, vanished] -= velocity[_S, vanished]
        velocity[_S, vanished] = 0
    variance += covariance
    covariance += velocity_variance
    variance += covariance
    variance += _PROCESS_VARIANCE
    velocity_variance += _VELOCITY_PROCESS_VARIANCE


def update(states: Float64Array, xysr: Float64Array) -> None:
    """Correct ``states`` (5, 4, N) by the measurements ``xysr`` (N, 4), in place."""
    value, velocity, variance, covariance, velocity_variance = _parts(states)
    total = variance + _MEASUREMENT_VARIANCE
    gain = variance / total
    velocity_gain = covariance / total
    error = xysr.T - value
    value += gain * error
    velocity += velocity_gain * error
    velocity_variance -= velocity_gain * covariance
    remaining = 1.0 - gain
    variance *= remaining
    covariance *= remaining


def to_matrices(states: Float64Array) -> tuple[Float64Array, Float64Array]:
    """The same as FilterPy holds it: means (T, 7) and covariances (T, 7, 7)."""
    num_tracks = states.shape[2]
    mean = np.concatenate([states[VALUE], states[VELOCITY, :_R]]).T
    covariance = np.zeros((num_tracks, 7, 7))
    values, moving = np.arange(4), np.arange(3)
    covariance[:, values, values] = states[VALUE_VARIANCE].T
    covariance[:, moving + 4, moving + 4] = states[VELOCITY_VARIANCE, :_R].T
    covariance[:, moving, moving + 4] = covariance[:, moving + 4, moving] = states[COVARIANCE, :_R].T
    return mean, covariance


def _parts(states: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]:
    # Unpacking an array is an iteration, and slower.
    return states[0], states[1], states[2], states[3], states[4]
