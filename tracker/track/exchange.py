"""Players exchange tracklets: a search after linking, for what no single link can see.

A link is judged by what lies on both its sides, so a second of a wrong player between two long stretches of the right
one goes unseen: on each side of either link the right one prevails. Here chains are judged as wholes, by the links in
them and by how likely all their views are of one person (``Likeness``), and two chains exchange what lies between two
moments at which both can be cut, or all that comes after one, as long as that makes both together likelier: a local
search over exchanges, as Kernighan and Lin's for graphs ("An efficient heuristic procedure for partitioning graphs",
1970). It ends, as every exchange raises the likelihood of the whole.

All values are doubled log-likelihood ratios.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple, Protocol

import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.track.links import Ends, Recording, link_gain, sides
from tracker.types import BoolArray

_WINDOW = 20.0
"""Seconds in which exchanges are looked for together; the next window begins in the middle of it."""
_MARGIN = 8.0
"""Seconds before and after a window that are known there besides the longest absence: states and statures need them."""
_REACH = 14
"""Moments on from the first at which an exchange may end. Higher: longer middles, more work."""
_PASSES = 3
"""Passes over all windows, at most."""
_LEAST = 14.0
"""What an exchange gains at least: as it is the best of about a thousand that two chains could make, 2 ln(1000)."""
_HOPELESS = -100.0
"""What the links of an exchange may cost at most: looks have not made up for more."""
_IMPOSSIBLE = -1e4


class Likeness(Protocol):
    """How likely the views of several tracklets are of one person."""

    @property
    def views(self) -> Float64Array:
        """(P, C): what is seen of each tracklet, as numbers that add up over the tracklets of a chain."""
        ...

    def of_one(self, views: Float64Array) -> Float64Array:
        """How likely the summed ``views`` (K, C) are of one person each -> (K,), but for a constant per tracklet."""
        ...


def exchange(
    recording: Recording,
    chain: Indices,
    members: Indices,
    max_absence: float,
    min_length: int,
    likeness: Likeness,
) -> Indices:
    """Exchange tracklets between chains (P,) as long as that makes them likelier -> the chain of each tracklet (P,).

    members: the tracklets that take part, ascending; the others are in no chain with them. max_absence: seconds that a
    link may span. min_length: rows of a chain that may be a player; two that are both shorter exchange nothing.
    """
    chain, views = chain.copy(), likeness.views
    rows = np.bincount(recording.tracklet, minlength=len(chain))
    for _ in range(_PASSES):  # what later windows change may bring more to gain in earlier ones
        before = chain.copy()
        for near, since, until in _windows(recording, members, max_absence + _MARGIN):
            names, local = np.unique(chain[near], return_inverse=True)
            may_play = np.bincount(chain, rows, len(chain))[names] >= min_length
            condensed, outside = _condensed(recording, chain, near, local, views)
            search = _Search(_part_of(recording, near), local, condensed, outside, max_absence, likeness)
            search.run(since, until, may_play)
            _rename(recording, chain, near, names[search.chain_of()])
        if (before == chain).all():
            break
    return chain


def _windows(recording: Recording, members: Indices, margin: float) -> Iterator[tuple[Indices, float, float]]:
    """Those of ``members`` around each window of each shot, and the window's first and last second."""
    start, end = recording.seconds[recording.first], recording.seconds[recording.last]
    for shot in np.unique(recording.shot[members]):
        inside = members[recording.shot[members] == shot]
        since, over = start[inside].min(), end[inside].max()
        while True:
            until = since + _WINDOW
            near = (end[inside] >= since - margin) & (start[inside] <= until + margin)
            yield inside[near], since, until
            if until >= over:
                break
            since += _WINDOW / 2


