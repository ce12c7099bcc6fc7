"""The last layer alone: a regularised linear classifier on what a network makes of clips."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import nn
from torch.nn import functional

_MAX_STEPS = 60


def embed(model: nn.Module, batches: Iterable[torch.Tensor]) -> torch.Tensor:
    """What goes into the last layer, ``fc``, of any of the networks: batches (N, 3, T, H, W) -> float32 (sum N, C)."""
    caught: list[torch.Tensor] = []
    handle = cast(nn.Module, model.fc).register_forward_pre_hook(
        lambda _, inputs: caught.append(inputs[0].float().cpu())
    )
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            model(batch)
    handle.remove()
    return torch.cat(caught).clone()


def fit_head(
    fc: nn.Linear,
    features: torch.Tensor,
    targets: torch.Tensor,
    decay: float = 1e-4,
    weights: torch.Tensor | None = None,
) -> None:
    """Set ``fc`` to the multinomial logistic regression of ``targets`` (N,) on ``features`` (N, C), in place.

    Labels count equally, however many clips each has. All features are scaled by one number, so that ``decay`` means
    the same for every network; what each of them counts for is the network's business.
    Fine-tuning from here distorts a pre-trained network less than from a random last layer (Kumar et al., Fine-Tuning
    can Distort Pretrained Features and Underperform Out-of-Distribution, ICLR 2022).
    decay: raising it trusts the clips less; labels without clips become unlikely, whatever it is.
    weights: float32 (N,), positive, how much each clip counts among those of its label; None: all as much.
    """
    mean, gain = features.mean(0), 1 / (features.std(0).norm() + 1e-3)
    x = (features - mean) * gain
    weight = torch.ones(len(targets)) if weights is None else weights
    of_label = torch.zeros(fc.out_features).index_add_(0, targets, weight)
    weight = weight / of_label[targets] / (of_label > 0).sum()
    linear = nn.Linear(fc.in_features, fc.out_features)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    optimizer = torch.optim.LBFGS(linear.parameters(), max_iter=_MAX_STEPS, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        error = (functional.cross_entropy(linear(x), targets, reduction="none") * weight).sum()
        total = error + decay * linear.weight.square().sum()
        total.backward()
        return float(total.detach())

    optimizer.step(loss)
    with torch.no_grad():
        fc.weight.copy_(linear.weight * gain)
        fc.bias.copy_(linear.bias - (linear.weight * gain) @ mean)
