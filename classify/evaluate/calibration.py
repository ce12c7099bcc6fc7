"""Whether a classifier is as sure as it is right, and one number that makes it so.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017: the expected calibration error, and temperature
scaling, which divides the logits by one number fitted on clips that were not learnt from. It changes how sure the
classifier is, never what it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ground.errors import InputError

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]

_BINS = 15
"""Of confidence, as in the paper. More: fewer clips in each, and the error looks larger than it is."""
_COLDEST, _HOTTEST = 0.05, 20.0
"""Temperatures are sought between these; a network that is right on every clip would want zero."""
_SMALLEST = 1e-30
"""Probabilities are at least this before their logarithm is taken."""
_WORTH = 1 / 4
"""A label that is right less often than this says less than none. Higher: more is left unsaid."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Clips about which the classifier is about equally sure."""

    confidence: float
    """Mean, 0..1."""
    accuracy: float
    """Share of right answers."""
    count: int


def reliability(probabilities: Floats, truth: Ints, bins: int = _BINS) -> list[Bin]:
    """Confidence beside accuracy, from the least sure answers to the surest; bins of equal width, empty ones left out.

    probabilities: (N, C). truth: int (N,), positions of the right labels.
    """
    confidence, right = probabilities.max(1).astype(np.float64), probabilities.argmax(1) == truth
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return [
        Bin(float(confidence[place == i].mean()), float(right[place == i].mean()), int((place == i).sum()))
        for i in np.unique(place)
    ]


def calibration_error(probabilities: Floats, truth: Ints, bins: int = _BINS) -> float:
    """Expected calibration error, 0..1: how far confidence is from accuracy, averaged over clips. N is 1 or more."""
    return sum(b.count * abs(b.confidence - b.accuracy) for b in reliability(probabilities, truth, bins)) / len(truth)


def with_temperature(probabilities: Floats, temperature: float) -> npt.NDArray[np.float64]:
    """Probabilities (N, C) as they would be if the logits were divided by ``temperature``."""
    return _softmax(_logits(probabilities) / temperature)


def _logits(probabilities: Floats) -> npt.NDArray[np.float64]:
    return np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


def fit_temperature(probabilities: Floats, truth: Ints) -> float:
    """The temperature at which ``truth`` is likeliest.

    probabilities: (N, C) of clips that the network did not learn from. truth: int (N,), or K times as many: of all
    clips once, then of all once more.
    The likelihood is concave in one over the temperature, so its slope is zero in one place, which bisection finds.
    Raises InputError when there are no clips.
    """
    if not len(truth):
        raise InputError("there are no clips to fit a temperature to")
    logits, times = _logits(probabilities), len(truth) // len(probabilities)
    target = logits[np.arange(len(truth)) % len(probabilities), truth].mean()
    low, high = _COLDEST, _HOTTEST
    for _ in range(50):
        middle = float(np.sqrt(low * high))
        expected = np.tile((_softmax(logits / middle) * logits).sum(1), times).mean()
        low, high = (low, middle) if expected < target else (middle, high)
    return float(np.sqrt(low * high))


def fit_threshold(probabilities: Floats, truth: Ints) -> float:
    """The confidence below which an answer is better not given, see ``worth_saying``.

    probabilities: (N, C) of clips that the network did not learn from. truth: int (N,).
    """
    return worth_saying(probabilities.max(1), probabilities.argmax(1) == truth)


def worth_saying(confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    """The confidence below which an answer is better not given; 0 where every answer is worth having.

    confidence: (N,), of answers to what was not learnt from. right: bool (N,).
    Answers are dropped from the least sure on as long as those dropped are, together, right less than once in four
    (Chow, On Optimum Recognition Error and Reject Tradeoff, 1970, with the threshold chosen by what it gains).
    """
    order = np.argsort(confidence, kind="stable")
    confidence, right = confidence[order].astype(np.float64), right[order]
    gain = np.concatenate([[0.0], np.cumsum(_WORTH - right)])
    gain[1:-1][confidence[1:] == confidence[:-1]] = -np.inf  # a threshold cannot part equals
    dropped = int(gain.argmax())
    if dropped in (0, len(order)):
        return float(dropped > 0)
    return float(confidence[dropped - 1 : dropped + 1].mean())
