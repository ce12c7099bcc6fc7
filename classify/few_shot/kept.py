"""A last layer that is there already, moved by a handful of examples: corrections are added to what is known.

Multinomial logistic regression whose weights are expected where they were (the maximum a posteriori under a Gaussian
around them), so that few examples move them a little. Examples of some labels say nothing of the others: only labels
that have examples are compared with each other, and the rows of all others stay as they are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from classify.few_shot.heads import Examples, Head

KEEP = "keep"
STIFFNESS = 0.2
"""Ten times less or more was no better on a game that was not corrected (benchmarks/results/teach.md)."""
_SMALLEST = 1e-6
"""Added to the features' deviation, which is 0 where all examples look the same."""
_FOLDS, _STEPS = 10, 60


def fit_kept(examples: Examples, layer: nn.Linear, temperature: float, stiffness: float = STIFFNESS) -> Head:
    """``layer`` as ``examples`` move it; their targets are its outputs, and its temperature becomes 1.

    layer: float (N, C) -> logits (N, num_labels). temperature: by which its logits are divided today.
    stiffness: what moving the weights costs, against the error summed over examples. Higher: corrections count less.
    """
    weight, bias = (part.detach().double() / temperature for part in (layer.weight, layer.bias))
    features = torch.from_numpy(examples.features)
    mean, gain = features.mean(0), 1 / (features.std(0).norm() + _SMALLEST)
    x = torch.cat([(features - mean) * gain, torch.ones(len(features), 1, dtype=torch.double)], 1)
    start, asked = features @ weight.T + bias, torch.from_numpy(np.bincount(examples.targets, minlength=len(bias)) > 0)
    folds = torch.from_numpy(examples.groups[examples.example] % _FOLDS)
    left_out = start.clone()
    for fold in folds.unique():
        rows = folds != fold
        if bool(rows.any()):
            left_out[~rows] += x[~rows] @ (x[rows].T @ _moves(x, start, examples, asked, rows, stiffness))
    moves = x.T @ _moves(x, start, examples, asked, torch.ones(len(x), dtype=torch.bool), stiffness)
    moved = nn.Linear(layer.in_features, layer.out_features)
    with torch.no_grad():
        moved.weight.copy_(weight + moves[:-1].T * gain)
        moved.bias.copy_(bias + moves[-1] - (moves[:-1].T * gain) @ mean)
    of_example = torch.zeros(len(examples.targets), len(bias), dtype=torch.double)
    of_example.index_add_(0, torch.from_numpy(examples.example), left_out)
    of_example /= torch.from_numpy(np.bincount(examples.example))[:, None]
    return Head(KEEP, moved, stiffness, of_example.softmax(1).numpy(), 1.0)


def _moves(
    x: torch.Tensor,
    start: torch.Tensor,
    examples: Examples,
    asked: torch.Tensor,
    rows: torch.Tensor,
    stiffness: float,
) -> torch.Tensor:
    """How far each of ``rows`` (N,) of ``x`` moves the layer, (rows, num_labels); columns that are not ``asked``: 0."""
    targets = torch.from_numpy(examples.targets[examples.example])[rows]
    weights = torch.from_numpy(examples.row_weights())[rows]
    weights = weights / weights.sum()
    cost = stiffness / len(np.unique(examples.example[rows.numpy()]))
    likeness, before = x[rows] @ x[rows].T, start[rows].masked_fill(~asked, -torch.inf)
    pulls = torch.zeros(len(targets), len(asked), dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([pulls], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        moved = likeness @ (pulls * asked)
        error = (functional.cross_entropy(before + moved, targets, reduction="none") * weights).sum()
        total = error + cost * (pulls * asked * moved).sum()
        total.backward()
        return total

    optimizer.step(loss)  # type: ignore[arg-type]
    return (pulls * asked).detach()
