"""The box filter of SORT, for all tracks at once.

Bewley et al., "Simple Online and Realtime Tracking" (ICIP 2016), section 3.2, with the numbers of the authors'
implementation (github.com/abewley/sort): the state is (x, y, s, r, vx, vy, vs), the centre in pixels, the area in
square pixels, width / height, and the velocities of the first three per frame; r has none.

F, H, Q, R and the first covariance couple a quantity with its own velocity and with nothing else. So the 7x7
covariance is, always, four small blocks, and the filter is arithmetic on five numbers per quantity, without an
inverse. Tests step it beside FilterPy's 7-state KalmanFilter to 1e-9.

The state of T tracks is one plain array, float64 (8, 4, T), that can be indexed by track, saved and restored: value,
velocity, variance of value, covariance of value and velocity, variance of velocity, and the quantity's own constants
R, Q of value, Q of velocity; times x, y, s, r; times tracks. Constants lie beside what they are added to because NumPy
takes twice as long over a handful of numbers where it must stretch one side.
"""

from __future__ import annotations

import numpy as np

from tracker.boxes import Float64Array

VALUE, VELOCITY, VALUE_VARIANCE, COVARIANCE, VELOCITY_VARIANCE, _NOISE, _DRIFT, _VELOCITY_DRIFT = range(8)
NUM_ROWS = 8
_S, _R = 2, 3

_NEW = np.array([
    [0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0],
    [10.0, 10.0, 10.0, 10.0],
    [0.0, 0.0, 0.0, 0.0],
    [10_000.0, 10_000.0, 10_000.0, 0.0],
    [1.0, 1.0, 10.0, 10.0],
    [1.0, 1.0, 1.0, 1.0],
    [1e-2, 1e-2, 1e-4, 0.0],
])[:, :, None]  # fmt: skip
"""A new track, but for its values. Velocities are unknown at first."""
_TRANSITION = np.eye(NUM_ROWS)
_TRANSITION[VALUE, VELOCITY] = 1.0
_TRANSITION[VALUE_VARIANCE, [COVARIANCE, VELOCITY_VARIANCE, _DRIFT]] = 2.0, 1.0, 1.0
_TRANSITION[COVARIANCE, VELOCITY_VARIANCE] = 1.0
_TRANSITION[VELOCITY_VARIANCE, _VELOCITY_DRIFT] = 1.0
"""One frame on, F x and F P F' + Q written out for the rows of a quantity."""


def initiate(xysr: Float64Array) -> Float64Array:
    """States (8, 4, N) of tracks that begin at the measurements ``xysr`` (4, N)."""
    states = np.empty((NUM_ROWS, *xysr.shape))
    states[:] = _NEW
    states[VALUE] = xysr
    return states


def predict(states: Float64Array) -> Float64Array:
    """The ``states`` (8, 4, T) one frame on. An area that would fall to zero stays as it is."""
    predicted = _TRANSITION.dot(states.reshape(NUM_ROWS, -1)).reshape(states.shape)
    area = predicted[VALUE, _S]
    vanished = area <= 0.0
    if np.count_nonzero(vanished):
        area[vanished] = states[VALUE, _S, vanished]
        predicted[VELOCITY, _S, vanished] = 0.0
    return predicted


def update(states: Float64Array, xysr: Float64Array) -> None:
    """Correct ``states`` (8, 4, N) by the measurements ``xysr`` (4, N), in place."""
    value, variance, covariance = states[VALUE], states[VALUE_VARIANCE], states[COVARIANCE]
    total = variance + states[_NOISE]
    gain = variance / total
    velocity_gain = covariance / total
    error = xysr - value
    value += gain * error
    states[VELOCITY] += velocity_gain * error
    states[VELOCITY_VARIANCE] -= velocity_gain * covariance
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
