from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tracker.assignment import assign, associate, others

similarities = arrays(np.float64, st.tuples(st.integers(0, 5), st.integers(0, 5)), elements=st.floats(0, 1, width=32))


def best_total(similarity: np.ndarray) -> float:
    """By trying every assignment."""
    if similarity.shape[0] > similarity.shape[1]:
        similarity = similarity.T
    n, m = similarity.shape
    return max(sum(similarity[i, p[i]] for i in range(n)) for p in itertools.permutations(range(m), n))


@pytest.mark.slow
@given(similarities)
def test_assignment_is_the_best_of_all(similarity: np.ndarray) -> None:
    rows, columns = assign(similarity, 0.0)
    assert len(rows) == min(similarity.shape)
    assert np.isclose(similarity[rows, columns].sum(), best_total(similarity))


@given(similarities, st.floats(0, 1))
def test_pairs_are_one_to_one_and_above_the_gate(similarity: np.ndarray, gate: float) -> None:
    rows, columns = associate(similarity, gate)
    assert len(set(rows)) == len(rows) == len(columns) == len(set(columns))
    assert (np.diff(rows) > 0).all()
    assert (similarity[rows, columns] >= gate).all()


@given(similarities, st.floats(0, 1))
def test_what_is_one_to_one_above_the_gate_is_kept(similarity: np.ndarray, gate: float) -> None:
    above = similarity > gate
    if above.any() and above.sum(0).max() == 1 and above.sum(1).max() == 1:
        np.testing.assert_array_equal(np.stack(associate(similarity, gate)), np.nonzero(above))


def test_lone_good_pairs_win_over_a_better_total() -> None:
    # The published SORT skips the assignment here; the best total would give up the pair above the gate.
    similarity = np.array([[0.5, 0.29], [0.29, 0.0]])
    assert [a.tolist() for a in associate(similarity, 0.3)] == [[0], [0]]
    assert [a.tolist() for a in assign(similarity, 0.3)] == [[], []]


def test_a_gate_is_applied_after_the_assignment() -> None:
    similarity = np.array([[0.9, 0.8], [0.85, 0.1]])
    rows, columns = associate(similarity, 0.3)
    assert list(zip(rows, columns, strict=True)) == [(0, 1), (1, 0)]


@given(st.sets(st.integers(0, 20)), st.integers(21, 30))
def test_others_are_the_rest(indices: set[int], count: int) -> None:
    rest = others(np.array(sorted(indices), np.intp), count)
    assert rest.tolist() == [i for i in range(count) if i not in indices]
