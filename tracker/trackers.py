"""The trackers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tracker.errors import InputError
from tracker.sort import Sort
from tracker.sport import SportTracker
from tracker.types import Tracker


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    """How detections are joined into tracks.

    ``max_age``, ``min_hits`` and ``min_iou`` are SORT's; the defaults suit players, the paper has 1, 3 and 0.3.
    """

    name: str = "sport"
    """``sport``, for recorded games, or ``sort``, the paper's."""
    max_age: int = 30
    """Frames that a track survives without a detection. Higher: longer occlusions, and more wrong joins."""
    min_hits: int = 3
    """Detections in a row before a track is believed. Higher: fewer ghosts, and later starts."""
    min_iou: float = 0.1
    """Overlap of prediction and detection at which they may be one player. Lower: faster players, more swaps."""
    max_gap: float = 1.0
    """Seconds: a track's shorter gaps are filled in when it is smoothed, longer ones stay gaps."""

    def __post_init__(self) -> None:
        if self.name not in TRACKERS:
            raise InputError(f"unknown tracker {self.name!r}; there is {', '.join(TRACKERS)}")
        if self.max_age < 1 or min(self.min_hits, self.max_gap) < 0 or not 0 <= self.min_iou <= 1:
            raise InputError("max age is 1 frame or more, min hits and max gap are 0 or more, min IoU 0 to 1")


TRACKERS: Mapping[str, Callable[[TrackerConfig], Tracker]] = {
    "sort": lambda config: Sort(config.max_age, config.min_hits, config.min_iou),
    "sport": lambda _: SportTracker(),
}


def make_tracker(config: TrackerConfig) -> Tracker:
    """A new tracker as ``config`` says."""
    return TRACKERS[config.name](config)
