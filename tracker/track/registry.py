"""The trackers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ground.errors import InputError
from tracker.track.linking import LinkConfig
from tracker.track.sort import Sort
from tracker.track.sport import SportTracker
from tracker.types import Tracker

LOOKS = ("none", "color", "backbone")
"""Ways to tell players apart by their looks."""


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    """How detections are joined into tracks.

    ``max_age``, ``min_hits`` and ``min_iou`` are SORT's; the defaults suit players, the paper has 1, 3 and 0.3. The
    settings in seconds but ``max_gap``, and all after it but ``bridge``, are those of the tracker for sport.
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

    max_lost: float = 2.0
    """Seconds that a track outlives online without a detection. Higher: longer occlusions, and more wrong joins."""
    max_absence: float = 12.0
    """Seconds after which nobody is taken for who left before. Higher: longer absences, more strangers to mistake."""
    offline: bool = True
    """Link the tracks over the whole video, seen from its end. False: as they come, frame by frame."""
    looks: str = "color"
    """What players look like decides links, too: ``color``, ``backbone`` (and the detector's features), ``none``."""
    reid: str = ""
    """A re-identification network (ONNX) that describes looks besides."""
    bridge: bool = False
    """Let CSRT fill gaps instead of a smooth curve, where it comes out at the other end."""

    def __post_init__(self) -> None:
        if self.looks not in LOOKS:
            raise InputError(f"looks are {', '.join(LOOKS)}, not {self.looks!r}")
        if self.name not in TRACKERS:
            raise InputError(f"unknown tracker {self.name!r}; there is {', '.join(TRACKERS)}")
        least = min(self.min_hits, self.max_gap, self.max_lost, self.max_absence)
        if self.max_age < 1 or not least >= 0 or not 0 <= self.min_iou <= 1:
            others = "min hits, max gap, max lost and max absence are 0 or more"
            raise InputError(f"max age is 1 frame or more, min IoU 0 to 1, {others}")


TRACKERS: Mapping[str, Callable[[TrackerConfig], Tracker]] = {
    "sort": lambda config: Sort(config.max_age, config.min_hits, config.min_iou),
    "sport": lambda config: SportTracker(
        config.max_lost, offline=config.offline, linking=LinkConfig(max_gap=config.max_absence)
    ),
}


def make_tracker(config: TrackerConfig) -> Tracker:
    """A new tracker as ``config`` says."""
    return TRACKERS[config.name](config)
