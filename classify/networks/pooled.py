"""The detector's own first layers as an embedding of clips: nothing is trained, and it is always there.

What the layers see is pooled on a coarse grid, since where in the box something is tells actions apart (on 283
real clips macro-F1 0.41 from ten examples of each label, and 0.34 where all places are pooled into one), then told over
time by mean, spread and change.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from classify.networks.blocks import over_time, pictures
from ground.compute.yolo11n import yolo11n_backbone
from ground.errors import InputError

_STAGES = 7
"""Layers of YOLO11n's backbone, up to 1/16 of the picture's size. More cost more, and told actions apart no better."""
_CHANNELS = 128
"""Of the last of these layers."""
_GRID = (3, 2)
"""Rows and columns of places. A finer grid needs more examples."""


class PooledBackbone(nn.Module):
    """The first layers of YOLO11n in each picture, their maximum in each place, and how it goes over time."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.spatial = yolo11n_backbone()[:_STAGES]
        self.fc = nn.Linear(3 * _CHANNELS * _GRID[0] * _GRID[1], num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (N, 3, T, H, W) -> logits (N, num_classes)."""
        clips, frames = x.shape[0], x.shape[2]
        x = pictures(x)
        for stage in self.spatial:
            x = stage(x)
        places = functional.adaptive_max_pool2d(x, _GRID).flatten(1).unflatten(0, (clips, frames))
        return self.fc(over_time(places))


def pooled_backbone(path: Path) -> nn.Module:
    """The network with the layers in ``path``, as ``tracker.detect.features.export_backbone`` writes them; ``fc`` is
    new.

    Raises InputError when the file does not hold them: another detector than a YOLO11n.
    """
    model = PooledBackbone(2)
    own = model.spatial.state_dict(prefix="spatial.")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a safetensors file, or damaged ({error})") from error
    unfit = [name for name, value in own.items() if name not in tensors or tensors[name].shape != value.shape]
    if unfit:
        raise InputError(f"{path}: holds other layers than a YOLO11n's ({', '.join(unfit[:3])}); it must be a YOLO11n")
    model.load_state_dict({name: tensors[name] for name in own}, strict=False)
    return model.eval()