def _part_of(recording: Recording, members: Indices) -> Recording:
    """What is known of the tracklets ``members``, ascending, alone; they are counted from 0."""
    count = recording.last[members] - recording.first[members] + 1
    last = np.cumsum(count) - 1
    first = last - count + 1
    rows = np.arange(count.sum()) + np.repeat(recording.first[members] - first, count)
    return recording._replace(
        tracklet=np.repeat(np.arange(len(members)), count), seconds=recording.seconds[rows],
        boxes=recording.boxes[:, rows], noise=recording.noise[:, rows], stature=recording.stature[rows],
        weight=recording.weight[rows], side=recording.side[rows], shot=recording.shot[members], first=first, last=last,
    )  # fmt: skip


def _condensed(
    recording: Recording, chain: Indices, members: Indices, local: Indices, views: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Views (M, C) of ``members``, each chain's last with all that comes after it, and what came before (G, C).

    What comes after a window goes wherever a chain's last tracklet in it goes.
    """
    start = recording.seconds[recording.first]
    last = np.zeros(int(local.max()) + 1, np.intp)
    by_time = np.argsort(start[members], kind="stable")
    last[local[by_time]] = by_time  # Of many the last one stays.
    names = chain[members[last]]
    group = np.full(len(chain), -1)
    group[names] = np.arange(len(names))
    group = group[chain]
    group[members] = -1
    outside = np.flatnonzero(group >= 0)
    group = group[outside]
    later = start[outside] > start[members[last[group]]]
    condensed, before = views[members], np.zeros((len(names), views.shape[1]))
    np.add.at(condensed, last[group[later]], views[outside[later]])
    np.add.at(before, group[~later], views[outside[~later]])
    return condensed, before


def _rename(recording: Recording, chain: Indices, members: Indices, renamed: Indices) -> None:
    """Give ``members`` their new chains, and what comes after them in a chain that of its last member."""
    start = recording.seconds[recording.first]
    before = chain.copy()
    chain[members] = renamed
    order = members[np.argsort(start[members], kind="stable")]
    last = dict(zip(before[order].tolist(), order.tolist(), strict=True))  # Of many the last one stays.
    for name, tracklet in last.items():
        if chain[tracklet] != name:
            chain[(before == name) & (start > start[tracklet])] = chain[tracklet]


class _Move(NamedTuple):
    """Two chains exchange their tracklets from the first to the second place in each."""

    gain: float
    a: tuple[int, int]
    b: tuple[int, int]


class _Moments(NamedTuple):
    """Places (M,) in two chains at which both can be cut, by the tracklets that come before in each."""

    a: Indices
    b: Indices


class _Seen(NamedTuple):
    """Two chains by themselves, as they are seen from the ends of their tracklets."""

    members: Indices
    """(M,), ascending."""
    chain: Indices
    """(M,), 0 or 1."""
    recording: Recording
    ends: Ends
    starts: Ends


class _Search:
    """Chains of a window, and what they gain by exchanging."""

    def __init__(
        self,
        recording: Recording,
        chain: Indices,
        views: Float64Array,
        before: Float64Array,
        max_absence: float,
        likeness: Likeness,
    ) -> None:
        """Begin from ``chain`` (P,), counted from 0, of tracklets with ``views`` (P, C).

        before: (G, C), the views of each chain before the window.
        """
        self._recording, self._views, self._before = recording, views, before
        self._max_absence, self._likeness = max_absence, likeness
        self._start, self._end = recording.seconds[recording.first], recording.seconds[recording.last]
        by_time = np.argsort(self._start, kind="stable")
        self._chains = [by_time[chain[by_time] == one] for one in range(len(before))]
        self._ends, self._starts = sides(recording, chain)
        everybody = np.arange(len(chain))
        self._gain = np.zeros((len(chain) + 1, len(chain) + 1))
        self._learn_gain(everybody, everybody)

    def chain_of(self) -> Indices:
        """The chain of each tracklet (P,)."""
        chain = np.empty(len(self._start), np.intp)
        for one, members in enumerate(self._chains):
            chain[members] = one
        return chain

    def run(self, since: float, until: float, may_play: BoolArray) -> None:
        """Make the best exchange at moments from ``since`` to ``until`` until none gains anything.

        may_play: (G,), whose chains count; two that do not exchange nothing.
        """
        count = len(self._chains)
        found: dict[tuple[int, int], _Move] = {}

        def look(a: int, b: int) -> None:
            if (may_play[a] or may_play[b]) and (move := self._best(a, b, since, until)):
                found[a, b] = move

        for a in range(count):
            for b in range(a):
                look(a, b)
        while found:
            pair = max(found, key=lambda pair: found[pair].gain)
            if self._exchange(*pair, found.pop(pair)):
                others = ((max(x, y), min(x, y)) for x, y in product(pair, range(count)) if x != y)
                for a, b in dict.fromkeys(others):
                    found.pop((a, b), None)
                    look(a, b)

    def _exchange(self, a: int, b: int, move: _Move) -> bool:
        """Make an exchange between two chains, if it is worth it; then nothing is as it was with either."""
        (a1, a2), (b1, b2) = move.a, move.b
        old = self._chains[a], self._chains[b]
        new = (
            np.concatenate([old[0][:a1], old[1][b1:b2], old[0][a2:]]),
            np.concatenate([old[1][:b1], old[0][a1:a2], old[1][b2:]]),
        )
        seen = self._seen(new)
        if self._value(new, seen, a, b) <= self._value(old, self._seen(old), a, b) + _LEAST:
            return False
        self._chains[a], self._chains[b] = new
        self._note(seen)
        return True

    def _best(self, a: int, b: int, since: float, until: float) -> _Move | None:
        """The exchange that gains most, as far as links are known before it is made; None if none gains anything."""
        moments = self._moments(self._chains[a], self._chains[b], since, until)
        first, second = _spans(len(moments.a))
        a1, a2, b1, b2 = moments.a[first], moments.a[second], moments.b[first], moments.b[second]
        changes = (a1 <= a2) & (b1 <= b2) & ((a1 < a2) | (b1 < b2))
        first, second = first[changes], second[changes]
        gain = self._links(self._chains[a], self._chains[b], moments, first, second)
        likely = gain > _HOPELESS
        first, second, gain = first[likely], second[likely], gain[likely]
        if not len(gain):
            return None
        a1, a2, b1, b2 = moments.a[first], moments.a[second], moments.b[first], moments.b[second]
        gain += self._looks(a, b, a1, a2, b1, b2)
        best = int(gain.argmax())
        if gain[best] <= _LEAST:
            return None
        return _Move(float(gain[best]), (int(a1[best]), int(a2[best])), (int(b1[best]), int(b2[best])))

    def _moments(self, one: Indices, other: Indices, since: float, until: float) -> _Moments:
        """When both chains can be cut, so that either may go on as the other; the last one is after all."""
        end, start = np.append(-np.inf, self._end[one]), np.append(self._start[one], np.inf)
        low = np.searchsorted(self._start[other], end, "right")
        count = np.maximum(np.searchsorted(self._end[other], start, "left") - low + 1, 0)
        a = np.repeat(np.arange(len(one) + 1), count)
        b = np.arange(len(a)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
        over = np.maximum(end[a], np.append(-np.inf, self._end[other])[b])
        inside = (over >= since) & (over <= until)
        inside &= (a < len(one)) | (b < len(other))
        return _Moments(np.append(a[inside], len(one)), np.append(b[inside], len(other)))

    def _links(self, one: Indices, other: Indices, moments: _Moments, first: Indices, second: Indices) -> Float64Array:
        """What exchanges (K,) from the ``first`` to the ``second`` moment gain by links."""
        padded_a, padded_b = np.append(one, -1), np.append(other, -1)
        left_a, right_a = padded_a[moments.a - 1], padded_a[moments.a]
        left_b, right_b = padded_b[moments.b - 1], padded_b[moments.b]
        sides = (left_a, right_a), (left_b, right_b), (left_a, right_b), (left_b, right_a)
        i, j = (np.concatenate(ends) for ends in zip(*sides, strict=True))
        in_a, in_b, a_to_b, b_to_a = self._gain[i, j].reshape(4, -1)
        crossing = a_to_b + b_to_a - in_a - in_b
        gain = crossing[first] + crossing[second]
        # Where one has nothing between the moments, it has one link there and not two.
        no_a, no_b = (np.flatnonzero(place[first] == place[second]) for place in (moments.a, moments.b))
        (i, j), (k, m) = (first[no_a], second[no_a]), (first[no_b], second[no_b])
        gain[no_a] = self._gain[left_b[i], right_b[j]] + a_to_b[i] + b_to_a[j] - in_b[i] - in_b[j] - in_a[i]
        gain[no_b] = self._gain[left_a[k], right_a[m]] + b_to_a[k] + a_to_b[m] - in_a[k] - in_a[m] - in_b[k]
        return gain

    def _learn_gain(self, i: Indices, j: Indices) -> None:
        """What links from each of ``i`` to each of ``j`` are worth; the last row and column, -1, are nobody's: 0."""
        gap = self._start[j] - self._end[i][:, None]
        before, after = np.nonzero((gap > 0) & (gap <= self._max_absence))
        gain = np.full(gap.shape, _IMPOSSIBLE)
        gain[before, after] = link_gain(self._recording, self._ends, self._starts, i[before], j[after])
        self._gain[i[:, None], j] = gain

    def _looks(self, a: int, b: int, a1: Indices, a2: Indices, b1: Indices, b2: Indices) -> Float64Array:
        """What exchanges (K,) gain by what is seen."""
        sums = [
            np.concatenate([np.zeros((1, self._views.shape[1])), np.cumsum(self._views[self._chains[one]], axis=0)])
            for one in (a, b)
        ]
        moved = sums[1][b2] - sums[1][b1] - sums[0][a2] + sums[0][a1]
        whole_a, whole_b = sums[0][-1] + self._before[a], sums[1][-1] + self._before[b]
        of_one = self._likeness.of_one
        return of_one(whole_a + moved) + of_one(whole_b - moved) - of_one(np.stack([whole_a, whole_b])).sum()

    def _value(self, chains: tuple[Indices, Indices], seen: _Seen, a: int, b: int) -> float:
        """How likely two chains are, exactly."""
        order = np.lexsort((self._start[seen.members], seen.chain))
        i, j = order[:-1], order[1:]
        linked = seen.chain[i] == seen.chain[j]
        i, j = i[linked], j[linked]
        gap = self._start[seen.members[j]] - self._end[seen.members[i]]
        if (gap <= 0).any() or (gap > self._max_absence).any():
            return _IMPOSSIBLE
        views = [self._views[chain].sum(axis=0) + self._before[one] for chain, one in zip(chains, (a, b), strict=True)]
        links = link_gain(seen.recording, seen.ends, seen.starts, i, j).sum()
        return float(links + self._likeness.of_one(np.array(views)).sum())

    def _seen(self, chains: tuple[Indices, Indices]) -> _Seen:
        """Two chains from all their ends."""
        members = np.concatenate(chains)
        order = np.argsort(members)
        local = np.repeat([0, 1], [len(chain) for chain in chains])[order]
        part = _part_of(self._recording, members[order])
        return _Seen(members[order], local, part, *sides(part, local))

    def _note(self, seen: _Seen) -> None:
        """Remember how changed chains are seen from the ends of their tracklets."""
        for known, now in ((self._ends, seen.ends), (self._starts, seen.starts)):
            for column, new in zip(known, now, strict=True):
                column[..., seen.members] = new
        everybody = np.arange(len(self._start))
        self._learn_gain(seen.members, everybody)
        self._learn_gain(everybody, seen.members)


@lru_cache(maxsize=128)
def _spans(count: int) -> tuple[Indices, Indices]:
    """Pairs of ``count`` moments: each with those that come soon after, and with the last."""
    near = [(np.arange(count - step), np.arange(step, count)) for step in range(1, min(_REACH, count - 1) + 1)]
    far = np.arange(max(0, count - 1 - _REACH))
    first = np.concatenate([*(a for a, _ in near), far])
    return first.astype(np.intp), np.concatenate([*(b for _, b in near), np.full(len(far), count - 1)]).astype(np.intp)
