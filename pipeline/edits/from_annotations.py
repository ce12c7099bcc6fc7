"""What a person corrected in another program: where its file differs from the analysis, as spans to relabel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from pipeline.analysis.timeline import Timeline, frame_ends
from pipeline.analysis.values import Analysis
from pipeline.annotations.formats import read_annotations
from pipeline.annotations.on_video import match_annotations

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Relabel:
    """A player really does something else for a while."""

    track_id: int
    start: float
    """Seconds: when the first frame is shown."""
    end: float
    """Seconds, exclusive: when the first frame after it is shown."""
    label: str


def differences(analysis: Analysis, path: Path) -> tuple[list[Relabel], tuple[str, ...]]:
    """Where the file at ``path`` says something else than ``analysis``, and notes on what could not be taken.

    Only what the file says counts: where it says nothing, or somebody is out of sight, all stays as it is.
    Raises InputError where the file cannot be read, or none of its players is one of the analysis.
    """
    file = read_annotations(path, analysis.timeline.labels)
    matched = match_annotations(file, analysis)
    segments, players = matched.timeline.segments, set(analysis.tracks.ids.tolist())
    if not any(segment.track_id in players for segment in segments):
        reasons = "; ".join(matched.notes) or "it is empty"
        raise InputError(f"{path}: says nothing of the players of this analysis ({reasons:.200})")
    found: list[Relabel] = []
    for track_id, track in analysis.tracks.by_id():
        wanted, shown = (_labels(timeline, track_id, analysis) for timeline in (matched.timeline, analysis.timeline))
        there = shown >= 0
        there[np.searchsorted(analysis.frames.index, track.frame_index)] = True
        found += _spans(track_id, np.where(there & (wanted != shown), wanted, -1), analysis)
    return found, (*file.notes, *matched.notes)


def _labels(timeline: Timeline, track_id: int, analysis: Analysis) -> Rows:
    """The label of a player in each analysed frame, (F,); -1: none, or none that is a label."""
    labels = {label: place for place, label in enumerate(analysis.timeline.labels)}
    rows = np.full(len(analysis.frames), -1, np.int32)
    for segment in timeline.segments:
        if segment.track_id == track_id:
            first, end = np.searchsorted(analysis.frames.index, [segment.start_frame, segment.end_frame])
            rows[first:end] = labels.get(segment.action, -1)
    return rows


def _spans(track_id: int, rows: Rows, analysis: Analysis) -> Iterator[Relabel]:
    times = np.append(analysis.frames.time, frame_ends(analysis.frames.time)[-1:])
    for a, b in pairwise([0, *(np.flatnonzero(np.diff(rows)) + 1).tolist(), len(rows)]):
        if a < b and rows[a] >= 0:
            yield Relabel(track_id, float(times[a]), float(times[b]), analysis.timeline.labels[int(rows[a])])
