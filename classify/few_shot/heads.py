"""Last layers learnt from a handful of examples, and what each says of examples that it has not seen.

Two kinds: a linear one by ridge regression onto the labels, whose answers to left-out examples follow in closed form
from one decomposition (Rifkin and Lippert, Notes on Regularized Least Squares, 2007), and k nearest neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from classify.evaluate.calibration import fit_temperature, with_temperature
from classify.networks.neighbours import Neighbours, log_shares
from ground.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LINEAR, NEIGHBOURS, AUTO = "linear", "neighbours", "auto"

_DECAYS = np.logspace(-4, 1, 11)
"""Regularisations that are tried, relative to rows of length 1. Outside, answers do not change any more."""
_KS = (1, 3, 5, 9)
"""Numbers of neighbours that are tried."""
_CLEARLY = 2.0
"""Standard errors by which neighbours must be better to be chosen. On real clips, linear was better from 10 examples
of each label on; lower, chance decides."""
_SMALLEST = 1e-6
"""Added to the features' deviation, which is 0 where all examples look the same."""
_HIDDEN = -10.0
"""Likeness, under any cosine, of examples that may not vote."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What a network makes of examples; an example may have several rows (mirrored, or parts of a longer clip)."""

    features: Floats
    """(N, C)"""
    example: Ints
    """(N,), number of the example that each row is of; rows of one example count as much as it alone."""
    targets: Ints
    """(M,), position of each example's label."""
    groups: Ints
    """(M,), examples of one group were made from the same footage: they are left out together."""
    num_labels: int

    def weights(self) -> Floats:
        """(M,), of mean 1: labels count equally, however many examples each has."""
        weights = 1 / np.bincount(self.targets)[self.targets]
        return weights / weights.mean()

    def row_weights(self) -> Floats:
        """(N,), of mean 1: labels count equally, and so do the examples of a label."""
        weights = (self.weights() / np.bincount(self.example))[self.example]
        return weights / weights.mean()


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A last layer, and how good it is."""

    kind: str
    """``LINEAR`` or ``NEIGHBOURS``."""
    layer: nn.Module
    """float (N, C) -> logits (N, num_labels)."""
    setting: float
    """The regularisation, or the number of neighbours, that left-out examples asked for."""
    probabilities: Floats
    """float64 (M, num_labels): what it says of each example without the example's group, at its temperature."""
    temperature: float
    """By which its logits are to be divided."""


def fit_heads(examples: Examples, kind: str = AUTO) -> list[Head]:
    """Heads of each kind asked for, each with the setting that left-out examples ask for; the chosen one comes first.

    kind: ``LINEAR``, ``NEIGHBOURS``, or ``AUTO`` for both; then it is linear unless neighbours are right more often
        about left-out examples, and clearly so: few examples tell little.
    Raises InputError for another kind.
    """
    if kind not in (AUTO, *HEADS):
        raise InputError(f"a head is {', '.join(HEADS)} or {AUTO}, not {kind!r}")
    heads = [fit(examples) for name, fit in HEADS.items() if kind in (name, AUTO)]
    if len(heads) == 2:
        known = [head.probabilities.argmax(1) == examples.targets for head in heads]
        gain = examples.weights() * (known[1].astype(float) - known[0])
        if gain.mean() > _CLEARLY * gain.std() / len(gain) ** 0.5:
            heads.reverse()
    return heads


def fit_linear(examples: Examples) -> Head:
    """Ridge regression onto the labels, which are weighted equally.

    The regularisation is the one with the least squared error on left-out groups.
    """
    return _head(LINEAR, *fit_linear_layer(examples), examples)


def fit_linear_layer(examples: Examples) -> tuple[nn.Linear, float, Floats]:
    """The layer of ``fit_linear``, its regularisation, and what it says of each row (N, L) without the row's group."""
    x, mean, gain = _centre(examples)
    weights = examples.row_weights()[:, None]
    root = np.sqrt(weights)
    wanted = np.eye(examples.num_labels)[examples.targets[examples.example]] - 1 / examples.num_labels
    rows = root * np.column_stack([x, np.ones(len(x))])
    energy, u = np.linalg.eigh(rows @ rows.T)
    groups = examples.groups[examples.example]
    decays = _DECAYS * len(x)
    left_out = _left_out(u, energy / (energy + decays[:, None]), root * wanted, groups) / root
    best = int(np.argmin([(weights * (predicted - wanted) ** 2).sum() for predicted in left_out]))
    solution = rows.T @ ((u / (energy + decays[best])) @ (u.T @ (root * wanted)))
    layer = nn.Linear(x.shape[1], examples.num_labels)
    weight = solution[:-1].T * gain
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(solution[-1] - weight @ mean))
    return layer, float(_DECAYS[best]), left_out[best]


