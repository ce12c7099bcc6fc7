"""Homographies between the court and a picture, from points that are known in both."""

from __future__ import annotations

import numpy as np

from ground.errors import InputError
from tracker.boxes import Float64Array

_FEWEST = 4


def moved(homography: Float64Array, points: Float64Array) -> Float64Array:
    """Points (N, 2) taken through a homography (3, 3) -> (N, 2); NaN for those beyond the horizon."""
    x = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ homography.T
    depth = np.where(x[:, 2:] > 0, x[:, 2:], np.nan)
    return x[:, :2] / depth


def from_points(pixels: Float64Array, metres: Float64Array) -> Float64Array:
    """The homography (3, 3) that takes ``pixels`` (N, 2) to ``metres`` (N, 2), least squares for more than four.

    Hartley and Zisserman, "Multiple view geometry", algorithm 4.2. The third coordinate is positive for all the points.
    Raises InputError where they do not say: fewer than four, three of four in a line, one point twice.
    """
    if len(pixels) != len(metres) or len(pixels) < _FEWEST:
        raise InputError(f"a court needs {_FEWEST} points or more, in pixels and in metres, not {len(pixels)}")
    from_pixels, from_metres = _normalising(pixels), _normalising(metres)
    a, b = _affine(from_pixels, pixels), _affine(from_metres, metres)
    zero, one = np.zeros(len(a)), np.ones(len(a))
    u, v = b.T
    x, y = a.T
    rows = np.concatenate(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=1),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=1),
        ]
    )
    _, strength, vectors = np.linalg.svd(rows)
    homography = np.linalg.inv(from_metres) @ vectors[-1].reshape(3, 3) @ from_pixels
    depth = homography[2] @ np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1).T
    if strength[7] < 1e-6 * strength[0] or (depth.min() <= 0 <= depth.max()) or np.linalg.matrix_rank(homography) < 3:
        raise InputError("these points tell no court: three of four lie in a line, or one is on the wrong side")
    return homography / np.abs(homography[2] @ (*pixels.mean(axis=0), 1)) * np.sign(depth[0])


def _normalising(points: Float64Array) -> Float64Array:
    """The shift and scale (3, 3) that brings points to mean 0 and mean distance sqrt(2)."""
    middle = points.mean(axis=0)
    size = max(float(np.hypot(*(points - middle).T).mean()), 1e-12)
    scale = np.sqrt(2) / size
    return np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]])


def _affine(matrix: Float64Array, points: Float64Array) -> Float64Array:
    return points @ matrix[:2, :2].T + matrix[:2, 2]
