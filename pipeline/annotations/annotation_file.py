"""What a file of annotations holds, whatever its format: who does what from when to when."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

EVENT_SECONDS = 1
"""For which an event is shown by programs that know nothing without a length."""
LATEST = 1e7
"""Seconds; no video is so long."""
_EVENT = re.compile(r"ball (pass|shot|rebound|turnover)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(?:(\d{1,5}):)?(\d{1,5}):)?(\d{1,9}(?:[.,]\d{1,12})?)", re.ASCII)
UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""When something was made of which nothing is known."""

Color = tuple[int, int, int]
"""RGB, 0..255."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One player doing one thing; or, where ``is_event``, something that happens to the ball in his hands."""

    player: str
    """His name, or the number of his track."""
    action: str
    start: float
    """Seconds in the video."""
    end: float
    """Seconds, exclusive. Of an event: the end of its frame, or whatever its file shows it for."""
    frames: tuple[int, int] | None = None
    """The same in frames, 0-based, the end exclusive; None: the file does not say."""
    confidence: float | None = None
    """0..1"""
    team: str = ""
    source: str = ""
    """Who says so, as ``pipeline.analysis.timeline`` has it; empty: not known."""
    to: str = ""
    """Of an event: who gets the ball."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and 0 < self.end - self.start < LATEST and abs(self.start) < LATEST):
            raise ValueError(f"{self.start:g} to {self.end:g} s is no span")
        if self.frames is not None and not 0 <= self.frames[0] < self.frames[1] < 2**31:
            raise ValueError(f"frames {self.frames[0]} to {self.frames[1]} are none")
        if not self.player or not self.action:
            raise ValueError("an annotation has a player and an action")

    @property
    def is_event(self) -> bool:
        """Whether it is a moment, and no action that goes on."""
        return is_event(self.action)


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """All annotations of one video."""

    annotations: tuple[Annotation, ...]
    """By start, then by player."""
    labels: tuple[str, ...] = ()
    """What an action may be called, in the classifier's order; empty: the file does not say."""
    players: tuple[str, ...] = ()
    """Everybody, those who do nothing as well; empty: the file does not say."""
    video: str = ""
    """Path or address of the video."""
    duration: float = 0.0
    """Seconds of the video, from 0 on; 0: not known."""
    frame_rate: float = 0.0
    """Frames per second; 0: not known."""
    teams: Mapping[str, str] = field(default_factory=dict[str, str])
    """Team by player."""
    colors: Mapping[str, Color] = field(default_factory=dict[str, Color])
    """By player."""
    made: datetime = UNKNOWN
    """When the analysis was made; with a time zone."""
    notes: tuple[str, ...] = ()
    """What of the file was left out, a line each."""

    def actions(self) -> tuple[str, ...]:
        """Every action: labels first, in their order, then what else there is, by name."""
        return in_order((a.action for a in self.annotations), self.labels)

    def people(self) -> tuple[str, ...]:
        """Everybody: ``players``, then who else there is, by name."""
        return in_order((a.player for a in self.annotations), self.players)


def in_order(names: Iterable[str], first: Sequence[str]) -> tuple[str, ...]:
    """``first``, and then those of ``names`` that are not among them, sorted."""
    return (*first, *sorted(set(names) - set(first)))


def event_action(kind: str) -> str:
    """What an event is called beside actions, one of which may be a pass, too."""
    return f"ball {kind}"


def is_event(action: str) -> bool:
    """Whether ``action`` is what ``event_action`` calls an event."""
    return _EVENT.fullmatch(action) is not None


def seconds(text: str) -> float:
    """A time as programs of all countries write it: 12.5, 12,5, 1:02.5, 0:01:02,5. Raises ValueError for others."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no time")
    return 3600.0 * int(found[1] or 0) + 60.0 * int(found[2] or 0) + float(found[3].replace(",", "."))


def milliseconds(time: float) -> int:
    """Whole milliseconds from the start of the video; nothing is before it."""
    return max(0, round(1000 * time))


class Timed(NamedTuple):
    """An annotation in whole milliseconds, which it lasts one of at least."""

    annotation: Annotation
    start: int
    end: int


def timed(annotations: Iterable[Annotation]) -> tuple[list[Timed], tuple[str, ...]]:
    """``annotations`` in milliseconds, and a note where some are too short for that."""
    found = [Timed(a, milliseconds(a.start), milliseconds(a.end)) for a in annotations]
    kept = [one for one in found if one.start < one.end]
    short = len(found) - len(kept)
    return kept, (f"{number(short, 'annotation')} of less than a millisecond left out",) if short else ()


def sorted_annotations(annotations: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """By start, then by player."""
    return tuple(sorted(annotations, key=lambda a: (a.start, a.player, a.end, a.action)))


def number(amount: int, what: str) -> str:
    """``1 segment``, ``2 segments``."""
    return f"{amount} {what}{'s' * (amount != 1)}"


def place_of(video: str, file: Path) -> str:
    """How ``file`` names the video: by its name where both lie in one folder, which may then move; else in full."""
    if "://" in video or not video:
        return video
    path = Path(video)
    return path.name if path.absolute().parent == file.absolute().parent else str(path.absolute())