def _left_out(u: Floats, shrinks: Floats, wanted: Floats, groups: Ints) -> Floats:
    """What regressions say of each row when the row's group is left out of them, (D, N, L).

    u, shrinks (D, N): one of them, on all rows, says ``u @ diag(shrink) @ u.T @ wanted``.
    """
    said = u @ (shrinks.T[:, :, None] * (u.T @ wanted)[:, None]).reshape(len(u), -1)  # at once: it is faster
    missed = wanted - said.reshape(len(u), len(shrinks), -1).swapaxes(0, 1)
    predicted = np.empty_like(missed)
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        hats = (u[rows] * shrinks[:, None]) @ u[rows].T
        predicted[:, rows] = wanted[rows] - np.linalg.solve(np.eye(len(rows)) - hats, missed[:, rows])
    return predicted


def fit_neighbours(examples: Examples) -> Head:
    """K nearest neighbours by cosine of centred features; k has the least loss on left-out groups."""
    x, mean, _ = _centre(examples)
    unit = torch.from_numpy(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12))
    groups = torch.from_numpy(examples.groups[examples.example])
    votes = np.eye(examples.num_labels)[examples.targets[examples.example]] * examples.row_weights()[:, None]
    own = {"mean": torch.from_numpy(mean), "examples": unit, "votes": torch.from_numpy(votes)}
    likeness = (unit @ unit.T).masked_fill(groups[:, None] == groups[None], _HIDDEN)
    others = int((groups[:, None] != groups[None]).sum(1).min())
    heads: list[Head] = []
    for k in (k for k in _KS if k <= others):
        layer = Neighbours(len(unit), x.shape[1], examples.num_labels, k)
        layer.load_state_dict({name: value.float() for name, value in own.items()}, strict=False)
        predicted = log_shares(likeness, own["votes"], layer.ranks).numpy()
        heads.append(_head(NEIGHBOURS, layer, k, predicted, examples))
    return min(heads, key=lambda head: _loss(head, examples))


HEADS: Mapping[str, Callable[[Examples], Head]] = {LINEAR: fit_linear, NEIGHBOURS: fit_neighbours}
"""Every kind, by name."""


def _centre(examples: Examples) -> tuple[Floats, Floats, float]:
    """Features (N, C), less a mean (C,), times one gain that makes rows of length 1 on average.

    One for all features, as in ``classify.train.last_layer.fit_head``: what each of them counts for is the network's
    business.
    """
    x = examples.features
    mean, gain = x.mean(0), 1 / (float(np.linalg.norm(x.std(0))) + _SMALLEST)
    return (x - mean) * gain, mean, gain


def _head(kind: str, layer: nn.Module, setting: float, predicted: Floats, examples: Examples) -> Head:
    """A head with its temperature and losses, from what it says (N, L) of left-out rows."""
    logits = np.stack([np.bincount(examples.example, column) for column in predicted.T], 1)
    logits /= np.bincount(examples.example)[:, None]
    plain = np.exp(logits - logits.max(1, keepdims=True))
    plain /= plain.sum(1, keepdims=True)
    # As if one more example of each label had been anything (Laplace): three right of three are no certainty.
    copies, anything = max(1, len(plain) // examples.num_labels), np.arange(len(plain)) % examples.num_labels
    truth = np.concatenate([np.tile(examples.targets, copies), anything])
    temperature = fit_temperature(np.tile(plain, (copies + 1, 1)), truth)
    return Head(kind, layer, setting, with_temperature(plain, temperature), temperature)


def _loss(head: Head, examples: Examples) -> float:
    """Minus the log of the right labels' probabilities, a mean over labels."""
    right = head.probabilities[np.arange(len(examples.targets)), examples.targets]
    return float(-(examples.weights() * np.log(np.maximum(right, 1e-12))).mean())
