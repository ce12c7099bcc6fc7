"""What the features of examples teach: which sport a picture is of, and how likely it is of none of them.

Ridge regression onto the sports by a Gaussian kernel, whose answers to left-out examples follow in closed form (Rifkin
and Lippert, Notes on Regularized Least Squares, 2007). Away from all examples its answers fade, so its highest answer
says how surely it is one of the sports: sports that are in no class were told better in trials (AUROC 0.88) than by a
linear ridge (0.86), Mahalanobis' distance relative to that from all (0.85) or neighbours (0.82). How sure it is, is
measured on examples left out, and on sports left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, softmax

from classify.evaluate.calibration import fit_temperature
from ground.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DECAY = 0.0005
"""Regularisation, relative to a likeness of 1. Twenty times more told fewer right; twice as much, about as many."""
_MOST_LANDMARKS = 1500
"""Examples that others are compared with; those beyond are learnt from, too (Nystroem). Cost grows with their cube."""
_MISSED = 0.05
"""Share of left-out examples that may be called unknown. Higher: more strangers are seen, more sports are missed."""
_FOLDS = 5
"""In which sports are left out to see what strangers look like."""
_FEWEST_SPORTS = 5
"""With fewer, leaving some out leaves too little; then only left-out examples tell what is usual."""
_SLOPE = 10.0
"""Of the chance of being unknown over its score, where nothing tells it."""
_SMALLEST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Fitted. Features are float (N, F)."""

    landmarks: Floats
    """(M, F), features of examples."""
    weights: Floats
    """(M, S)"""
    temperature: float
    slope: float
    """Of the chance to be known, as a logistic function of the score."""
    usual: float
    """The score at which it is as likely as not."""

    def probabilities(self, features: Floats) -> Floats:
        """(N, S), of each sport, if it is one of them."""
        return softmax(self._answers(features) / self.temperature, axis=1)

    def scores(self, features: Floats) -> Floats:
        """(N,): the higher, the surer it is one of the sports."""
        return self._answers(features).max(1)

    def unknown(self, features: Floats) -> Floats:
        """(N,), 0..1: the chance of being none of the sports; 0.5 is passed by few of those that are."""
        return expit(self.slope * (self.usual - self.scores(features)))

    def _answers(self, features: Floats) -> Floats:
        return _likeness(features, self.landmarks) @ self.weights


def fit_head(features: Floats, targets: Ints) -> Head:
    """See ``fit_and_judge``."""
    return fit_and_judge(features, targets)[0]


def fit_and_judge(features: Floats, targets: Ints) -> tuple[Head, Ints]:
    """A head, and what it says of each example (N,) without it.

    features: (N, F). targets: (N,), positions of sports 0..S-1, each of which is there.
    Sports count equally, however many examples each has. Raises InputError for fewer than two sports.
    """
    num_sports = int(targets.max()) + 1 if len(targets) else 0
    if num_sports < 2:
        raise InputError("it takes two sports or more to tell them apart")
    landmarks, weights, left_out = _ridge(features, targets)
    temperature = _temperature(left_out, targets, np.bincount(targets))
    own = _left_out_scores(left_out, targets)
    slope, usual = _slope(features, targets, own), float(np.quantile(own, _MISSED))
    return Head(landmarks, weights, temperature, slope, usual), left_out.argmax(1)


def landmarks_of(targets: Ints) -> Ints:
    """Positions of the examples that others are compared with: the first of each sport, the second of each..."""
    rank = np.empty(len(targets), np.int64)
    for sport in np.unique(targets):
        of_sport = targets == sport
        rank[of_sport] = np.arange(int(of_sport.sum()))
    return np.sort(np.argsort(rank, kind="stable")[:_MOST_LANDMARKS])


