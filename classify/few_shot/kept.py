"""A last layer that is there already, moved by a handful of examples: corrections are added to what is known.

Multinomial logistic regression whose weights are expected where they were (the maximum a posteriori under a Gaussian
around them), so that few examples move them a little. Examples of some labels say nothing of the others: only labels
that have examples are compared with each other, and the rows of all others stay as they are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from torch import nn

from classify.few_shot.heads import Examples, Floats, Head

Bools = npt.NDArray[np.bool_]

KEEP = "keep"
STIFFNESS = 0.2
"""Ten times less or more was worse on the other half of a corrected game, and the same on another game
(benchmarks/results/teach.md)."""
_SMALLEST = 1e-6
"""Added to the features' deviation, which is 0 where all examples look the same."""
_FOLDS, _STEPS = 10, 200


def fit_kept(examples: Examples, layer: nn.Linear, temperature: float, stiffness: float = STIFFNESS) -> Head:
    """``layer`` as ``examples`` move it; their targets are its outputs, and its temperature becomes 1.

    layer: float (N, C) -> logits (N, num_labels). temperature: by which its logits are divided today.
    stiffness: what moving the weights costs, against the error summed over examples. Higher: corrections count less.
    """
    weight, bias = (part.detach().double().numpy() / temperature for part in (layer.weight, layer.bias))
    features = examples.features
    mean, gain = features.mean(0), 1 / (float(np.linalg.norm(features.std(0))) + _SMALLEST)
    x = np.column_stack([(features - mean) * gain, np.ones(len(features))])
    likeness, start = x @ x.T, features @ weight.T + bias
    left_out, folds = start.copy(), examples.groups[examples.example] % _FOLDS
    for fold in np.unique(folds):
        rows = folds != fold
        if rows.any():
            left_out[~rows] += likeness[~rows][:, rows] @ _pulls(likeness, start, examples, rows, stiffness)
    moves = x.T @ _pulls(likeness, start, examples, np.ones(len(x), np.bool_), stiffness)
    moved, turned = nn.Linear(layer.in_features, layer.out_features), moves[:-1].T * gain
    with torch.no_grad():
        moved.weight.copy_(torch.from_numpy(weight + turned))
        moved.bias.copy_(torch.from_numpy(bias + moves[-1] - turned @ mean))
    logits = np.stack([np.bincount(examples.example, column) for column in left_out.T], 1)
    logits /= np.bincount(examples.example)[:, None]
    return Head(KEEP, moved, stiffness, softmax(logits, axis=1), 1.0)


def _pulls(likeness: Floats, start: Floats, examples: Examples, rows: Bools, stiffness: float) -> Floats:
    """How far each of ``rows`` (N,) moves the layer towards itself, (rows, num_labels); 0 for labels without examples.

    likeness: (N, N), inner products of features. start: (N, num_labels), logits before.
    """
    asked = np.bincount(examples.targets, minlength=start.shape[1]) > 0
    near, before = likeness[rows][:, rows], start[rows][:, asked]
    weights = examples.row_weights()[rows]
    weights = (weights / weights.sum())[:, None]
    cost = stiffness / len(np.unique(examples.example[rows]))
    wanted = np.eye(len(asked))[examples.targets[examples.example[rows]]][:, asked]

    def error(flat: Floats) -> tuple[float, Floats]:
        pulls = flat.reshape(before.shape)
        moved = near @ pulls
        logits = before + moved
        total = -float((weights * wanted * log_softmax(logits, axis=1)).sum()) + cost * float((pulls * moved).sum())
        slope = near @ (weights * (softmax(logits, axis=1) - wanted) + 2 * cost * pulls)
        return total, slope.ravel()

    found = minimize(error, np.zeros(before.size), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    pulls = np.zeros((len(near), len(asked)))
    pulls[:, asked] = found.x.reshape(before.shape)
    return pulls
