"""A network of two layers, for tests of what becomes of any network: to convert a large one takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import nn

from classify.networks.pooled import PooledBackbone
from classify.networks.registry import MODELS


class _Small(nn.Module):
    """Sees pictures averaged over time, in squares of four pixels."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.squares = nn.Conv2d(3, 16, 4, stride=4)
        self.fc = nn.Linear(16, num_classes)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        return self.squares(x.mean(2)).relu().mean((2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.embed(x))


def has_seen(network: nn.Module, x: torch.Tensor) -> nn.Module:
    """``network``, whose batch norms have seen ``x``; before, hardly anything of a clip gets through many layers."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm3d)]
    for norm in norms:
        norm.momentum = 1.0
    if norms:
        with torch.no_grad():
            network.train()(x)
    return network.eval()


def short_mc3(num_classes: int) -> nn.Module:
    """MC3 with a block in each layer and no fourth layer, in which nine of ten parameters are."""
    from torchvision.models.video.resnet import BasicBlock, BasicStem, Conv3DNoTemporal, Conv3DSimple, VideoResNet

    network = VideoResNet(BasicBlock, [Conv3DSimple, *[Conv3DNoTemporal] * 3], [1] * 4, BasicStem, num_classes)
    network.layer4, network.fc = nn.Identity(), nn.Linear(256, num_classes)
    return network


def short_pooled(num_classes: int) -> nn.Module:
    """The network "pooled" with its first layers alone, which are what its others are."""
    network = PooledBackbone(num_classes)
    network.spatial = network.spatial[:3]
    network.fc = nn.Linear(3 * 64 * 6, num_classes)
    return network


@contextmanager
def small_network() -> Iterator[None]:
    """In here the network called "pooled" has two layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "pooled", replace(MODELS["pooled"], factory=_Small))
        yield
