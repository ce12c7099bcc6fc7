"""A small network that sees the areas of a basketball court in a picture.

YOLO11n's backbone, which starts from the player detector's weights, with a pyramid of features on it (Lin et al.,
"Feature pyramid networks for object detection", CVPR 2017) that ends at a quarter of the picture's size.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn
from torch.nn import functional

from ground.compute.yolo11n import yolo11n_backbone
from ground.disk.files import write_atomically
from ground.errors import InputError
from tracker.court.segmenter import AREAS

_STAGES = {2: 64, 4: 128, 6: 128, 8: 256}
"""Channels after the backbone's stages at 1/4, 1/8, 1/16 and 1/32 of the picture."""


class CourtNetwork(nn.Module):
    """Pictures, RGB 0..1, in; a map of logits for each of ``AREAS`` out."""

    def __init__(self, channels: int = 48) -> None:
        super().__init__()
        self.spatial = yolo11n_backbone()
        self.lateral = nn.ModuleList([nn.Conv2d(c, channels, 1) for c in _STAGES.values()])
        self.smooth = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in _STAGES])
        self.maps = nn.Conv2d(channels, len(AREAS), 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, H, W), sides divisible by 32 -> (N, 4, H / 4, W / 4)."""
        scales: list[torch.Tensor] = []
        for i, stage in enumerate(self.spatial):
            x = stage(x)
            if i in _STAGES:
                scales.append(self.lateral[len(scales)](x))
        seen = functional.silu(self.smooth[-1](scales.pop()))
        for scale, layer in zip(reversed(scales), reversed(self.smooth[:-1]), strict=True):
            above = functional.interpolate(seen, size=scale.shape[-2:], mode="bilinear", align_corners=False)
            seen = functional.silu(layer(scale + above))
        return self.maps(seen)


def save_network(network: CourtNetwork, path: Path) -> None:
    """Write the weights, in float16, as safetensors, whole or not at all."""
    tensors = {name: value.detach().half().contiguous() for name, value in network.state_dict().items()}
    with write_atomically(path) as part:
        part.write_bytes(save(tensors))


def load_network(path: Path) -> CourtNetwork:
    """The inverse of ``save_network``. Raises InputError where the file is missing, damaged or another network's."""
    network = CourtNetwork()
    try:
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{path}: holds no weights of the court's network") from error
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
