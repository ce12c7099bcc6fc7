"""The head, on rows that are drawn: it agrees with leaving out by hand, and strangers score lower."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.sport.head import Floats, Ints, _likeness, _ridge, fit_and_judge, fit_head, landmarks_of


def drawn(seed: int, num_sports: int, each: int, noise: float = 0.6) -> tuple[Floats, Ints]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(40, 64))[:num_sports]
    rows = np.repeat(centres, each, axis=0) + noise * rng.normal(size=(num_sports * each, 64))
    return 2 * rows / np.linalg.norm(rows, axis=1, keepdims=True), np.repeat(np.arange(num_sports), each)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5), st.integers(2, 30))
def test_what_is_said_of_a_row_without_it_is_what_a_regression_without_it_says(s: int, sports: int, each: int) -> None:
    rows, targets = drawn(s, sports, each)
    *_, left_out = _ridge(rows, targets)
    wanted = np.eye(sports)[targets] - 1 / sports
    at = s % len(rows)
    rest = np.arange(len(rows)) != at
    inner = _likeness(rows[rest], rows[rest]) + 0.0005 * len(rows) * np.eye(len(rows) - 1)
    by_hand = _likeness(rows[[at]], rows[rest]) @ np.linalg.solve(inner, wanted[rest])
    assert np.allclose(left_out[at], by_hand[0], atol=1e-8)


def test_many_examples_are_learnt_from_through_landmarks_as_if_all_were(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, targets = drawn(7, 4, 40)
    seen, truth = drawn(8, 4, 40)
    whole, said = fit_and_judge(rows, targets)
    monkeypatch.setattr("pipeline.sport.head._MOST_LANDMARKS", 80)
    some, said_by_some = fit_and_judge(rows, targets)
    assert len(some.landmarks) == 80 and (np.bincount(targets[landmarks_of(targets)]) == 20).all()
    assert (said == said_by_some).mean() > 0.9
    answers = [head.probabilities(seen).argmax(1) for head in (whole, some)]
    assert (answers[0] == answers[1]).mean() > 0.95 and (answers[1] == truth).mean() > 0.9
    rest = np.arange(len(rows)) != 100
    monkeypatch.setattr("pipeline.sport.head.landmarks_of", lambda _: np.arange(80))
    *_, left_out = _ridge(rows, targets)
    at = _likeness(rows, rows[:80])
    decay = 0.0005 * len(rows) * _likeness(rows[:80], rows[:80])
    wanted = np.eye(4)[targets] - 1 / 4
    by_hand = at[100] @ np.linalg.solve(at[rest].T @ at[rest] + decay, at[rest].T @ wanted[rest])
    assert np.allclose(left_out[100], by_hand, atol=1e-5)


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
    assert np.allclose(one.scores(rows), other.scores(rows)) and one.usual == pytest.approx(other.usual)
    uneven = np.concatenate([np.flatnonzero(targets > 0), np.flatnonzero(targets == 0)[:2]])
    head = fit_head(rows[uneven], targets[uneven])
    assert (head.probabilities(rows).argmax(1) == targets).mean() > 0.9


def test_one_sport_is_a_line() -> None:
    rows, targets = drawn(0, 1, 5)
    with pytest.raises(InputError, match="two sports"):
        fit_and_judge(rows, targets)
