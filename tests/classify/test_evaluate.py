"""Scores against hand-made and independent counts; folds that never share a group."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from classify.clips import LabelledClip
from classify.errors import ClipError
from classify.evaluate import cross_validate, grouped_folds, score
from classify.preprocess import Profile


def test_scores_of_a_small_table() -> None:
    report = score(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 2]), ("a", "b", "c", "never"))
    assert report.accuracy == pytest.approx(4 / 6)
    assert report.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert report.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert report.per_class["never"].support == 0
    assert report.confusion == ((2, 1, 0, 0), (1, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 0))
    assert json.loads(json.dumps(report.to_json()))["per_class"]["b"]["recall"] == 0.5


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
        with pytest.raises(ClipError, match="groups of clips cannot be cut"):
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


class _Constant(nn.Module):
    """Always says the same label."""

    def __init__(self, label: int, size: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.nn.functional.one_hot(torch.tensor(label), size).float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(x), -1)


def test_cross_validation_judges_each_clip_by_a_network_that_never_saw_its_group() -> None:
    frame = np.zeros((1, 176, 128, 3), np.uint8)
    clips = [LabelledClip(str(i), "ab"[i % 3 == 0], f"g{i % 7}", frame) for i in range(21)]
    seen: list[set[str]] = []

    def train(part: Sequence[LabelledClip]) -> tuple[nn.Module, Profile]:
        seen.append({c.group for c in part})
        return _Constant(0, 2), Profile(8, 8, 1)

    report = cross_validate(clips, ("a", "b"), 7, train)
    assert report.accuracy == pytest.approx(14 / 21), "14 clips are of the first label"
    assert sorted(len(groups) for groups in seen) == [6] * 7


def test_nothing_to_judge_on() -> None:
    with pytest.raises(ClipError, match="no clips"):
        score(np.zeros(0, np.int64), np.zeros(0, np.int64), ("a", "b"))
