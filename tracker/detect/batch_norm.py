"""Make a detection checkpoint fit to be trained on: batch-norm statistics, and class outputs for our classes.

Both changes keep what the network knows; each function says why it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn


def restore_batch_norm(model: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """Give folded batch-norm layers the statistics of real pictures, without changing what the network computes.

    A checkpoint rebuilt from an export has its batch norm folded into the convolutions: mean 0, variance 1. It
    predicts well, but the first training step normalises by the true statistics of the batch and everything
    learnt is gone. So the true statistics are measured once and each layer is rewritten to an equal one:
    ``y * g + b`` becomes ``(y - mean) / sd * (g * sd) + (b + mean * g)``.

    batches: float (N, 3, H, W), RGB 0..1, as in training. Layers with true statistics stay as they are.
    """
    folded = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d) and _is_folded(m)]
    sums = {m: torch.zeros(3, m.num_features, dtype=torch.float64) for m in folded}

    def collect(layer: nn.Module, inputs: tuple[torch.Tensor, ...], _output: object) -> None:
        assert isinstance(layer, nn.BatchNorm2d)
        x = inputs[0].double()
        sums[layer] += torch.stack(
            [x.sum((0, 2, 3)), (x * x).sum((0, 2, 3)), torch.full((x.shape[1],), x[:, 0].numel())]
        )

    hooks = [m.register_forward_hook(collect) for m in folded]
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            model(batch)
    for hook in hooks:
        hook.remove()
    for m, (total, squares, count) in sums.items():
        _set_statistics(m, (total / count).float(), (squares / count - (total / count) ** 2).float())


def _is_folded(layer: nn.BatchNorm2d) -> bool:
    assert layer.running_mean is not None and layer.running_var is not None
    return bool((layer.running_mean == 0).all() and torch.allclose(layer.running_var, torch.ones(1), atol=0.01))


@torch.no_grad()
def _set_statistics(layer: nn.BatchNorm2d, mean: torch.Tensor, var: torch.Tensor) -> None:
    assert layer.running_mean is not None and layer.running_var is not None
    gain = layer.weight / (layer.running_var + layer.eps).sqrt()
    layer.bias.add_((mean - layer.running_mean) * gain)
    layer.weight.copy_(gain * (var + layer.eps).sqrt())
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(var)


@torch.no_grad()
def copy_class_outputs(model: nn.Module, classes: Sequence[str], sources: Sequence[str]) -> None:
    """Replace a YOLO detection model's class outputs by ``classes``, each begun as a copy of an old one, in place.

    ultralytics starts the classification head anew when the number of classes changes, and a few hundred
    pictures are too few to learn people from nothing. ``sources[i]`` names the old class that ``classes[i]``
    begins as; the second class to begin as the same old one begins rarer, so that the first wins until the
    pictures say otherwise. A model that has exactly ``classes`` stays as it is, so that training can go on.
    """
    detection: Any = model
    head = detection.model[-1]
    old_names = {str(name): int(i) for i, name in detection.names.items()}
    if tuple(old_names) == tuple(classes):
        return
    rows = [old_names[name] for name in sources]
    repeated = torch.tensor([float(name in sources[:i]) for i, name in enumerate(sources)])
    for branch in head.cv3:
        old = branch[-1]
        new = nn.Conv2d(old.in_channels, len(classes), 1)
        new.weight.copy_(old.weight[rows])
        cast(torch.Tensor, new.bias).copy_(old.bias[rows] - 2 * repeated)
        branch[-1] = new
    head.nc = detection.nc = len(classes)
    head.no = head.nc + head.reg_max * 4
    detection.yaml["nc"] = len(classes)
    detection.names = dict(enumerate(classes))


def to_batch(images: Sequence[npt.NDArray[np.uint8]]) -> torch.Tensor:
    """RGB pictures uint8 (H, W, 3) of one size -> float32 (N, 3, H, W), 0..1."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
