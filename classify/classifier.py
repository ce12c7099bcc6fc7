"""Clips of all players in, action probabilities out: a checkpoint at work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from classify.checkpoint import CheckpointInfo
from classify.errors import ClipError
from classify.kinetics import load_classifier
from classify.preprocess import Profile, to_tensor
from classify.types import ActionScores, Clip

_BATCH = {"cpu": 8, "cuda": 64}
"""Clips that go through the network at a time: more are no faster there, and take memory."""


class ActionClassifier:
    """Labels clips with the network in a checkpoint; implements ``classify.types.Classifier``."""

    def __init__(self, checkpoint: Path, device: str = "auto", batch: int | None = None) -> None:
        """Load ``checkpoint`` onto ``device``: "cpu", "cuda", "cuda:1" ... or "auto", which takes CUDA if it is there.

        checkpoint: one of ours, or a file of Kinetics-400 weights under the name that torchvision gave it.
        batch: clips that go through the network at a time; raising it costs memory and brings speed on a GPU.
        Raises ClipError for a bad checkpoint, or for CUDA where there is none.
        """
        self.device = pick_device(device)
        model, self.info = load_classifier(checkpoint)
        self._model = prepare(model, self.device)
        self.batch = batch or _BATCH.get(self.device.type, 8)

    info: CheckpointInfo
    """What the checkpoint says about itself."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Action names in the order of the probabilities."""
        return self.info.labels

    def classify(self, clips: Sequence[Clip]) -> list[ActionScores]:
        """Scores of each clip, in the order of ``clips``; clips of different players share batches."""
        rows = [
            row
            for i in range(0, len(clips), self.batch)
            for row in self.probabilities(np.stack([c.frames for c in clips[i : i + self.batch]]))
        ]
        return [ActionScores(c.track_id, c.start, c.end, p) for c, p in zip(clips, rows, strict=True)]

    def probabilities(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 (N, T, H, W, 3) RGB, of any size -> float32 (N, num_actions), as sure as the checkpoint says to be."""
        return predict(self._model, frames, self.info.profile, self.info.temperature)


def predict(
    model: nn.Module, clips: npt.NDArray[np.uint8], profile: Profile, temperature: float = 1.0
) -> npt.NDArray[np.float32]:
    """uint8 (N, T, H, W, 3) RGB -> probabilities float32 (N, num_classes), in one pass of the network.

    temperature: the logits are divided by it (see ``classify.calibration``).
    """
    first = next(model.parameters())
    with torch.inference_mode():
        logits = model(to_tensor(clips, profile, first.device).to(first.dtype))
        return torch.softmax(logits.float() / temperature, 1).cpu().numpy()


def prepare(model: nn.Module, device: torch.device) -> nn.Module:
    """The network as it runs fastest on ``device``: channels last, and half precision on CUDA."""
    model = model.eval().to(device)
    return (model.half() if device.type == "cuda" else model).to(memory_format=_memory_format(model))


def pick_device(name: str) -> torch.device:
    """ "auto", "cpu", "cuda" or "cuda:N". Raises ClipError for another name, and for CUDA where there is none."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ClipError(f"no device is called {name!r}; there are auto, cpu and cuda") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ClipError(f"device {name} is not there: torch sees {torch.cuda.device_count()} CUDA devices; use cpu")
    return device


def _memory_format(model: nn.Module) -> torch.memory_format:
    volumes = any(isinstance(m, nn.Conv3d) for m in model.modules())
    return torch.channels_last_3d if volumes else torch.channels_last
