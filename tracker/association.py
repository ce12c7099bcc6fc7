"""Which detection belongs to which track: one optimal assignment per frame."""

from __future__ import annotations

import lap
import numpy as np
import numpy.typing as npt

from tracker.boxes import Float64Array

Indices = npt.NDArray[np.intp]


def associate(similarity: Float64Array, min_similarity: float) -> tuple[Indices, Indices]:
    """Pair rows with columns of ``similarity`` (N, M) -> row and column indices (K,), rows ascending.

    As the published SORT does it (Bewley et al. 2016): where the pairs above the gate are already one to one, they
    are the answer; otherwise it is the assignment of greatest total similarity.
    """
    rows, columns = (similarity > min_similarity).nonzero()
    if len(rows) and _all_different(rows) and _all_different(columns):
        return rows, columns
    return assign(similarity, min_similarity)


def assign(similarity: Float64Array, min_similarity: float) -> tuple[Indices, Indices]:
    """The assignment of greatest total ``similarity`` (N, M) -> row and column indices (K,), rows ascending.

    Found over all pairs by Jonker-Volgenant (``lap.lapjv``); pairs under the gate are given up afterwards.
    """
    num_rows, num_columns = similarity.shape
    if not similarity.size:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    # lap extends a matrix that is not square by itself, but takes twice as long.
    size = max(num_rows, num_columns)
    cost = np.zeros((size, size))
    np.negative(similarity, out=cost[:num_rows, :num_columns])
    column_of: npt.NDArray[np.int32] = lap.lapjv(cost, return_cost=False)[0]
    rows = (column_of[:num_rows] < num_columns).nonzero()[0]
    columns = column_of.take(rows)
    enough = cost[rows, columns] <= -min_similarity
    return rows.compress(enough), columns.compress(enough).astype(np.intp)


def others(indices: Indices, count: int) -> Indices:
    """The numbers from 0 to ``count`` - 1 that are not among ``indices``, ascending."""
    return (np.bincount(indices, minlength=count) == 0).nonzero()[0]


def _all_different(indices: Indices) -> bool:
    # A set is several times faster than np.unique on the few boxes of a frame.
    return len(set(indices.tolist())) == len(indices)
