"""torchvision's video networks, each so that its last layer is ``fc`` and that it takes clips of any size.

R(2+1)D, R3D and MC3: Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018.
S3D: Xie et al., Rethinking Spatiotemporal Feature Learning, ECCV 2018. MViT v2: Li et al., CVPR 2022. Swin: Liu et al.,
Video Swin Transformer, CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

_BODY = "body."
_PATCH = (2, 4, 4)
"""Frames and pixels from one patch of MViT to the next."""


class Headed(nn.Module):
    """A network without its own last layer, then dropout, then ``fc``."""

    def __init__(self, body: nn.Module, features: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(features, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> logits (N, num_classes)."""
        return self.fc(self.dropout(self.body(x)))


class HeadedMvit(Headed):
    """MViT, which is told the size of its grid of patches; its relative positions are stretched to any size."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> logits (N, num_classes)."""
        patches = [-(-size // stride) for size, stride in zip(x.shape[2:], _PATCH, strict=True)]
        grid = cast(Any, self.body).pos_encoding
        grid.temporal_size, grid.spatial_size = patches[0], (patches[1], patches[2])
        return super().forward(x)


def r2plus1d_18(num_classes: int) -> nn.Module:
    """R(2+1)D of 18 layers, 31 M parameters."""
    from torchvision.models import video

    return video.r2plus1d_18(num_classes=num_classes)


def r3d_18(num_classes: int) -> nn.Module:
    """3-D ResNet of 18 layers, 33 M parameters."""
    from torchvision.models import video

    return video.r3d_18(num_classes=num_classes)


def mc3_18(num_classes: int) -> nn.Module:
    """ResNet of 18 layers, 3-D in the first ones and 2-D after, 12 M parameters."""
    from torchvision.models import video

    return video.mc3_18(num_classes=num_classes)


def s3d(num_classes: int) -> nn.Module:
    """Inception with separable 3-D convolutions, 8 M parameters; pooled over whatever is left of the picture."""
    from torchvision.models import video

    body: Any = video.s3d()
    body.features[13].ceil_mode = True  # the same for 224x224, and of smaller ones no row, column or frame is dropped
    body.avgpool = nn.AdaptiveAvgPool3d(1)  # its own window is 7x7, and 176x128 pictures end as 6x4
    body.classifier = nn.Identity()
    return Headed(body, 1024, num_classes, 0.2)


def mvit_v2_s(num_classes: int) -> nn.Module:
    """Multiscale vision transformer, 34 M parameters."""
    from torchvision.models import video

    body: Any = video.mvit_v2_s()
    body.head = nn.Identity()
    return HeadedMvit(body, 768, num_classes, 0.5)


def swin3d_t(num_classes: int) -> nn.Module:
    """Transformer in shifted 3-D windows, 28 M parameters."""
    from torchvision.models import video

    body: Any = video.swin3d_t()
    body.head = nn.Identity()
    return Headed(body, 768, num_classes, 0.0)


_HEADS = ("classifier.1.", "head.1.", "head.")
"""Beginnings of the names of last layers, as torchvision publishes them; S3D's is a convolution of 1x1x1."""


def rename(published: Mapping[str, torch.Tensor], names: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors as torchvision publishes them, under our names.

    names: the network's own state, which tells whether it is a ``Headed`` one; others have torchvision's names.
    """
    if not any(name.startswith(_BODY) for name in names):
        return dict(published)
    ours: dict[str, torch.Tensor] = {}
    for name, value in published.items():
        head = next((h for h in _HEADS if name.startswith(h)), None)
        if head is None:
            ours[_BODY + name] = value
        else:
            part = name.removeprefix(head)
            ours[f"fc.{part}"] = value.flatten(1) if part == "weight" else value
    return ours
