"""A learning curve rises where there is something to learn, says little where there is little, and knows its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.few_shot.curve import MORE, learning_curve
from classify.few_shot.heads import Examples

_LABELS = ("a", "b", "c")


def _examples(each: int, apart: float, seed: int = 0, groups: int = 0) -> Examples:
    """Three labels, so far apart beside noise of 1; two rows per example; groups: 0: each example alone."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(3), each)
    middles = apart * rng.standard_normal((3, 24)) / 24**0.5
    features = np.repeat(middles[targets], 2, axis=0) + rng.standard_normal((6 * each, 24))
    alone = np.arange(len(targets))
    return Examples(features, np.repeat(alone, 2), targets, alone % groups if groups else alone, 3)


@pytest.mark.slow
def test_it_rises_where_more_examples_help() -> None:
    curve = learning_curve(_examples(20, 2.0), _LABELS)
    means = [point.macro_f1 for point in curve.points]
    assert [point.size for point in curve.points] == sorted({point.size for point in curve.points})
    assert means[-1] > means[0] + 0.1 and curve.points[0].size == 2
    assert curve.beyond is not None and curve.beyond.size == 20 + MORE
    assert curve.beyond.macro_f1 >= means[-1] - 0.02


@pytest.mark.slow
def test_what_it_says_of_ten_more_comes_true_on_average() -> None:
    """Against labels of fresh draws of the larger size, over several worlds."""
    errors = []
    for seed in range(3):
        beyond = learning_curve(_examples(12, 2.0, seed), _LABELS).beyond
        wider = learning_curve(_examples(33, 2.0, seed), _LABELS)
        assert beyond is not None
        there = min(wider.points, key=lambda point: abs(point.size - beyond.size))
        errors.append(beyond.macro_f1 - there.macro_f1)
    assert abs(float(np.mean(errors))) < 0.1, errors


@pytest.mark.slow
def test_noise_stays_noise() -> None:
    curve = learning_curve(_examples(20, 0.0), _LABELS)
    assert all(point.macro_f1 < 0.5 for point in curve.points)
    assert curve.beyond is not None and curve.beyond.macro_f1 < 0.55


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(each=st.integers(3, 12), apart=st.floats(0, 20), groups=st.sampled_from([0, 2, 5]), seed=st.integers(0, 99))
def test_figures_are_shares_and_intervals_hold_their_means(each: int, apart: float, groups: int, seed: int) -> None:
    curve = learning_curve(_examples(each, apart, seed, groups), _LABELS, seed)
    for point in (*curve.points, *([curve.beyond] if curve.beyond else [])):
        assert 0 <= point.low <= point.macro_f1 <= point.high <= 1
    assert curve == learning_curve(_examples(each, apart, seed, groups), _LABELS, seed), "the same twice"


@pytest.mark.parametrize("each", [1, 2])
def test_too_few_to_hold_some_out_say_nothing(each: int) -> None:
    assert learning_curve(_examples(each, 4.0), _LABELS).points == ()
