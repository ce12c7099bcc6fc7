"""Intervals that say what chance would: narrower with more clips, and not fooled by copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.evaluate.metrics import bootstrap, score


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


def test_the_same_clips_give_the_same_intervals() -> None:
    truth, predicted = _answers(60, 0.5)
    assert bootstrap(truth, predicted, 3) == bootstrap(truth, predicted, 3)
