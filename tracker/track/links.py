"""What a link from the end of one tracklet to the start of another is worth, by all that boxes tell.

- Motion: the filtered state before the gap, predicted over it, against the state after it, filtered backwards in time.
- Stature: how tall a player is beside the others, once depth in the picture and zoom are out of it.
- The gap: players are seldom missed in the middle of the picture, and who leaves it at one side comes back there.

All costs are minus twice the logarithm of a likelihood over that of a stranger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.track import motion
from tracker.track.noise import detection_noise
from tracker.track.tracklets import Tracklets

_MEMORY = 30
"""Detections from which a state beside a gap is filtered."""
_STRANGER = 80.0
"""Cost above which a link is worse than none: a player who is never seen again and another who was never seen."""
_WEIGHTY = 1.0
"""Seconds from which a chain is surely a player. Shorter ones may be ghosts, which need no link."""
_SIDE = 0.5
"""Heights within which of the picture's left or right end a player is at that side."""
_INSIDE = 40.0
"""Cost of a second unseen inside the picture."""
_OUTSIDE = 1.0
"""Cost of a second unseen outside it."""
_OTHER_SIDE = 15.0
"""Cost of a return elsewhere than where the player left; in full from half a second on."""
_SOLITARY, _LASTING = 0.115, 4e-4
"""Variance of the mean stature of n detections: _SOLITARY / (n + 15) + _LASTING. Poses last, so n must be large."""
_STATURES = 0.006
"""Variance of the difference in stature of two players (both measured on SportsMOT)."""

Evidence = Callable[[Indices, Indices, Indices], Float64Array]
"""``evidence(i, j, chain)``: costs (K,) of links from tracklets i (K,) to tracklets j (K,), such as of looks; below 0
where one person is likelier than two, 0 where nothing is known. chain: (P,), the chain of every tracklet so far; a
link joins the chain of i up to i and that of j from j on."""


class Recording(NamedTuple):
    """What is known of all rows, whoever they belong to."""

    tracklet: Indices
    seconds: Float64Array
    boxes: Float64Array
    """(4, N): x, y, width, height in camera-stabilised coordinates."""
    noise: Float64Array
    """(4, N), standard deviations of ``boxes`` around the players, in heights."""
    stature: Float64Array
    """(N,), logarithm of the height, beside the others of the frame."""
    weight: Float64Array
    """(N,), how much each ``stature`` tells, 0..1: a box that is cut short tells little."""
    side: npt.NDArray[np.intp]
    """(N,): -1 at the left end of the picture, 1 at the right, 0 between."""
    shot: Indices
    """(P,), of each tracklet."""
    first: Indices
    last: Indices
    camera: Float64Array
    """(2, F): seconds and horizontal shift, of the frames with boxes."""
    width: tuple[float, float]
    """Where the picture begins and ends, as far as boxes tell."""


def recording_of(tracklets: Tracklets) -> Recording:
    """What is known of the rows of ``tracklets``, whoever they belong to."""
    xyxy = tracklets.xyxy
    size = xyxy[:, 2:] - xyxy[:, :2]
    boxes = np.concatenate([xyxy[:, :2] + size / 2 - tracklets.camera, size], axis=1).T
    left, right = float(xyxy[:, 0].min()), float(xyxy[:, 2].max())
    margin = _SIDE * size[:, 1]
    side = (xyxy[:, 2] > right - margin).astype(np.intp) - (xyxy[:, 0] < left + margin)
    seconds, rows = np.unique(tracklets.seconds, return_index=True)
    camera = np.stack([seconds, tracklets.camera[rows, 0]])
    noise = detection_noise(boxes, tracklets.seconds, tracklets.track, tracklets.confidence)
    weight = (noise[motion.HEIGHT].min() / noise[motion.HEIGHT]) ** 2
    stature = _statures(tracklets, weight)
    return Recording(
        tracklets.tracklet, tracklets.seconds, boxes, noise, stature, weight, side,
        tracklets.shot[tracklets.first], tracklets.first, tracklets.last, camera, (left, right),
    )  # fmt: skip


def _statures(tracklets: Tracklets, weight: Float64Array) -> Float64Array:
    """Log height less what depth and zoom explain: an additive model of frames and tracklets, fitted by turns.

    In a picture from above, who stands lower stands nearer: log height grows with the lower edge, at one slope a shot.
    """
    _, frame = np.unique(tracklets.frame, return_inverse=True)
    height = tracklets.xyxy[:, 3] - tracklets.xyxy[:, 1]
    tall, depth = np.log(height), tracklets.xyxy[:, 3] / np.median(height)
    y, h = depth - _means(depth, frame, weight), tall - _means(tall, frame, weight)
    shot = tracklets.shot
    slope = np.bincount(shot, weight * y * h) / np.maximum(np.bincount(shot, weight * y * y), 1e-9)
    tall = tall - depth * slope[shot]
    person = zoom = np.zeros(len(tall))
    for _ in range(20):
        zoom = _means(tall - person, frame, weight)
        person = _means(tall - zoom, tracklets.tracklet, weight)
    return tall - zoom


def _means(values: Float64Array, group: Indices, weight: Float64Array) -> Float64Array:
    """For each row, the weighted mean of its group."""
    return (np.bincount(group, weight * values) / np.maximum(1e-9, np.bincount(group, weight)))[group]


class Ends(NamedTuple):
    """Chains as seen from the cut after (or before) each tracklet, outwards in time."""

    states: Float64Array
    """(5, 4, P), filtered towards the cut; velocities point there."""
    stature: Float64Array
    """(P,), mean of the rows on this side."""
    num_rows: Float64Array
    """(P,), those that tell the stature, by their weight."""
    seconds: Float64Array
    """(P,), when the cut is."""
    lasting: Float64Array
    """(P,), seconds of the chain on this side."""
    side: npt.NDArray[np.intp]


