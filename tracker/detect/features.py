"""The first layers of a YOLO11 detector, handed to another network.

A detector has learnt what people, limbs and balls look like from a hundred thousand pictures. An action classifier
whose spatial half has the same shape can start from that; what it needs is a file of tensors, without any code in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from ground.errors import InputError, unwritable
from tracker.detect.yolo import first_line, open_checkpoint

NUM_LAYERS = 9
"""Layers that make pictures into features: convolutions and CSP blocks, up to 1/32 of the picture's size."""


def export_backbone(checkpoint: Path, output: Path, prefix: str = "spatial.") -> None:
    """Write the backbone convolutions of an ultralytics YOLO11 ``checkpoint`` as safetensors to ``output``.

    Each batch norm is folded into its convolution, so every layer is one weight (O, I, kH, kW) and one bias (O,),
    float32, named ``<prefix><layer>.<path>.conv.weight``. Input of the first one: RGB, 0..1.
    Raises InputError when the file is no YOLO checkpoint.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, module in _first_layers(checkpoint).named_modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "bn", None)
        if isinstance(conv, nn.Conv2d):
            weight, bias = _fold(conv, norm)
            tensors |= {f"{prefix}{name}.conv.weight": weight, f"{prefix}{name}.conv.bias": bias}
    try:
        output.write_bytes(save(tensors, {"source": checkpoint.name}))
    except OSError as error:
        raise unwritable(output, error) from error


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of one convolution that does what ``conv`` and then ``norm`` do."""
    if not isinstance(norm, nn.BatchNorm2d):
        bias = conv.bias if conv.bias is not None else torch.zeros(conv.out_channels)
        return conv.weight.detach().clone(), bias.detach().clone()
    assert norm.running_mean is not None and norm.running_var is not None
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (conv.weight * gain[:, None, None, None]).contiguous(), norm.bias - norm.running_mean * gain


def _first_layers(checkpoint: Path) -> nn.Sequential:
    """The first layers of an ultralytics checkpoint, in float32. Raises InputError when it is no YOLO checkpoint."""
    model: Any = open_checkpoint(checkpoint).model
    try:
        return nn.Sequential(*list(model.float().model[:NUM_LAYERS]))
    except (AttributeError, TypeError) as error:
        raise InputError(f"{checkpoint}: not a YOLO checkpoint ({first_line(error)})") from error
