"""Which weights learn, how fast, and when."""

from __future__ import annotations

import math

from torch import nn

from classify.train.config import TrainConfig

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_NEW = ("fc.", "temporal.", "norm.")
"""Layers that no published weights have."""


def is_new(name: str) -> bool:
    """Whether the parameter called ``name`` is of a layer that learns from nothing."""
    return name.startswith(_NEW)


def choose_layers(model: nn.Module, config: TrainConfig, epoch: int) -> None:
    """Let those layers learn whose turn it is: new ones first, then all but the frozen."""
    for name, parameter in model.named_parameters():
        frozen = bool(config.freeze) and name.startswith(config.freeze)
        parameter.requires_grad_(not frozen and (epoch >= config.head_epochs or is_new(name)))


def parameter_groups(model: nn.Module, config: TrainConfig) -> list[dict[str, object]]:
    """New layers learn fast, pre-trained ones slowly; biases and norms are not pulled to zero.

    Frozen ones are left out. A group's key "highest" is its learning rate at its highest.
    """
    groups: list[dict[str, object]] = []
    for new in (True, False):
        for vector in (True, False):
            chosen = [
                parameter
                for name, parameter in model.named_parameters()
                if not (config.freeze and name.startswith(config.freeze))
                and is_new(name) == new
                and (parameter.ndim < 2) == vector
            ]
            decay = {"weight_decay": 0.0} if vector else {}
            groups.append({"params": chosen, "highest": config.lr if new else config.start_lr, **decay})
    return [group for group in groups if group["params"]]


def learning_rate(done: float, warmup: float) -> float:
    """Part of the highest learning rate after ``done`` of all steps: a line up, then a half cosine down."""
    if done < warmup:
        return (done + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def train_mode(model: nn.Module) -> None:
    """Training mode, except for batch norms whose weights are frozen: their statistics stay, too."""
    model.train()
    for module in model.modules():
        if isinstance(module, _BATCH_NORMS) and not any(p.requires_grad for p in module.parameters()):
            module.eval()