def sides(recording: Recording, chain: Indices) -> tuple[Ends, Ends]:
    """Every chain as seen from the end and from the start of every tracklet in it."""
    chain_of = chain[recording.tracklet]
    order = np.lexsort((recording.seconds, chain_of))
    where = np.argsort(order, kind="stable")
    heads = np.flatnonzero(np.diff(chain_of[order], prepend=-1))
    lengths = np.diff(np.append(heads, len(order)))
    first, last = np.repeat(heads, lengths), np.repeat(heads + lengths - 1, lengths)
    boxes, noise, seconds = recording.boxes[:, order], recording.noise[:, order], recording.seconds[order]
    weight = np.concatenate([[0.0], np.cumsum(recording.weight[order])])
    total = np.concatenate([[0.0], np.cumsum((recording.weight * recording.stature)[order])])

    def seen_from(rows: Indices, far: Indices, step: int) -> Ends:
        at = where[rows]
        away = far[at]
        count = np.abs(at - away) + 1
        low, high = np.minimum(at, away), np.maximum(at, away) + 1
        told = weight[high] - weight[low]
        stature = (total[high] - total[low]) / told
        states = _filter_towards(boxes, noise, seconds, at, step * np.minimum(count - 1, _MEMORY))
        return Ends(states, stature, told, seconds[at], np.abs(seconds[at] - seconds[away]), recording.side[rows])

    return seen_from(recording.last, first, -1), seen_from(recording.first, last, 1)


def _filter_towards(
    boxes: Float64Array, noise: Float64Array, seconds: Float64Array, at: Indices, offset: Indices
) -> Float64Array:
    """States (5, 4, P) at the rows ``at`` (P,), filtered from the rows ``at + offset`` towards them."""
    states = motion.initiate(boxes[:, at + offset], noise[:, at + offset])
    for left in range(int(np.abs(offset).max(initial=0)), 0, -1):
        moving = np.flatnonzero(np.abs(offset) >= left)
        step = np.sign(offset[moving])
        here = at[moving] + step * left
        some = states[:, :, moving]
        motion.predict(some, np.maximum(np.abs(seconds[here - step] - seconds[here]), 1e-3))
        motion.update(some, boxes[:, here - step], noise[:, here - step])
        states[:, :, moving] = some
    return states


def link_gain(recording: Recording, ends: Ends, starts: Ends, i: Indices, j: Indices) -> Float64Array:
    """How much better than strangers the links from ``i`` to ``j`` (K,) are: (K,), doubled log-likelihood ratios."""
    gap = starts.seconds[j] - ends.seconds[i]
    weight = np.minimum(1, ends.lasting / _WEIGHTY)[i] + np.minimum(1, starts.lasting / _WEIGHTY)[j]
    cost = motion.disagreement(ends.states[:, :, i], starts.states[:, :, j], gap)
    spread = _SOLITARY / (ends.num_rows[i] + 15) + _SOLITARY / (starts.num_rows[j] + 15) + 2 * _LASTING
    unlike = (ends.stature[i] - starts.stature[j]) ** 2
    cost += unlike / spread - unlike / (spread + _STATURES) + np.log(spread / (spread + _STATURES))
    same_side = ends.side[i] == starts.side[j]
    inside = _share_inside(recording, ends, starts, i, j)
    inside[same_side & (ends.side[i] != 0)] = 0
    cost += gap * (_OUTSIDE + _INSIDE * inside) + ~same_side * _OTHER_SIDE * np.minimum(2 * gap, 1)
    return 0.5 * _STRANGER * weight - cost


def gain_of(
    recording: Recording, ends: Ends, starts: Ends, chain: Indices, evidence: Evidence | None
) -> Callable[[Indices, Indices], Float64Array]:
    """``link_gain`` of links from (K,) to (K,), less what ``evidence`` says against them."""

    def gain(i: Indices, j: Indices) -> Float64Array:
        better = link_gain(recording, ends, starts, i, j)
        return better if evidence is None else better - evidence(i, j, chain)

    return gain


def _share_inside(recording: Recording, ends: Ends, starts: Ends, i: Indices, j: Indices) -> Float64Array:
    """Share of the gaps (K,) in which the player, going straight, is inside the picture: of three moments."""
    margin = 0.2 * ends.states[motion.VALUE, motion.HEIGHT, i]
    left, right = recording.width[0] + margin, recording.width[1] - margin
    inside = np.zeros(len(i))
    for share in (0.25, 0.5, 0.75):
        x = (1 - share) * ends.states[motion.VALUE, 0, i] + share * starts.states[motion.VALUE, 0, j]
        x += np.interp((1 - share) * ends.seconds[i] + share * starts.seconds[j], *recording.camera)
        inside += ((x > left) & (x < right)) / 3
    return inside


def both_sides(values: Float64Array, chain: Indices, seconds: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Sums (P, C) of ``values`` (P, C) over each tracklet's chain, up to it and from it on.

    chain: (P,), of each tracklet. seconds: (P,), when each begins.
    """
    order = np.lexsort((seconds, chain))
    running = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values[order], axis=0)])
    heads = np.flatnonzero(np.diff(chain[order], prepend=-1))
    lengths = np.diff(np.append(heads, len(order)))
    until, since = np.empty_like(values), np.empty_like(values)
    until[order] = running[1:] - np.repeat(running[heads], lengths, axis=0)
    since[order] = np.repeat(running[heads + lengths], lengths, axis=0) - running[:-1]
    return until, since
