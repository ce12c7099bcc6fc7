"""The head, on rows that are drawn: it agrees with leaving out by hand, and strangers score lower."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.sport.head import Floats, Ints, _ridge, fit_and_judge, fit_head


def drawn(seed: int, num_sports: int, each: int, noise: float = 0.6) -> tuple[Floats, Ints]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(40, 64))[:num_sports]
    rows = np.repeat(centres, each, axis=0) + noise * rng.normal(size=(num_sports * each, 64))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), np.repeat(np.arange(num_sports), each)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5), st.integers(2, 30))
def test_what_is_said_of_a_row_without_it_is_what_a_regression_without_it_says(s: int, sports: int, each: int) -> None:
    rows, targets = drawn(s, sports, each)
    *_, left_out = _ridge(rows, targets)
    count = np.bincount(targets)
    root = np.sqrt(len(rows) / (sports * count[targets]))[:, None]
    middle = (root**2 * rows).sum(0) / (root**2).sum()
    centred = (rows - middle) * root
    scale = np.sqrt((centred**2).sum(1).mean())
    x, wanted = centred / scale, root * (np.eye(sports)[targets] - 1 / sports)
    at = s % len(rows)
    rest = np.arange(len(rows)) != at
    inner = x[rest].T @ x[rest] + 0.005 * len(rows) * np.eye(x.shape[1])
    by_hand = x[at] @ np.linalg.solve(inner, x[rest].T @ wanted[rest]) / root[at]
    assert np.allclose(left_out[at], by_hand, atol=1e-8)


@pytest.mark.parametrize("each", [1, 3, 20])
def test_known_sports_are_told_and_strangers_score_lower(each: int) -> None:
    rows, targets = drawn(1, 12, each)
    seen, truth = drawn(2, 40, 10)
    known = truth < 12
    head = fit_head(rows, targets)
    assert (head.probabilities(seen[known]).argmax(1) == truth[known]).mean() > 0.8
    assert np.median(head.scores(seen[known])) > np.quantile(head.scores(seen[~known]), 0.95)
    assert (
        np.allclose(head.probabilities(seen).sum(1), 1)
        and ((head.unknown(seen) >= 0) & (head.unknown(seen) <= 1)).all()
    )
    if each == 20:
        assert (head.unknown(seen[known]) >= 0.5).mean() < 0.15
        assert (head.unknown(seen[~known]) >= 0.5).mean() > 0.8


def test_confidence_is_as_right_as_it_is_sure() -> None:
    rows, targets = drawn(3, 8, 15, noise=1.6)
    seen, truth = drawn(4, 8, 60, noise=1.6)
    probabilities = fit_head(rows, targets).probabilities(seen)
    assert abs(probabilities.max(1).mean() - (probabilities.argmax(1) == truth).mean()) < 0.12


def test_order_of_examples_says_nothing_and_sports_count_equally() -> None:
    rows, targets = drawn(5, 4, 9)
    mixed = np.random.default_rng(0).permutation(len(rows))
    one, other = fit_head(rows, targets), fit_head(rows[mixed], targets[mixed])
    assert np.allclose(one.weights, other.weights) and one.usual == pytest.approx(other.usual)
    uneven = np.concatenate([np.flatnonzero(targets > 0), np.flatnonzero(targets == 0)[:2]])
    head = fit_head(rows[uneven], targets[uneven])
    assert (head.probabilities(rows).argmax(1) == targets).mean() > 0.9


def test_one_sport_is_a_line() -> None:
    rows, targets = drawn(0, 1, 5)
    with pytest.raises(InputError, match="two sports"):
        fit_and_judge(rows, targets)