def _ridge(features: Floats, targets: Ints) -> tuple[Floats, Floats, Floats]:
    """Landmarks (M, F), weights (M, S), and what is said of each example (N, S) without it."""
    count = np.bincount(targets)
    share = len(features) / (len(count) * count[targets])
    wanted = np.eye(len(count))[targets] - 1 / len(count)
    landmarks = features[landmarks_of(targets)]
    near, decay = _likeness(features, landmarks), _DECAY * len(features)
    if len(landmarks) == len(features):
        return landmarks, *_by_all(near, wanted, decay / share)
    return landmarks, *_by_landmarks(near, _likeness(landmarks, landmarks), wanted, share, decay)


def _likeness(one: Floats, other: Floats) -> Floats:
    """(N, M), 0..1."""
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1)
    return np.exp(one @ other.T - squares / 2)


def _by_all(near: Floats, wanted: Floats, decay: Floats) -> tuple[Floats, Floats]:
    """Weights, and what is said of each example without it; where all are landmarks. decay: (N,)."""
    inverse = np.linalg.inv(near + np.diag(decay))
    weights = inverse @ wanted
    return weights, wanted - weights / np.diag(inverse)[:, None]


def _by_landmarks(near: Floats, among: Floats, wanted: Floats, share: Floats, decay: float) -> tuple[Floats, Floats]:
    """The same, where they are some of many: the cost grows with their number, not with its cube."""
    weighted = near * share[:, None]
    inner = near.T @ weighted + decay * among
    inverse = np.linalg.inv(inner + _SMALLEST * len(near) * np.eye(len(inner)))
    weights = inverse @ (weighted.T @ wanted)
    pull = ((weighted @ inverse) * near).sum(1, keepdims=True)
    return weights, wanted - (wanted - near @ weights) / (1 - pull)


def _left_out_scores(left_out: Floats, targets: Ints) -> Floats:
    """(N,), of each example without it; an example that is alone in its sport tells nothing of others, and is left."""
    scores = left_out.max(1)
    several = np.bincount(targets)[targets] > 1
    return scores[several] if several.any() else scores


def _temperature(left_out: Floats, targets: Ints, counts: Ints) -> float:
    """At which left-out answers are as sure as they are right; as if one more of each sport were anything (Laplace)."""
    if counts.min() < 2:
        return 0.1
    plain = softmax(left_out, axis=1)
    num_sports = len(counts)
    copies = max(1, len(targets) // num_sports)
    anything = np.arange(len(targets)) % num_sports
    truth = np.concatenate([np.tile(targets, copies), anything])
    return fit_temperature(plain, truth)


def _slope(features: Floats, targets: Ints, own: Floats) -> float:
    """How fast the chance to be known grows with the score: from examples left out, and sports left out in turn."""
    num_sports = int(targets.max()) + 1
    if num_sports < _FEWEST_SPORTS:
        return _SLOPE / max(float(own.std()), _SMALLEST) / 4
    strangers = np.concatenate([_strangers(features, targets, fold) for fold in range(_FOLDS)])
    scores = np.concatenate([own, strangers])
    is_known = np.concatenate([np.ones(len(own)), np.zeros(len(strangers))])
    share = np.where(is_known > 0, 0.5 / len(own), 0.5 / len(strangers))
    spread = max(float(scores.std()), _SMALLEST)
    x = (scores - scores.mean()) / spread

    def error(at: Floats) -> float:
        z = at[0] * x + at[1]
        return float((share * (np.logaddexp(0, z) - is_known * z)).sum()) + 1e-3 * float(at[0] ** 2)

    return max(float(minimize(error, np.array([1.0, 0.0])).x[0]), 0.1) / spread


def _strangers(features: Floats, targets: Ints, fold: int) -> Floats:
    """Scores of the sports of a fold by a head that knows the others."""
    away = targets % _FOLDS == fold
    _, known = np.unique(targets[~away], return_inverse=True)
    landmarks, weights, _ = _ridge(features[~away], known.astype(np.int64))
    return (_likeness(features[away], landmarks) @ weights).max(1)
