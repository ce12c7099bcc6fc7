"""Which of many possible links to make, so that every end and every start has one at most and the whole gains most."""

from __future__ import annotations

from collections.abc import Callable

import lap
import numpy as np

from tracker.assignment import Indices
from tracker.boxes import Float64Array

_MOST_STARTS, _BEST_STARTS = 400, 40
"""Starts after an end that are looked at, and links kept of them: cost grows with a crowd, not with its square."""
_AT_ONCE = 100_000
"""Links that are looked at together: memory."""


def best_chains(
    low: Indices,
    high: Indices,
    by_time: Indices,
    seconds: Float64Array,
    gain: Callable[[Indices, Indices], Float64Array],
) -> Indices:
    """The best links from each of N ends to the starts ``by_time[low:high]`` -> the first of each one's chain (N,).

    seconds: (N,), of the starts. gain: of links from (K,) to (K,) -> (K,); those without are not made.
    """
    count = np.minimum(high - low, _MOST_STARTS)
    found: list[tuple[Indices, Indices, Float64Array]] = []
    for chunk in np.array_split(np.arange(len(low)), 1 + int(count.sum()) // _AT_ONCE):
        i = np.repeat(chunk, count[chunk])
        j = by_time[np.arange(len(i)) - np.repeat(np.cumsum(count[chunk]) - count[chunk], count[chunk]) + low[i]]
        found.append(_best(i, j, gain(i, j)))
    i, j, gains = (np.concatenate(column) for column in zip(*found, strict=True))
    start, end = path_cover(i, j, gains, len(low))
    first = np.arange(len(low))
    for a, b in sorted(zip(end.tolist(), start.tolist(), strict=True), key=lambda pair: seconds[pair[1]]):
        first[b] = first[a]
    return first


def _best(i: Indices, j: Indices, gain: Float64Array) -> tuple[Indices, Indices, Float64Array]:
    """Of the links from ``i`` to ``j`` (K,) those that ``gain`` (K,), and of each end only the best."""
    good = np.flatnonzero(gain > 0)
    good = good[np.lexsort((-gain[good], i[good]))]
    rank = np.arange(len(good)) - np.searchsorted(i[good], i[good])
    good = good[rank < _BEST_STARTS]
    return i[good], j[good], gain[good]


def path_cover(i: Indices, j: Indices, gain: Float64Array, count: int) -> tuple[Indices, Indices]:
    """Of the links ``i`` to ``j`` with positive ``gain`` (K,), those of greatest total -> starts, ends (L,).

    i, j: each below ``count``. Everyone may stay alone: end i against a deputy of his, start j likewise, and where a
    link is made, the two deputies against each other. That makes the square problem which Jonker-Volgenant's sparse
    form wants.
    """
    if not len(gain):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    alone = np.arange(count)
    rows = np.concatenate([i, alone, count + alone, count + j])
    columns = np.concatenate([j, count + alone, alone, count + i])
    cost = np.zeros(len(rows))
    cost[: len(gain)] = -gain
    cost -= cost.min(initial=0.0)
    order = np.lexsort((columns, rows))
    begins = np.searchsorted(rows[order], np.arange(2 * count + 1)).astype(np.int32)
    solved = lap.lapmod(2 * count, cost[order], begins, columns[order].astype(np.int32), return_cost=False)
    column_of = np.array(solved[0], np.intp)
    leader = np.flatnonzero(column_of[:count] < count)
    return column_of[leader], leader
