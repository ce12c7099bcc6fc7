"""Homographies between the court and a picture, from points that are known in both."""

from __future__ import annotations

import numpy as np

from ground.errors import InputError
from tracker.boxes import Float64Array

_FEWEST = 4


_AT_ONCE = 4096
"""Homographies that are computed together."""


def moved(homography: Float64Array, points: Float64Array) -> Float64Array:
    """Points (N, 2) taken through homographies (..., 3, 3) -> (..., N, 2); NaN for those beyond the horizon."""
    x = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ np.swapaxes(homography, -1, -2)
    depth = np.where(x[..., 2:] > 0, x[..., 2:], np.nan)
    return x[..., :2] / depth


def from_points(pixels: Float64Array, metres: Float64Array) -> Float64Array:
    """The homography (3, 3) that takes ``pixels`` (N, 2) to ``metres`` (N, 2), least squares for more than four.

    Hartley and Zisserman, "Multiple view geometry", algorithm 4.2. The third coordinate is positive for all the points.
    Raises InputError where they do not say: fewer than four, three of four in a line, one point twice.
    """
    if len(pixels) != len(metres) or len(pixels) < _FEWEST:
        raise InputError(f"a court needs {_FEWEST} points or more, in pixels and in metres, not {len(pixels)}")
    found = all_from_points(pixels, metres[None])[0]
    if np.isnan(found).any():
        raise InputError("these points tell no court: three of four lie in a line, or one is on the wrong side")
    return found


def all_from_points(pixels: Float64Array, metres: Float64Array) -> Float64Array:
    """``from_points`` of the same ``pixels`` (N, 2) and many ``metres`` (B, N, 2) -> (B, 3, 3), NaN for none."""
    found = [_solved(pixels, metres[i : i + _AT_ONCE]) for i in range(0, len(metres), _AT_ONCE)]
    return np.concatenate([np.empty((0, 3, 3)), *found])


def _solved(pixels: Float64Array, metres: Float64Array) -> Float64Array:
    from_pixels, from_metres = _normalising(pixels), _normalising(metres)
    x, y = np.broadcast_to(moved(from_pixels, pixels), metres.shape).transpose(2, 0, 1)
    u, v = (metres * from_metres[:, :1, :1] + from_metres[:, None, :2, 2]).transpose(2, 0, 1)
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=2),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=2),
        ],
        axis=1,
    )
    _, strength, vectors = np.linalg.svd(rows)
    homography = np.linalg.inv(from_metres) @ vectors[:, -1].reshape(-1, 3, 3) @ from_pixels
    depth = homography[:, 2, :2] @ pixels.T + homography[:, 2, 2:]
    says = (strength[:, 7] >= 1e-6 * strength[:, 0]) & (depth[:, :1] * depth > 0).all(axis=1)
    says &= np.linalg.matrix_rank(homography) == 3
    # Those of the mean are the mean of those of the points.
    scaled = homography / depth.mean(axis=1)[:, None, None]
    return np.where(says[:, None, None], scaled, np.nan)


def _normalising(points: Float64Array) -> Float64Array:
    """The shifts and scales (..., 3, 3) that bring points (..., N, 2) to mean 0 and mean distance sqrt(2)."""
    middle = points.mean(axis=-2)
    apart = points - middle[..., None, :]
    scale = np.sqrt(2) / np.maximum(np.hypot(apart[..., 0], apart[..., 1]).mean(axis=-1), 1e-12)
    matrix = np.zeros((*scale.shape, 3, 3))
    matrix[..., 0, 0] = matrix[..., 1, 1] = scale
    matrix[..., :2, 2] = -scale[..., None] * middle
    matrix[..., 2, 2] = 1
    return matrix
