"""How good a classifier is: scores per class, and cross-validation in which related clips stay together."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from classify.classifier import predict
from classify.clips import LabelledClip, sixteen
from classify.errors import ClipError
from classify.preprocess import Profile

_BATCH = 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One action; all but ``support`` in 0..1."""

    precision: float
    recall: float
    f1: float
    support: int
    """Clips that show it."""


@dataclass(frozen=True, slots=True)
class Report:
    """Scores of predicted labels; averages are over the labels that occur in the truth."""

    accuracy: float
    balanced_accuracy: float
    """Mean recall."""
    macro_f1: float
    per_class: dict[str, ClassScore]
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Clips by true label (row) and predicted label (column), in the order of ``labels``."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def score(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], labels: Sequence[str]) -> Report:
    """Scores of ``predicted`` against ``truth``, both int (N,) positions in ``labels``, N from 1 on."""
    if len(truth) == 0:
        raise ClipError("there are no clips to judge on")
    size = len(labels)
    confusion = np.bincount(truth * size + predicted, minlength=size * size).reshape(size, size)
    hits, support, answers = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    recall, precision = hits / np.maximum(support, 1), hits / np.maximum(answers, 1)
    f1 = 2 * hits / np.maximum(support + answers, 1)
    seen = support > 0
    return Report(
        accuracy=float(hits.sum() / len(truth)),
        balanced_accuracy=float(recall[seen].mean()),
        macro_f1=float(f1[seen].mean()),
        per_class={
            label: ClassScore(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, label in enumerate(labels)
        },
        labels=tuple(labels),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def evaluate(model: nn.Module, profile: Profile, clips: Sequence[LabelledClip], labels: Sequence[str]) -> Report:
    """Scores of a network over labelled clips. Raises ClipError when there are none."""
    predicted = predict_clips(model, profile, clips).argmax(1) if clips else np.zeros(0, np.int64)
    return score(label_indices(clips, labels), predicted, labels)


def predict_clips(model: nn.Module, profile: Profile, clips: Sequence[LabelledClip]) -> npt.NDArray[np.float32]:
    """Probabilities float32 (N, num_classes) of clips of any length, N from 1 on."""
    model.eval()
    starts = range(0, len(clips), _BATCH)
    batches = (np.stack([sixteen(clip.frames) for clip in clips[i : i + _BATCH]]) for i in starts)
    return np.concatenate([predict(model, batch, profile) for batch in batches])


def label_indices(clips: Sequence[LabelledClip], labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Position in ``labels`` of each clip's label. Raises ClipError for a label that is not there."""
    position = {label: i for i, label in enumerate(labels)}
    strange = sorted({clip.label for clip in clips} - set(labels))
    if strange:
        raise ClipError(f"{', '.join(strange)} is none of the labels {', '.join(labels)}")
    return np.array([position[clip.label] for clip in clips], np.int64)


def grouped_folds(groups: Sequence[str], labels: Sequence[str], folds: int) -> npt.NDArray[np.int64]:
    """The fold of each clip, int (N,): clips of a group share one, and every fold gets its part of every label.

    The largest group goes first, each into the fold that has the fewest clips of the group's labels.
    Raises ClipError when there are fewer groups than folds.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    if not 2 <= folds <= len(members):
        raise ClipError(
            f"{len(members)} groups of clips cannot be cut into {folds} folds; from 2 to {len(members)} can"
        )
    filled = [Counter[str]() for _ in range(folds)]
    result = np.zeros(len(groups), np.int64)
    for indices in sorted(members.values(), key=len, reverse=True):
        added = Counter(labels[i] for i in indices)
        fold = min(
            range(folds), key=lambda f: (sum(filled[f][label] * n for label, n in added.items()), filled[f].total())
        )
        filled[fold] += added
        result[indices] = fold
    return result


Trainer = Callable[[Sequence[LabelledClip]], tuple[nn.Module, Profile]]
"""Clips to learn from -> a network and its input."""


def cross_validate(clips: Sequence[LabelledClip], labels: Sequence[str], folds: int, train: Trainer) -> Report:
    """Scores over all clips, each judged by a network that learnt from no clip of its group."""
    predicted = np.zeros(len(clips), np.int64)
    for number, learn, judge in split_folds(clips, folds):
        model, profile = train([clips[i] for i in learn])
        predicted[judge] = predict_clips(model, profile, [clips[i] for i in judge]).argmax(1)
        part = score(label_indices([clips[i] for i in judge], labels), predicted[judge], labels)
        _log.info("fold %d of %d: macro-F1 %.3f, accuracy %.3f", number + 1, folds, part.macro_f1, part.accuracy)
    return score(label_indices(clips, labels), predicted, labels)


def split_folds(
    clips: Sequence[LabelledClip], folds: int
) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Per fold: its number, the positions of the clips to learn from, and of those to judge on."""
    fold_of = grouped_folds([c.group for c in clips], [c.label for c in clips], folds)
    for number in range(folds):
        yield number, np.flatnonzero(fold_of != number), np.flatnonzero(fold_of == number)
