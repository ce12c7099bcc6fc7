"""The trackers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ground.errors import InputError
from tracker.track.sort import Sort
from tracker.track.sport import SportTracker
from tracker.track.tracklets import Tracker


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    """How detections are followed from frame to frame.

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
    max_lost: float = 2.0
    """Seconds that ``sport``'s tracks outlive without a detection. Higher: longer occlusions, and more wrong joins."""

    @property
    def online_only(self) -> bool:
        """Whether tracks stay as they were followed: ``sort`` is for who wants what the paper gives."""
        return self.name == "sort"

    def __post_init__(self) -> None:
        if self.name not in TRACKERS:
            raise InputError(f"unknown tracker {self.name!r}; there is {', '.join(TRACKERS)}")
        if self.max_age < 1 or not min(self.min_hits, self.max_lost) >= 0 or not 0 <= self.min_iou <= 1:
            raise InputError("max age is 1 frame or more, min IoU 0 to 1, min hits and max lost are 0 or more")


TRACKERS: Mapping[str, Callable[[TrackerConfig], Tracker]] = {
    "sort": lambda config: Sort(config.max_age, config.min_hits, config.min_iou),
    "sport": lambda config: SportTracker(config.max_lost),
}


def make_tracker(config: TrackerConfig) -> Tracker:
    """A new tracker as ``config`` says."""
    return TRACKERS[config.name](config)
