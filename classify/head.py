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


def fit_head(fc: nn.Linear, features: torch.Tensor, targets: torch.Tensor, decay: float = 1e-4) -> None:
    """Set ``fc`` to the multinomial logistic regression of ``targets`` (N,) on ``features`` (N, C), in place.

    Labels count equally, however many clips each has; features are standardised, which is folded into the weights.
    Fine-tuning from here distorts a pre-trained network less than from a random last layer (Kumar et al., Fine-Tuning
    can Distort Pretrained Features and Underperform Out-of-Distribution, ICLR 2022).
    decay: raising it trusts the clips less; labels without clips become unlikely, whatever it is.
    """
    mean, gain = features.mean(0), 1 / ((features.std(0) + 1e-3) * features.shape[1] ** 0.5)
    x = (features - mean) * gain
    counts = torch.bincount(targets, minlength=fc.out_features)
    weight = (1 / counts.clamp(min=1).float())[targets] / (counts > 0).sum()
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
