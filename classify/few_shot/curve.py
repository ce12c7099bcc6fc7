"""A learning curve: how good a last layer becomes with more examples, and what ten more of each label would bring.

Layers are fitted on some of the examples and judged on others, of other footage, many times over. What lies beyond the
examples that are there is an extrapolation by an inverse power law, which learning curves follow as a rule and not
always (Hestness et al., Deep Learning Scaling Is Predictable, Empirically, 2017; Viering and Loog, The Shape of
Learning Curves, 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classify.evaluate.metrics import score
from classify.few_shot.heads import Examples, Floats, Ints, fit_linear_layer

MORE = 10
"""Examples of each label of which it is said what they would bring."""
_REPEATS = 20
"""Draws of examples. More: intervals repeat better, and time grows with it."""
_HELD_OUT = 1 / 3
"""Share of the footage that each draw is judged on."""
_FEWEST = 2
"""Examples of each label that a layer is fitted on at least."""
_GROWTH = 1.5
"""From size to size."""
_POWERS = np.linspace(0.3, 1.5, 7)
"""Exponents that are tried: how fast errors fall."""


@dataclass(frozen=True, slots=True)
class Point:
    """Macro-F1 with so many examples of each label."""

    size: int
    macro_f1: float
    """A mean over draws."""
    low: float
    high: float
    """In nine of ten draws it is between them."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What was measured, and what lies beyond it."""

    points: tuple[Point, ...]
    """Ascending in size."""
    beyond: Point | None = None
    """An extrapolation, by an inverse power law, to ``MORE`` examples of each label more; its interval holds what nine
    of ten resampled curves say. None: there is too little to go by."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def learning_curve(examples: Examples, labels: Sequence[str], seed: int = 0) -> Curve:
    """The curve of linear layers on ``examples``, whose labels are ``labels`` in the order of their numbers.

    Examples of one group are never on both sides. Where there are too few to hold some out, there are no points.
    """
    rng = np.random.default_rng(seed)
    draws: dict[int, list[float]] = {}
    for _ in range(_REPEATS):
        taught, judged = _halves(examples, rng)
        if taught is None or judged is None:
            continue
        for size in _sizes(int(np.bincount(examples.targets[taught], minlength=examples.num_labels).min())):
            chosen = _some(examples.targets, taught, size, rng)
            draws.setdefault(size, []).append(_macro_f1(examples, chosen, judged, labels))
    # A size that few draws reach is of those that happened to hold much.
    kept = {size: np.array(found) for size, found in sorted(draws.items()) if len(found) * 2 >= _REPEATS}
    points = tuple(_point(size, found) for size, found in kept.items())
    if len(points) < 3:
        return Curve(points)
    goal = int(np.bincount(examples.targets).min()) + MORE
    return Curve(points, _extrapolated(kept, goal, rng))


def _sizes(most: int) -> list[int]:
    sizes, size = list[int](), float(_FEWEST)
    while round(size) < most:
        sizes.append(round(size))
        size = max(size * _GROWTH, size + 1)
    return [*sizes, most] if most >= _FEWEST else []


def _halves(examples: Examples, rng: np.random.Generator) -> tuple[Ints | None, Ints | None]:
    """Numbers of examples to learn from and to be judged on; groups are whole, and each label is on both sides."""
    groups = rng.permutation(np.unique(examples.groups))
    held_out = np.isin(examples.groups, groups[: max(round(len(groups) * _HELD_OUT), 1)])
    taught, judged = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    counts = [np.bincount(examples.targets[half], minlength=examples.num_labels) for half in (taught, judged)]
    if counts[0].min() < _FEWEST or counts[1].min() < 1:
        return None, None
    return taught, judged


def _some(targets: Ints, among: Ints, size: int, rng: np.random.Generator) -> Ints:
    """``size`` examples of each label."""
    parts = [rng.permutation(among[targets[among] == label])[:size] for label in np.unique(targets)]
    return np.sort(np.concatenate(parts))


def _macro_f1(examples: Examples, taught: Ints, judged: Ints, labels: Sequence[str]) -> float:
    """Of a layer that learnt from ``taught`` on ``judged``."""
    layer, _, _ = fit_linear_layer(_part(examples, taught))
    rows = np.flatnonzero(np.isin(examples.example, judged))
    weight, bias = (parameter.detach().double().numpy() for parameter in (layer.weight, layer.bias))
    logits = examples.features[rows] @ weight.T + bias
    of = np.searchsorted(judged, examples.example[rows])
    sums = np.zeros((len(judged), examples.num_labels))
    np.add.at(sums, of, logits)
    sums /= np.bincount(of)[:, None]
    return score(examples.targets[judged], sums.argmax(1), labels).macro_f1


def _part(examples: Examples, chosen: Ints) -> Examples:
    """Some of the examples, ascending."""
    rows = np.flatnonzero(np.isin(examples.example, chosen))
    groups = np.unique(examples.groups[chosen], return_inverse=True)[1]
    return Examples(
        examples.features[rows],
        np.searchsorted(chosen, examples.example[rows]),
        examples.targets[chosen],
        groups if len(np.unique(groups)) > 1 else np.arange(len(chosen)),
        examples.num_labels,
    )


def _point(size: int, found: Floats) -> Point:
    mean, (low, high) = float(found.mean()), np.quantile(found, [0.05, 0.95])
    return Point(size, mean, min(float(low), mean), max(float(high), mean))


def _extrapolated(draws: dict[int, npt.NDArray[np.float64]], goal: int, rng: np.random.Generator) -> Point:
    sizes = np.array(list(draws), np.float64)
    said: list[float] = []
    for _ in range(200):
        means = np.array([rng.choice(found, len(found)).mean() for found in draws.values()])
        said.append(_at(sizes, means, goal))
    plain = _at(sizes, np.array([found.mean() for found in draws.values()]), goal)
    low, high = np.quantile(said, [0.05, 0.95])
    return Point(goal, plain, float(min(low, plain)), float(max(high, plain)))


def _at(sizes: Floats, means: Floats, goal: int) -> float:
    """``limit - loss * size ** -power``, fitted by least squares, at ``goal``; it neither falls nor passes 1."""
    best, value = np.inf, float(means[-1])
    for power in _POWERS:
        x = sizes**-power
        loss = max(-float(np.polyfit(x, means, 1)[0]), 0.0)
        limit = min(float((means + loss * x).mean()), 1.0)
        error = float(((limit - loss * x - means) ** 2).sum())
        if error < best:
            best, value = error, limit - loss * goal**-power
    return float(np.clip(value, 0.0, 1.0))
