"""Which detection belongs to which track: one optimal assignment per frame."""

from __future__ import annotations

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

    Found over all pairs by SciPy's form of Jonker-Volgenant, which takes a matrix that is not square as it is; pairs
    under the gate are given up afterwards.
    """
    from scipy.optimize import linear_sum_assignment  # slow to load, which processes that only look need not do

    rows, columns = linear_sum_assignment(similarity, maximize=True)
    enough = similarity[rows, columns] >= min_similarity
    return rows.compress(enough), columns.compress(enough)


def others(indices: Indices, count: int) -> Indices:
    """The numbers from 0 to ``count`` - 1 that are not among ``indices``, ascending."""
    taken = np.zeros(count, np.bool_)
    taken[indices] = True
    return (~taken).nonzero()[0]


def _all_different(indices: Indices) -> bool:
    # A set is several times faster than np.unique on the few boxes of a frame.
    return len(set(indices.tolist())) == len(indices)
