"""Clips of all players in, action probabilities out: a checkpoint at work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classify.run.backends import probabilities
from classify.run.choose import open_classifier
from classify.run.int8 import chosen_file
from classify.types import ActionScores, Clip
from classify.weights.description import CheckpointInfo
from ground.compute.batches import Batches, on_device
from ground.compute.devices import resolve_device

_BATCH = {"cpu": 8, "cuda": 64}
"""Clips that go through the network at a time: more are no faster there, and take memory."""


class ActionClassifier:
    """Labels clips with the network in a file; implements ``classify.types.Classifier``."""

    def __init__(
        self,
        checkpoint: Path,
        device: str = "auto",
        batch: int | None = None,
        runtime: str = "torch",
        precision: str = "auto",
    ) -> None:
        """Load ``checkpoint`` onto ``device``: "cpu", "cuda", "cuda:1" ... or "auto", which takes CUDA if it is there.

        checkpoint: one of ours, a file of Kinetics-400 weights under the name that torchvision gave it, or, with
            another runtime than "torch", what ``courtscribe weights export`` made (``.xml``, ``.onnx``).
        batch: clips that go through the network at a time; raising it costs memory and brings speed on a GPU.
        runtime: one of ``classify.run.choose.RUNTIMES``. "auto" is the fastest and keeps a converted copy in the user's
            cache; programs choose it. "torch" writes nothing.
        precision: with the runtime "auto" on a CPU, one of ``classify.run.int8.PRECISIONS``.
        Raises InputError for a bad checkpoint, for CUDA where there is none or too little of its memory is free, and as
        ``open_classifier``.
        """
        self.device = resolve_device(device)
        chosen = chosen_file(checkpoint, self.device, runtime, precision)
        with on_device(f"the network in {checkpoint}"):
            self.info, self._logits, self.runtime = open_classifier(chosen, self.device, runtime)
        self._batches = Batches("clips", batch or _BATCH.get(self.device.partition(":")[0], 8))

    info: CheckpointInfo
    """What the checkpoint says about itself."""
    runtime: str
    """Name of the library that runs it."""

    @property
    def batch(self) -> int:
        """Clips that go through the network at a time: fewer, once a GPU's memory was too small for so many."""
        return self._batches.size

    @property
    def labels(self) -> tuple[str, ...]:
        """Action names in the order of the probabilities."""
        return self.info.labels

    @property
    def unsure_below(self) -> float:
        """Confidence under which a label is better not shown; 0: all are."""
        return self.info.unsure_below

    def classify(self, clips: Sequence[Clip]) -> list[ActionScores]:
        """Scores of each clip, in the order of ``clips``; clips of different players share batches."""
        rows = self._batches.run(self._rows, clips)
        return [ActionScores(c.track_id, c.start, c.end, p) for c, p in zip(clips, rows, strict=True)]

    def _rows(self, clips: Sequence[Clip]) -> list[npt.NDArray[np.float32]]:
        return list(self.probabilities(np.stack([clip.frames for clip in clips])))

    def probabilities(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 (N, T, H, W, 3) RGB, of any size -> float32 (N, num_actions), as sure as the checkpoint says to be."""
        return probabilities(self._logits(frames), self.info.temperature)
