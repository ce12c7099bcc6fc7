"""The first layers of a YOLO11 detector, put to other uses: handed to another network, or describing players.

A detector has learnt what people, limbs and balls look like from a hundred thousand pictures. An action classifier
whose spatial half has the same shape can start from that; what it needs is a file of tensors, without any code in it.
And what the layers see in a player tells him from others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from ground.errors import InputError
from ground.frames import Image
from tracker.boxes import Float64Array
from tracker.detect.yolo import first_line, open_checkpoint
from tracker.looks.describers import crops
from tracker.types import FloatArray

NUM_LAYERS = 9
"""Layers that make pictures into features: convolutions and CSP blocks, up to 1/32 of the picture's size."""
_DESCRIBING = 3
"""Layers that describe players, up to 1/4 of the crop's size. More cost more, and here told players apart no better."""
_CROP = (64, 128)
"""Width, height of a crop. Twice that takes twice the time and told no more."""
_NUM_STRIPS = 4


def export_backbone(checkpoint: Path, output: Path, prefix: str = "spatial.") -> None:
    """Write the backbone convolutions of an ultralytics YOLO11 ``checkpoint`` as safetensors to ``output``.

    Each batch norm is folded into its convolution, so every layer is one weight (O, I, kH, kW) and one bias (O,),
    float32, named ``<prefix><layer>.<path>.conv.weight``. Input of the first one: RGB, 0..1.
    Raises InputError when the file is no YOLO checkpoint.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, module in _first_layers(checkpoint, NUM_LAYERS).named_modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "bn", None)
        if isinstance(conv, nn.Conv2d):
            weight, bias = _fold(conv, norm)
            tensors |= {f"{prefix}{name}.conv.weight": weight, f"{prefix}{name}.conv.bias": bias}
    try:
        output.write_bytes(save(tensors, {"source": checkpoint.name}))
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror or error}); free some space") from error


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of one convolution that does what ``conv`` and then ``norm`` do."""
    if not isinstance(norm, nn.BatchNorm2d):
        bias = conv.bias if conv.bias is not None else torch.zeros(conv.out_channels)
        return conv.weight.detach().clone(), bias.detach().clone()
    assert norm.running_mean is not None and norm.running_var is not None
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (conv.weight * gain[:, None, None, None]).contiguous(), norm.bias - norm.running_mean * gain


class BackboneDescriber:
    """Features of the detector's own first layers: edges and textures, by where they are on a player.

    Layers of a convolutional network that has seen a hundred thousand pictures describe them well for other tasks
    (Donahue et al., "DeCAF", ICML 2014), and this one is always there. Mean and deviation of each feature in four
    strips from head to feet. Crops cost less than the whole picture as long as they are few.
    """

    def __init__(self, checkpoint: Path, device: str = "cpu") -> None:
        """Take the layers of an ultralytics ``checkpoint`` (.pt). Raises InputError when it is no YOLO checkpoint."""
        self._device = device
        self._layers = _first_layers(checkpoint, _DESCRIBING).eval().to(device)

    @torch.inference_mode()
    def describe(self, image: Image, xyxy: Float64Array) -> FloatArray:
        """Vectors of length 1, float32 (K, D), of the boxes ``xyxy`` (K, 4) in ``image`` (uint8, H, W, 3, RGB)."""
        pixels = torch.from_numpy(crops(image, xyxy, *_CROP)).to(self._device).permute(0, 3, 1, 2).float() / 255
        strips = self._layers(pixels).unflatten(2, (_NUM_STRIPS, -1))
        variance, mean = torch.var_mean(strips, dim=(3, 4), correction=0)
        vectors = torch.cat([mean, variance.sqrt()], dim=1).flatten(1)
        return nn.functional.normalize(vectors).cpu().numpy()


def _first_layers(checkpoint: Path, count: int) -> nn.Sequential:
    """The first layers of an ultralytics checkpoint, in float32. Raises InputError when it is no YOLO checkpoint."""
    model: Any = open_checkpoint(checkpoint).model
    try:
        return nn.Sequential(*list(model.float().model[:count]))
    except (AttributeError, TypeError) as error:
        raise InputError(f"{checkpoint}: not a YOLO checkpoint ({first_line(error)})") from error
