"""Intervals that say what chance would: narrower with more clips, and not fooled by copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.evaluate.metrics import bootstrap, cohens_kappa, score


def _answers(number: int, right: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Answers to ``number`` clips of three labels, right with probability ``right``."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, number)
    return truth, np.where(rng.random(number) < right, truth, (truth + 1) % 3)


def test_the_interval_of_accuracy_is_the_binomial_one() -> None:
    truth, predicted = _answers(400, 0.7)
    accuracy = float((truth == predicted).mean())
    low, high = bootstrap(truth, predicted, 3).accuracy
    half = 1.96 * (accuracy * (1 - accuracy) / 400) ** 0.5
    assert low == pytest.approx(accuracy - half, abs=0.008)
    assert high == pytest.approx(accuracy + half, abs=0.008)


def test_copies_of_a_clip_tell_nothing_new_when_their_original_is_known() -> None:
    truth, predicted = _answers(150, 0.6)
    copies = np.repeat(np.arange(150), 4)
    alone = bootstrap(truth, predicted, 3).macro_f1
    grouped = bootstrap(truth[copies], predicted[copies], 3, [str(i) for i in copies])
    fooled = bootstrap(truth[copies], predicted[copies], 3)
    assert (grouped.unit, fooled.unit) == ("group", "clip")
    assert grouped.macro_f1 == pytest.approx(alone, abs=0.015)
    assert fooled.macro_f1[1] - fooled.macro_f1[0] < 0.65 * (alone[1] - alone[0])


def test_a_handful_of_groups_is_not_resampled() -> None:
    truth, predicted = _answers(100, 0.6)
    assert bootstrap(truth, predicted, 3, [str(i % 5) for i in range(100)]).unit == "clip"


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_every_interval_is_ordered_and_absent_labels_have_none(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs, np.int64).T
    ranges = bootstrap(truth, predicted, 5)
    report = score(truth, predicted, tuple("abcde"))
    for figure in ("accuracy", "balanced_accuracy", "macro_f1"):
        low, high = getattr(ranges, figure)
        assert 0 <= low <= high <= 1
    for i, own in enumerate(report.per_class.values()):
        assert np.isnan(ranges.recall[i][0]) == (own.support == 0)
    assert np.isnan(ranges.recall[4][0]) and np.isnan(ranges.precision[4][0])


def test_kappa_is_that_of_the_textbook() -> None:
    """Two raters of 50 applications, of whom both take 20 and refuse 15: agreement 0.7, by chance 0.5."""
    assert cohens_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)
    assert np.isnan(cohens_kappa(np.array([[7, 0], [0, 0]]))), "chance alone makes all agree"
    assert np.isnan(cohens_kappa(np.zeros((2, 2))))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    """Its way to write it: disagreements over those that the margins would give."""
    truth, predicted = np.array(pairs, np.int64).T
    report = score(truth, predicted, tuple("abcd"))
    confusion = np.array(report.confusion)
    expected = np.outer(confusion.sum(0), confusion.sum(1)) / confusion.sum()
    apart = 1 - np.eye(4)
    wrong, by_chance = (apart * confusion).sum(), (apart * expected).sum()
    if by_chance:
        assert report.kappa == pytest.approx(1 - wrong / by_chance) and -1 <= report.kappa <= 1
    else:
        assert np.isnan(report.kappa) and report.to_json()["kappa"] is None


def test_kappa_of_guesses_has_zero_in_its_interval() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = rng.integers(0, 3, (2, 300))
    low, high = bootstrap(truth, predicted, 3).kappa
    assert low < 0 < high and low <= score(truth, predicted, tuple("abc")).kappa <= high


def test_the_same_clips_give_the_same_intervals() -> None:
    truth, predicted = _answers(60, 0.5)
    assert bootstrap(truth, predicted, 3) == bootstrap(truth, predicted, 3)
