"""Scores of predicted labels per class and over all, and how far they may be off by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ground.errors import InputError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]
"""Low and high end; NaN where there is nothing to measure."""

_RESAMPLES = 1000
"""Bootstrap samples. More: the ends of intervals repeat better, and time grows with it."""
MIN_GROUPS = 20
"""Fewer groups than this say little about how groups differ: single clips are resampled then."""


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
    kappa: float
    """Cohen's kappa: agreement beyond what chance gives, -1..1; NaN where chance alone makes all agree."""
    per_class: dict[str, ClassScore]
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Clips by true label (row) and predicted label (column), in the order of ``labels``."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; None for a kappa that there is not."""
        return asdict(self) | {"kappa": None if np.isnan(self.kappa) else self.kappa}


@dataclass(frozen=True, slots=True)
class Intervals:
    """95 % intervals of the figures in a ``Report``; per class in the order of its labels."""

    accuracy: Interval
    balanced_accuracy: Interval
    macro_f1: Interval
    kappa: Interval
    precision: tuple[Interval, ...]
    recall: tuple[Interval, ...]
    unit: str
    """What was resampled: "group" (all clips of an original at once) or "clip"."""


class _Rates(NamedTuple):
    """Of confusion matrices (..., C, C), each (..., C)."""

    precision: Floats
    recall: Floats
    f1: Floats
    seen: npt.NDArray[np.bool_]
    """Classes that have clips."""

    def averages(self) -> tuple[Floats, Floats]:
        """Balanced accuracy and macro-F1, each (...)."""
        averages = np.empty((2, *self.seen.shape[:-1]))
        for seen in np.unique(self.seen.reshape(-1, self.seen.shape[-1]), axis=0):
            same = (self.seen == seen).all(-1)
            for i, rates in enumerate((self.recall, self.f1)):
                averages[i, same] = np.ascontiguousarray(rates[same][..., seen]).mean(-1)
        return averages[0], averages[1]


def score(truth: Ints, predicted: Ints, labels: Sequence[str]) -> Report:
    """Scores of ``predicted`` against ``truth``, both int (N,) positions in ``labels``, N from 1 on."""
    if len(truth) == 0:
        raise InputError("there are no clips to judge on")
    size = len(labels)
    confusion = np.bincount(truth * size + predicted, minlength=size * size).reshape(size, size)
    rates = _rates(confusion)
    accuracy = float(np.trace(confusion) / len(truth))
    balanced, macro_f1 = (float(average) for average in rates.averages())
    kappa = cohens_kappa(confusion)
    rows = zip(labels, rates.precision, rates.recall, rates.f1, confusion.sum(1), strict=True)
    return Report(
        accuracy=accuracy,
        balanced_accuracy=balanced,
        macro_f1=macro_f1,
        kappa=kappa,
        per_class={name: ClassScore(float(p), float(r), float(f), int(n)) for name, p, r, f, n in rows},
        labels=tuple(labels),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def cohens_kappa(confusion: npt.NDArray[Any]) -> float:
    """Cohen's kappa of a matrix (C, C) of counts; NaN where chance alone makes all agree.

    Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    return float(_kappas(confusion.astype(np.float64)))


def _kappas(confusion: Floats) -> Floats:
    """The same of matrices (..., C, C)."""
    total = confusion.sum((-2, -1))
    by_chance = (confusion.sum(-2) * confusion.sum(-1)).sum(-1) / np.where(total > 0, total, 1) ** 2
    agreed = np.trace(confusion, axis1=-2, axis2=-1) / np.where(total > 0, total, 1)
    is_told = (total > 0) & (by_chance < 1)
    return np.where(is_told, (agreed - by_chance) / np.where(is_told, 1 - by_chance, 1), np.nan)


def bootstrap(
    truth: Ints, predicted: Ints, num_labels: int, groups: Sequence[str] | Sequence[int] | None = None, seed: int = 0
) -> Intervals:
    """Percentile bootstrap (Efron 1979) of the figures of ``score``.

    A figure of 1 or 0 over few clips gets an interval without width: what was not seen cannot be drawn.
    groups: (N,), the original of each clip. Clips of one original are alike, so originals are drawn, not clips, where
        there are enough of them; None: clips are drawn.
    """
    unit, numbers = _units(len(truth), groups)
    num_units = int(numbers.max()) + 1
    rng = np.random.default_rng(seed)
    # All clips of one original that were answered alike are drawn together: one row for them.
    kinds, counts = np.unique(numbers * num_labels**2 + truth * num_labels + predicted, return_counts=True)
    unit_of, cells = kinds // num_labels**2, kinds % num_labels**2
    drawn = np.empty((_RESAMPLES, num_labels**2))
    for row in drawn:
        weights = np.bincount(rng.integers(num_units, size=num_units), minlength=num_units)[unit_of]
        row[:] = np.bincount(cells, weights * counts, num_labels**2)
    confusion = drawn.reshape(-1, num_labels, num_labels)
    rates = _rates(confusion)
    accuracy = np.trace(confusion, axis1=1, axis2=2) / confusion.sum((1, 2))
    asked = np.where(confusion.sum(1) > 0, rates.precision, np.nan)
    seen = np.where(rates.seen, rates.recall, np.nan)
    balanced, macro_f1 = rates.averages()
    whole = (_interval(values) for values in (accuracy, balanced, macro_f1, _kappas(confusion)))
    precision, recall = (tuple(_interval(column) for column in columns.T) for columns in (asked, seen))
    return Intervals(*whole, precision=precision, recall=recall, unit=unit)


def _units(number: int, groups: Sequence[str] | Sequence[int] | None) -> tuple[str, npt.NDArray[np.intp]]:
    """What is drawn, and the number of the one that each clip belongs to."""
    if groups is not None:
        names, numbers = np.unique(np.asarray(groups), return_inverse=True)
        if MIN_GROUPS <= len(names) < number:
            return "group", numbers
    return "clip", np.arange(number)


def _interval(values: Floats) -> Interval:
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def _rates(confusion: npt.NDArray[Any]) -> _Rates:
    hits, support, answers = np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-1), confusion.sum(-2)
    precision = hits / np.where(answers > 0, answers, 1)
    recall = hits / np.where(support > 0, support, 1)
    f1 = 2 * hits / np.where(support + answers > 0, support + answers, 1)
    return _Rates(precision, recall, f1, support > 0)
