"""Geometry of axis-aligned boxes, for all boxes at once.

A box is a row ``xyxy``: left, top, right, bottom in pixels, right and bottom exclusive. Arrays are float64 here:
the filters and thresholds of the tracker compare numbers that float32 would round.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

_TINY = float(np.finfo(np.float64).tiny)

_TO_CORNERS = np.array([[1, 0, -0.5, 0], [0, 1, 0, -0.5], [1, 0, 0.5, 0], [0, 1, 0, 0.5]])
_FROM_CORNERS = np.array([[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [-1, 0, 1, 0], [0, -1, 0, 1]])
"""Centre x, centre y, width, height to corners, and back. One small product costs less than any two steps of it."""


def iou(
    a: Float64Array, b: Float64Array, areas_a: Float64Array | None = None, areas_b: Float64Array | None = None
) -> Float64Array:
    """Intersection over union of every box of ``a`` (N, 4) with every box of ``b`` (M, 4) -> (N, M), 0..1.

    A box of zero or negative size overlaps nothing: its row or column is 0, never NaN.
    areas_a, areas_b: (N,), (M,), for callers that know them already, and that all are positive.
    """
    a, b = a.T, b.T
    size = np.minimum(a[2:, :, None], b[2:, None])
    size -= np.maximum(a[:2, :, None], b[:2, None])
    np.maximum(size, 0.0, out=size)
    overlap = size[0] * size[1]
    union = (_areas(a) if areas_a is None else areas_a)[:, None] + (_areas(b) if areas_b is None else areas_b)
    union -= overlap
    if areas_a is None or areas_b is None:
        # Changes nothing but a union of exactly zero.
        union += _TINY
    overlap /= union
    return overlap


def xyxy_to_xysr(xyxy: Float64Array) -> Float64Array:
    """Boxes (N, 4) -> centre x, centre y, area, width / height, as (N, 4). Heights must be positive."""
    centred = _FROM_CORNERS.dot(xyxy.T)
    width, height = centred[2], centred[3]
    area = width * height
    np.divide(width, height, out=height)
    width[:] = area
    return centred.T


def xysr_to_xyxy(xysr: Float64Array) -> Float64Array:
    """Centre x, centre y, area, width / height (N, 4) -> boxes (N, 4). Areas and ratios must be positive."""
    centred = xysr.T.copy()
    area, ratio = centred[2], centred[3]
    width = np.sqrt(area * ratio)
    np.divide(area, width, out=ratio)
    area[:] = width
    return _TO_CORNERS.dot(centred).T


def xywh_to_xyxy(xywh: Float64Array) -> Float64Array:
    """Left, top, width, height (N, 4) -> boxes (N, 4)."""
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def xyxy_to_xywh(xyxy: Float64Array) -> Float64Array:
    """Boxes (N, 4) -> left, top, width, height (N, 4)."""
    return np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)


def _areas(corners: Float64Array) -> Float64Array:
    size = corners[2:] - corners[:2]
    return size[0] * size[1]
