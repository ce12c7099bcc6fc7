"""Scores against hand-made and independent counts; folds that never share a group."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.data.clips import LabelledClip
from classify.data.splits import grouped_folds
from classify.evaluate.judgement import judge, score, split_folds
from ground.errors import InputError


def test_scores_of_a_small_table() -> None:
    report = score(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 2]), ("a", "b", "c", "never"))
    assert report.accuracy == pytest.approx(4 / 6)
    assert report.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert report.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert report.per_class["never"].support == 0
    assert report.confusion == ((2, 1, 0, 0), (1, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 0))
    assert json.loads(json.dumps(report.to_json()))["per_class"]["b"]["recall"] == 0.5


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_scores_agree_with_counting(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs, np.int64).T
    report = score(truth, predicted, tuple("abcde"))
    f1 = []
    for c in set(truth.tolist()):
        hit = sum(t == p == c for t, p in pairs)
        f1.append(2 * hit / (sum(t == c for t, _ in pairs) + sum(p == c for _, p in pairs)))
    assert report.macro_f1 == pytest.approx(float(np.mean(f1)))
    assert sum(map(sum, report.confusion)) == len(pairs)


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc")), min_size=4, max_size=80), st.integers(2, 5))
def test_folds_never_share_a_group(clips: list[tuple[int, str]], folds: int) -> None:
    groups, labels = [str(g) for g, _ in clips], [label for _, label in clips]
    if len(set(groups)) < folds:
        with pytest.raises(InputError, match="groups of clips cannot be cut"):
            grouped_folds(groups, labels, folds)
        return
    fold_of = grouped_folds(groups, labels, folds)
    assert set(fold_of.tolist()) == set(range(folds)), "no fold is empty"
    for group in set(groups):
        assert len({int(f) for f, g in zip(fold_of, groups, strict=True) if g == group}) == 1


@given(st.lists(st.sampled_from("abc"), min_size=20, max_size=100))
def test_folds_share_labels_evenly_when_groups_are_single_clips(labels: list[str]) -> None:
    fold_of = grouped_folds([str(i) for i in range(len(labels))], labels, 5)
    for label in set(labels):
        counts = Counter(int(f) for f, own in zip(fold_of, labels, strict=True) if own == label)
        assert max(counts.values()) - min(counts[f] for f in range(5)) <= 1


def test_each_clip_is_held_out_once_and_never_beside_its_group() -> None:
    frame = np.zeros((1, 176, 128, 3), np.uint8)
    clips = [LabelledClip(str(i), "ab"[i % 3 == 0], f"g{i % 7}", frame) for i in range(21)]
    held_out: list[int] = []
    for _, learn, hold in split_folds(clips, 7):
        assert not {clips[i].group for i in learn} & {clips[i].group for i in hold}
        assert len(learn) + len(hold) == 21
        held_out += hold.tolist()
    assert sorted(held_out) == list(range(21))


def test_a_judgement_of_someone_who_always_says_the_same() -> None:
    truth = np.array([0, 0, 0, 1] * 12)
    probabilities = np.tile(np.array([np.e, 1.0]) / (1 + np.e), (48, 1))
    judgement = judge(probabilities, truth, ("a", "b"), [f"g{i % 8}" for i in range(48)])
    # It always says a, with the confidence e / (1 + e), and is right in three of four.
    assert judgement.report.accuracy == pytest.approx(0.75)
    assert judgement.ece == pytest.approx(abs(np.e / (1 + np.e) - 0.75), abs=1e-5)
    assert judgement.temperature == pytest.approx(1 / np.log(3), rel=1e-3)
    assert judgement.ece_scaled is not None and judgement.unsure_below == 0.0
    written = json.loads(json.dumps(judgement.to_json()))
    assert written["ci95"]["accuracy"][0] < 0.75 < written["ci95"]["accuracy"][1]
    assert written["per_class"]["b"]["precision_ci95"] is None, "b was never said"
    assert judge(probabilities, truth, ("a", "b"), ["one"] * 48).ece_scaled is None


def test_nothing_to_judge_on() -> None:
    with pytest.raises(InputError, match="no clips"):
        score(np.zeros(0, np.int64), np.zeros(0, np.int64), ("a", "b"))
