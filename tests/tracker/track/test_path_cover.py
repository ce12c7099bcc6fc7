from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.assignment import assign
from tracker.track.path_cover import best_chains, path_cover


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(1, 25), st.floats(0.02, 0.9))
def test_the_sparse_assignment_is_optimal(seed: int, count: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    gain = (rng.random((count, count)) < density) * rng.random((count, count))
    i, j = np.nonzero(gain)
    starts, ends = path_cover(i, j, gain[i, j], count)
    assert len(set(starts.tolist())) == len(starts)
    rows, columns = assign(gain, 1e-12)
    assert gain[ends, starts].sum() == pytest.approx(gain[rows, columns].sum())


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_chains_go_forward_and_begin_with_their_first(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    seconds = rng.permutation(count).astype(float)
    by_time = np.argsort(seconds)
    gain = rng.normal(size=(count, count))
    low = np.searchsorted(seconds[by_time], seconds, "right")
    first = best_chains(low, np.full(count, count), by_time, seconds, lambda i, j: gain[i, j])
    assert (first[first] == first).all()
    assert (seconds[first] <= seconds).all()
    possible = (gain > 0) & (seconds[:, None] < seconds)
    assert (len(np.unique(first)) < count) == possible.any()


def test_nothing_to_gain() -> None:
    none = np.empty(0, np.intp)
    assert best_chains(none, none, none, np.empty(0), lambda i, _: np.empty(len(i))).tolist() == []
    low, high = np.array([1, 2]), np.array([2, 2])
    assert best_chains(low, high, np.arange(2), np.arange(2.0), lambda i, _: np.zeros(len(i))).tolist() == [0, 1]
