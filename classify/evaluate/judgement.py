"""How good a classifier is on labelled clips, and folds for cross-validation in which related clips stay together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from classify.data.clips import LabelledClip, sixteen
from classify.data.splits import grouped_folds
from classify.evaluate.calibration import (
    Bin,
    calibration_error,
    fit_temperature,
    fit_threshold,
    reliability,
    with_temperature,
)
from classify.evaluate.metrics import Interval, Intervals, Report, bootstrap, score
from classify.networks.profile import Profile
from classify.run.pytorch import predict
from ground.errors import InputError

_BATCH = 16
_CROSS_FOLDS = 5
"""A temperature is fitted to all parts of the clips but one and judged on that one."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that labelled clips say about a classifier."""

    report: Report
    intervals: Intervals
    ece: float
    """Expected calibration error, 0..1."""
    temperature: float
    """By which its logits should be divided, fitted to these clips; above 1: it is surer than it is right."""
    unsure_below: float
    """Confidence, at that temperature, under which an answer is better not given; fitted to these clips."""
    ece_scaled: float | None
    """Calibration error with a temperature from other clips (cross-fitted); None: too few to tell."""
    bins: tuple[Bin, ...]
    """Confidence beside accuracy, from the least sure answers to the surest."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; intervals are [low, high], None where nothing could be measured."""
        ranges = self.intervals
        content = self.report.to_json()
        for i, label in enumerate(self.report.labels):
            extra = {"precision_ci95": _pair(ranges.precision[i]), "recall_ci95": _pair(ranges.recall[i])}
            content["per_class"][label] |= extra
        averages = ("accuracy", "balanced_accuracy", "macro_f1", "kappa")
        content["ci95"] = {name: _pair(getattr(ranges, name)) for name in averages} | {"resampled": ranges.unit}
        content["calibration"] = {
            "ece": self.ece,
            "temperature": self.temperature,
            "ece_scaled": self.ece_scaled,
            "unsure_below": self.unsure_below,
            "bins": [asdict(b) for b in self.bins],
        }
        return content


def _pair(interval: Interval) -> list[float] | None:
    return None if np.isnan(interval[0]) else list(interval)


def judge(
    probabilities: npt.NDArray[np.floating[Any]],
    truth: npt.NDArray[np.int64],
    labels: Sequence[str],
    groups: Sequence[str],
) -> Judgement:
    """Scores, intervals and calibration of answers to clips.

    probabilities: (N, C) in the order of ``labels``. truth: int (N,). groups: (N,), the original of each clip.
    Raises InputError when there are no clips.
    """
    predicted, temperature = probabilities.argmax(1), fit_temperature(probabilities, truth)
    return Judgement(
        score(truth, predicted, labels),
        bootstrap(truth, predicted, len(labels), groups),
        calibration_error(probabilities, truth),
        temperature,
        fit_threshold(with_temperature(probabilities, temperature), truth),
        _cross_scaled_error(probabilities, truth, groups),
        tuple(reliability(probabilities, truth)),
    )


def _cross_scaled_error(
    probabilities: npt.NDArray[np.floating[Any]], truth: npt.NDArray[np.int64], groups: Sequence[str]
) -> float | None:
    folds = min(_CROSS_FOLDS, len(set(groups)))
    if folds < 2:
        return None
    fold_of = grouped_folds(groups, [str(t) for t in truth], folds)
    scaled = np.zeros(probabilities.shape)
    for fold in range(folds):
        inside, outside = fold_of == fold, fold_of != fold
        scaled[inside] = with_temperature(
            probabilities[inside], fit_temperature(probabilities[outside], truth[outside])
        )
    return calibration_error(scaled, truth)


def evaluate(model: nn.Module, profile: Profile, clips: Sequence[LabelledClip], labels: Sequence[str]) -> Report:
    """Scores of a network over labelled clips. Raises InputError when there are none."""
    predicted = predict_clips(model, profile, clips).argmax(1) if clips else np.zeros(0, np.int64)
    return score(label_indices(clips, labels), predicted, labels)


def predict_clips(model: nn.Module, profile: Profile, clips: Sequence[LabelledClip]) -> npt.NDArray[np.float32]:
    """Probabilities float32 (N, num_classes) of clips of any length, N from 1 on."""
    model.eval()
    starts = range(0, len(clips), _BATCH)
    batches = (np.stack([sixteen(clip.frames) for clip in clips[i : i + _BATCH]]) for i in starts)
    return np.concatenate([predict(model, batch, profile) for batch in batches])


def label_indices(clips: Sequence[LabelledClip], labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Position in ``labels`` of each clip's label. Raises InputError for a label that is not there."""
    position = {label: i for i, label in enumerate(labels)}
    strange = sorted({clip.label for clip in clips} - set(labels))
    if strange:
        raise InputError(f"{', '.join(strange)} is none of the labels {', '.join(labels)}")
    return np.array([position[clip.label] for clip in clips], np.int64)


def split_folds(
    clips: Sequence[LabelledClip], folds: int
) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Per fold: its number, the positions of the clips to learn from, and of those to judge on."""
    fold_of = grouped_folds([c.group for c in clips], [c.label for c in clips], folds)
    for number in range(folds):
        yield number, np.flatnonzero(fold_of != number), np.flatnonzero(fold_of == number)
