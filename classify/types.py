"""Values that the classifier takes and gives: clips of one player, and probabilities of actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

CLIP_LENGTH = 16
"""Frames in a clip."""
CLIP_HEIGHT, CLIP_WIDTH = 176, 128
"""Size of a clip's pictures in pixels, SpaceJam's."""
CLIP_PACE = 25.0
"""Frames per second at which a clip's frames follow each other, SpaceJam's."""

ACTIONS = ("block", "pass", "run", "dribble", "shoot", "ball in hand", "defense", "pick", "no_action", "walk")
"""SpaceJam's ten labels, in its order."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Sixteen pictures of one player, evenly spaced in time."""

    track_id: int
    start: float
    """Seconds, of the first picture."""
    end: float
    """Seconds, exclusive: one step after the last picture."""
    frames: npt.NDArray[np.uint8]
    """uint8 (16, 176, 128, 3), RGB."""

    def __post_init__(self) -> None:
        if self.frames.dtype != np.uint8 or self.frames.shape != (CLIP_LENGTH, CLIP_HEIGHT, CLIP_WIDTH, 3):
            raise ValueError(f"a clip is uint8 (16, 176, 128, 3), not {self.frames.dtype} {self.frames.shape}")
        if not self.end > self.start:
            raise ValueError(f"a clip ends after it starts, not at {self.end} after {self.start}")


@dataclass(frozen=True, slots=True, eq=False)
class ActionScores:
    """How likely each action is in one clip."""

    track_id: int
    start: float
    """Seconds."""
    end: float
    """Seconds, exclusive."""
    probabilities: npt.NDArray[np.float32]
    """float32 (num_actions,), sums to 1, in the order of the classifier's labels."""

    def weighed(self, likelihood: npt.NDArray[np.float64]) -> ActionScores:
        """With another witness of the same action in it: how likely, (num_actions,), each makes what he saw."""
        product = self.probabilities * likelihood
        return replace(self, probabilities=(product / product.sum()).astype(np.float32))


class Classifier(Protocol):
    """Labels clips."""

    @property
    def batch(self) -> int:
        """Clips that it takes best at a time."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Action names in the order of the probabilities."""
        ...

    @property
    def unsure_below(self) -> float:
        """Confidence under which a label is better not shown; 0: all are."""
        ...

    def classify(self, clips: Sequence[Clip]) -> list[ActionScores]:
        """Scores of each clip, in the order of ``clips``; all clips go through the model together."""
        ...
