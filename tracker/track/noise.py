"""How far detected boxes are off, by how sure the detector was: learnt from the recording itself.

Who is half hidden is found less surely, and his box is cut short, or is one around two players; a box of whom nobody
hides is right to a few pixels. How much that matters differs by detector and footage, so it is measured: a box lies as
far from the middle of the boxes before and after it as it is off, and as its player has turned in between, which is
known of the motion model. Errors last for some frames, so what differs from frame to frame is a part of them.
"""

from __future__ import annotations

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.track import motion

_STEPS = np.arange(0.25, 0.9, 0.1)
"""Confidences between which the noise is interpolated."""
_LASTING = np.array([3.0, 2.5, 5.0, 3.0])
"""Noise of x, y, width and height in what of it changes from frame to frame: boxes beside hand-checked ones on two
broadcasts, and beside those of SportsMOT. Lower: boxes are believed to a pixel, and a stumble parts a player in two."""
_EQUAL = 1.5
"""Steps of the usual length within which three boxes are evenly spaced."""
_PRIOR = 30.0
"""Boxes of a confidence for which what is usual counts. Higher: short recordings say less."""
_ONE_SIGMA = 0.683
"""Share of a normal distribution within a standard deviation: what is far off are other players' boxes."""


def detection_noise(
    boxes: Float64Array, seconds: Float64Array, track: Indices, confidence: Float64Array
) -> Float64Array:
    """Standard deviations (4, N) of boxes around their players, in heights.

    boxes: (4, N), x, y, width, height in camera-stabilised coordinates. seconds, track, confidence: (N,), of each.
    """
    order = np.lexsort((seconds, track))
    table = _by_confidence(boxes[:, order], seconds[order], track[order], confidence[order])
    return np.array([np.interp(confidence, _STEPS, row) for row in table])


def _by_confidence(
    boxes: Float64Array, seconds: Float64Array, track: Indices, confidence: Float64Array
) -> Float64Array:
    """Noise (4, S) at each of the ``_STEPS``; boxes are in the order of tracks and times."""
    steps = np.diff(seconds)
    same = track[1:] == track[:-1]
    usual = float(np.median(steps[same])) if same.any() else 0.0
    even = same & (steps <= _EQUAL * usual)
    middle = np.flatnonzero(even[:-1] & even[1:]) + 1
    off = (boxes[:, middle] - 0.5 * (boxes[:, middle - 1] + boxes[:, middle + 1])) / boxes[motion.HEIGHT, middle]
    turned = motion.turning(usual)
    table = np.repeat(motion.NOISE, len(_STEPS), axis=1)
    step = np.abs(confidence[middle, None] - _STEPS).argmin(axis=1)
    for k in np.unique(step):
        some = np.abs(off[:, step == k])
        # A box and half of each neighbour: one and a half times the variance of one.
        found = np.maximum(np.quantile(some, _ONE_SIGMA, axis=1) ** 2 - turned, 0.0) / 1.5 * _LASTING**2
        table[:, k] = np.sqrt((some.shape[1] * found + _PRIOR * table[:, k] ** 2) / (some.shape[1] + _PRIOR))
    return table
