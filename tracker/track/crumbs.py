"""The shortest and least sure tracklets, which come last: most are a second box of somebody whose track goes on.

Where two players meet, a detector finds a third one for a frame or two: one box around both, or half of one. Nothing
tells such a crumb from the real piece of a track that was cut there, and a chain gains by taking it in, so linked with
all others crumbs lead chains astray. Who has been linked without them has gaps, though, and the real pieces are those
that fit a gap: only there are they put in, and no link is decided by them.
"""

from __future__ import annotations

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.track.links import Evidence, Recording, gain_of, sides
from tracker.track.tracklets import usual_step
from tracker.types import BoolArray

_WHOLE = 0.09
"""Seconds of detections from which a tracklet is no crumb: four at 25 and 30 frames per second, two at ten. Of shorter
ones two thirds are no player's, or a second box of one, on two broadcasts; of SportsMOT's made boxes a tenth. Higher:
fewer players are exchanged, more short pieces are lost."""
_BELIEVED = 0.5
"""Sure detections that all of a tracklet's must be worth, by the recording's noise at each confidence: longer ghosts
are found unsurely. Higher: pieces of those who are half hidden are crumbs, too."""
_ROUNDS = 3
"""Times that gaps are filled, as one that holds a crumb is two gaps after it."""


def crumbs(recording: Recording) -> BoolArray:
    """Which tracklets (P,) are too short, or too unsure, to be linked with the others."""
    short = (recording.last - recording.first) * usual_step(recording.seconds) < _WHOLE
    return short | (np.bincount(recording.tracklet, recording.weight) < _BELIEVED)


def put_in(recording: Recording, chain: Indices, crumb: BoolArray, evidence: Evidence | None = None) -> Indices:
    """Fill gaps of the chains (P,) with what fits of ``crumb`` (P,), the best first -> the chain of each tracklet (P,).

    Tracklets that are no crumbs keep their chains.
    """
    chain, left = chain.copy(), crumb.copy()
    for _ in range(_ROUNDS):
        before, after, piece = _places(recording, chain, left)
        if not len(piece):
            break
        gain = _gain(recording, chain, before, piece, after, evidence)
        filled = set[int]()
        for place in np.argsort(-gain, kind="stable")[: np.count_nonzero(gain > 0)]:
            if left[piece[place]] and before[place] not in filled:
                filled.add(int(before[place]))
                chain[piece[place]], left[piece[place]] = chain[before[place]], False
        if not filled:
            break
    return chain


def _places(recording: Recording, chain: Indices, left: BoolArray) -> tuple[Indices, Indices, Indices]:
    """Gaps of chains and what is ``left`` (P,) that lies within them: tracklets before, after and within (K,)."""
    start, end = recording.seconds[recording.first], recording.seconds[recording.last]
    linked = np.flatnonzero(~left)
    order = linked[np.lexsort((start[linked], chain[linked]))]
    before, after = order[:-1], order[1:]
    gap = (chain[before] == chain[after]) & (recording.shot[before] == recording.shot[after])
    before, after = before[gap], after[gap]
    pieces = np.flatnonzero(left)
    pieces = pieces[np.argsort(start[pieces], kind="stable")]
    low = np.searchsorted(start[pieces], end[before], "right")
    count = np.maximum(np.searchsorted(start[pieces], start[after], "left") - low, 0)
    gap = np.repeat(np.arange(len(before)), count)
    piece = pieces[np.arange(len(gap)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)]
    fits = (end[piece] < start[after[gap]]) & (recording.shot[piece] == recording.shot[before[gap]])
    return before[gap][fits], after[gap][fits], piece[fits]


def _gain(
    recording: Recording, chain: Indices, before: Indices, piece: Indices, after: Indices, evidence: Evidence | None
) -> Float64Array:
    """How much likelier gaps (K,) are with a ``piece`` (K,) in them."""
    link = gain_of(recording, *sides(recording, chain), chain, evidence)
    return link(before, piece) + link(piece, after) - link(before, after)
