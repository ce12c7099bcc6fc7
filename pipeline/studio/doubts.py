"""Where an analysis is least sure: segments that say little, identities that were joined over a gap, teams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.analysis.timeline import PERSON, UNSURE
from pipeline.analysis.values import Analysis
from tracker.types import Tracks

LABEL, IDENTITY, TEAM = "label", "identity", "team"
"""What is doubted."""
_SURE = 0.6
"""Confidence from which a label is not doubted."""
_GAP = 0.8
"""Seconds for which a player is not seen after which it is doubted that it is he who comes back."""
_LONG = 8.0
"""Seconds after which it is as doubtful as it becomes."""
_CLEAR = 0.8
"""Probability from which a team is not doubted."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing to look at."""

    kind: str
    track_id: int
    start: float
    """Seconds: where to look."""
    end: float
    """Seconds."""
    doubt: float
    """0..1; the largest is looked at first."""
    why: str


def doubts(analysis: Analysis) -> list[Doubt]:
    """What is doubtful in an analysis with its edits, the most doubtful first; nothing that a person has said."""
    found = [*_labels(analysis), *_identities(analysis), *_teams(analysis)]
    return sorted(found, key=lambda doubt: (-doubt.doubt, doubt.start, doubt.track_id))


def _labels(analysis: Analysis) -> Iterator[Doubt]:
    for segment in analysis.timeline.segments:
        if segment.source == PERSON or (segment.confidence >= _SURE and segment.action != UNSURE):
            continue
        said = f"{segment.action}, {segment.confidence:.0%} likely"
        yield Doubt(LABEL, segment.track_id, segment.start, segment.end, 1 - segment.confidence, said)


def _identities(analysis: Analysis) -> Iterator[Doubt]:
    """Joins: the time for which nobody has seen him, and whether others were near where he came back."""
    frames = analysis.frames
    for track_id, track in analysis.tracks.by_id():
        seen = track[track.observed]
        if len(seen) < 2:
            continue
        times = frames.time[np.searchsorted(frames.index, seen.frame_index)]
        for row in np.flatnonzero(np.diff(times) >= _GAP).tolist():
            gap = float(times[row + 1] - times[row])
            crowd = _near(analysis.tracks, track_id, seen, row)
            doubt = min(0.5 + 0.35 * (gap - _GAP) / (_LONG - _GAP), 0.85) + 0.1 * min(crowd, 1)
            others = f", {crowd} other{'s' * (crowd != 1)} near" if crowd else ""
            why = f"not seen for {gap:.1f} s{others}: is it still he?"
            yield Doubt(IDENTITY, track_id, float(times[row]), float(times[row + 1]), doubt, why)


def _near(tracks: Tracks, track_id: int, seen: Tracks, row: int) -> int:
    """How many others touch his box where he was seen last or is seen again."""
    near: set[int] = set()
    for at in (row, row + 1):
        left, top, right, bottom = seen.xyxy[at].tolist()
        there = tracks.at(int(seen.frame_index[at]))
        xyxy = there.xyxy
        touches = (xyxy[:, 0] < right) & (xyxy[:, 2] > left) & (xyxy[:, 1] < bottom) & (xyxy[:, 3] > top)
        near |= set(there.track_id[touches].tolist()) - {track_id}
    return len(near)


def _teams(analysis: Analysis) -> Iterator[Doubt]:
    frames = analysis.frames
    for track_id, track in analysis.tracks.by_id():
        member = analysis.teams.members.get(track_id)
        if member is None or member.probability >= _CLEAR:
            continue
        first, last = frames.time[np.searchsorted(frames.index, track.frame_index[[0, -1]])].tolist()
        why = f"of {member.team or 'neither team'}, {member.probability:.0%} likely"
        yield Doubt(TEAM, track_id, first, last, 1 - member.probability, why)
