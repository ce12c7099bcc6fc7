"""K nearest neighbours as a network's last layer: the examples themselves are its weights.

Cover and Hart, Nearest Neighbor Pattern Classification, 1967; votes are weighted by likeness, as in Wu et al.,
Unsupervised Feature Learning via Non-Parametric Instance Discrimination, CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import nn
from torch.nn import functional

_SOFTNESS = 0.1
"""By how much less like (cosine) an example is whose vote counts 1/e as much. Higher: all neighbours count the same."""
_FLOOR = 1e-2
"""Added to each label's share of the votes: a few neighbours cannot say that something is impossible."""
_EXAMPLES = "fc.examples"
"""The tensor by which a checkpoint says that its last layer is this one."""


class Neighbours(nn.Module):
    """Compares features with examples, of which the ``k`` most alike vote."""

    def __init__(self, num_examples: int, in_features: int, num_labels: int, k: int) -> None:
        """Make room for the examples.

        k: raising it makes single odd examples matter less, and labels with few examples lose.
        """
        super().__init__()
        self.in_features = in_features
        self.mean = nn.Buffer(torch.zeros(in_features))
        self.examples = nn.Buffer(torch.zeros(num_examples, in_features))
        self.votes = nn.Buffer(torch.zeros(num_examples, num_labels))
        self.ranks = nn.Buffer(torch.ones(k))

    mean: nn.Buffer
    """(C,), of the examples' features; likeness is the cosine of what is left without it."""
    examples: nn.Buffer
    """(M, C), without the mean, of length 1."""
    votes: nn.Buffer
    """(M, num_labels): what each example votes for."""
    ranks: nn.Buffer
    """(k,): how much the nearest, the second nearest ... count besides; its length tells ``k``."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """float (N, C) -> logits (N, num_labels)."""
        unit = functional.normalize(features - self.mean)
        return log_shares(unit @ self.examples.T, self.votes, self.ranks)


def log_shares(likeness: torch.Tensor, votes: torch.Tensor, ranks: torch.Tensor) -> torch.Tensor:
    """Likeness (N, M) to M examples and their ``votes`` (M, L) -> log of each label's share of the votes (N, L).

    ranks: (k,), see ``Neighbours``; k is at most M.
    """
    near = likeness.topk(len(ranks), dim=1)
    weight = torch.softmax(near.values / _SOFTNESS, 1) * ranks
    total = (weight[:, :, None] * votes[near.indices]).sum(1)
    return (total / total.sum(1, keepdim=True) + _FLOOR).log()


def with_head(model: nn.Module, tensors: Mapping[str, torch.Tensor], num_labels: int) -> nn.Module:
    """``model`` with the last layer that the tensors of its checkpoint ask for: its own, or ``Neighbours``."""
    examples = tensors.get(_EXAMPLES)
    if examples is not None and examples.ndim == 2:
        k = len(tensors.get("fc.ranks", torch.ones(1)))
        model.fc = Neighbours(len(examples), cast(nn.Linear, model.fc).in_features, num_labels, k)
    return model
