"""Which views of each tracklet to look at: a few that are spread over its life."""

from __future__ import annotations

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.track.tracklets import Tracklets
from tracker.types import BoolArray

_APART = 0.25
"""Seconds between two views of a tracklet, at least; nearer ones look the same and tell nothing new."""
_NUMBERS = 12
"""Views of a tracklet in which a number is looked for, at most. Higher: surer numbers, at a few milliseconds each."""
_KITS_APART = 0.1
"""Seconds between two looks at what somebody wears, at least. Lower: more of them, alike."""
_SURENESS = 0.2
"""Share of a box that may be hidden for one more of confidence, where kits are looked at."""
_HIDDEN = 0.3
"""Share of a box that others may cover. Higher: more views, more of them of two players."""
_SURE = 0.4
"""Confidence of a box that is looked at."""
_SMALLEST = 30.0
"""Pixels of height of a box that is looked at."""
_EDGE = 2.0
"""Pixels from the picture's edge within which a box is cut off."""


def plan_samples(tracklets: Tracklets, width: int, height: int, per_tracklet: int = 4) -> Indices:
    """Rows of ``tracklets`` worth looking at, ascending: clear views, spread over the life of each tracklet.

    width, height: of the picture; boxes at its edge are cut off. A tracklet that is never clear has no row.
    """
    if not len(tracklets.frame):
        return np.empty(0, np.intp)
    slot = _slots(tracklets, _APART, per_tracklet)
    hidden = hidden_share(tracklets.frame, tracklets.xyxy)
    rows = np.flatnonzero(_clear(tracklets, hidden, width, height))
    quality = tracklets.confidence[rows] * (1 - hidden[rows]) ** 2
    rows = rows[np.lexsort((-quality, slot[rows]))]
    return np.sort(rows[np.unique(slot[rows], return_index=True)[1]])


def plan_numbers(tracklets: Tracklets, width: int, height: int) -> Indices:
    """Rows of ``tracklets`` in which to look for a number, ascending: clear views, more than looks need.

    A number is seen from the front and from behind only, so most views do not show it.
    """
    return plan_samples(tracklets, width, height, _NUMBERS)


def plan_kits(tracklets: Tracklets, per_tracklet: int = 6) -> Indices:
    """Rows of ``tracklets`` at which to see what is worn, ascending: of every tracklet, however hidden.

    Where people meet nobody is clearly seen for a while, and just then it counts who comes out; a strip of a shirt
    tells the team.
    """
    if not len(tracklets.frame):
        return np.empty(0, np.intp)
    slot = _slots(tracklets, _KITS_APART, per_tracklet)
    worse = hidden_share(tracklets.frame, tracklets.xyxy) - _SURENESS * tracklets.confidence
    rows = np.lexsort((worse, slot))
    return np.sort(rows[np.unique(slot[rows], return_index=True)[1]])


def _slots(tracklets: Tracklets, apart: float, per_tracklet: int) -> Indices:
    """Equal stretches of each tracklet's life, at least ``apart`` seconds long, ``per_tracklet`` at most: (N,)."""
    first, seconds = tracklets.first, tracklets.seconds
    lasting = seconds[tracklets.last] - seconds[first]
    slots = np.clip(1 + lasting // apart, 1, per_tracklet).astype(np.intp)[tracklets.tracklet]
    share = (seconds - seconds[first][tracklets.tracklet]) / np.maximum(lasting, 1e-9)[tracklets.tracklet]
    return tracklets.tracklet * per_tracklet + np.minimum((share * slots).astype(np.intp), slots - 1)


def is_clear(tracklets: Tracklets, width: int, height: int) -> BoolArray:
    """Whether somebody is clearly seen in each row (N,): whole, sure and hardly hidden."""
    return _clear(tracklets, hidden_share(tracklets.frame, tracklets.xyxy), width, height)


def _clear(tracklets: Tracklets, hidden: Float64Array, width: int, height: int) -> BoolArray:
    x0, y0, x1, y1 = tracklets.xyxy.T
    inside = (np.minimum(x0, y0) > _EDGE) & (x1 < width - _EDGE) & (y1 < height - _EDGE)
    return inside & (y1 - y0 >= _SMALLEST) & (tracklets.confidence >= _SURE) & (hidden <= _HIDDEN)


def hidden_share(frame: Indices, xyxy: Float64Array) -> Float64Array:
    """Share (N,) of each box (N, 4) that others of its frame (N,) cover, in front or behind; over 1 where many do."""
    order = np.argsort(frame, kind="stable")
    frame, corners = frame[order], xyxy[order].T
    area = (corners[2:] - corners[:2]).prod(axis=0)
    covered = np.zeros(len(frame))
    one = np.arange(len(frame))
    for step in range(1, len(frame)):
        one = one[one + step < len(frame)]
        one = one[frame[one] == frame[one + step]]
        if not len(one):
            break
        other = one + step
        size = np.minimum(corners[2:, one], corners[2:, other]) - np.maximum(corners[:2, one], corners[:2, other])
        common = size.clip(0).prod(axis=0)
        covered[one] += common / area[one]
        covered[other] += common / area[other]
    hidden = np.empty(len(frame))
    hidden[order] = covered
    return hidden
