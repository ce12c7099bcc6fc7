"""Clips in, logits or probabilities out, with PyTorch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from classify.networks.preprocess import to_tensor
from classify.networks.profile import Profile
from classify.run.backends import Frames, Logits, probabilities


def prepare(model: nn.Module, device: torch.device) -> nn.Module:
    """The network as it runs fastest on ``device``: channels last, and half precision on CUDA."""
    model = model.eval().to(device)
    return (model.half() if device.type == "cuda" else model).to(memory_format=_memory_format(model))


def _memory_format(model: nn.Module) -> torch.memory_format:
    volumes = any(isinstance(m, nn.Conv3d) for m in model.modules())
    return torch.channels_last_3d if volumes else torch.channels_last


def torch_logits(model: nn.Module, profile: Profile) -> Logits:
    """``model`` as it is, where it is."""
    first = next(model.parameters())

    def run(clips: Frames) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            return model(to_tensor(clips, profile, first.device).to(first.dtype)).float().cpu().numpy()

    return run


def predict(model: nn.Module, clips: Frames, profile: Profile, temperature: float = 1.0) -> npt.NDArray[np.float32]:
    """uint8 (N, T, H, W, 3) RGB -> probabilities float32 (N, num_classes), in one pass of the network.

    temperature: the logits are divided by it (see ``classify.evaluate.calibration``).
    """
    return probabilities(torch_logits(model, profile)(clips), temperature)
