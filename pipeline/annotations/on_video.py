"""Annotations brought to the players and the frames of an analysis: what a file says, as a timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ground.errors import InputError
from pipeline.analysis.timeline import PERSON, UNSURE, ActionSegment, Timeline, frame_ends
from pipeline.analysis.values import Analysis, Frames, find_player
from pipeline.annotations.annotation_file import Annotation, AnnotationFile, number

Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

_FEW, _LONGEST = 8, 60
"""Names in a note, and letters of each."""
_MOST_STRANGERS = 500


@dataclass(frozen=True, slots=True)
class Matched:
    """What a file of annotations says of the players of an analysis."""

    timeline: Timeline
    """In its labels and frames; those whom the analysis does not have come behind its players."""
    strangers: Mapping[int, str]
    """Those whom the analysis does not have, by the number that they have here."""
    notes: tuple[str, ...]
    """What could not be taken, a line each."""


def match_annotations(file: AnnotationFile, analysis: Analysis) -> Matched:
    """``file`` in the players, labels and frames of ``analysis``; what happens to the ball is left out.

    A time becomes the edge between two frames that is nearest. Where two actions of a player overlap, the one that
    begins later counts as long as it lasts: so a label laid over another corrects it.
    Raises InputError where a player's name is that of several.
    """
    ids, edges = analysis.tracks.ids.tolist(), _edges(analysis.frames)
    players: dict[str, int] = {}
    strangers: dict[int, str] = {}
    labels = {label.strip().casefold(): place for place, label in enumerate(analysis.timeline.labels)}
    spans: dict[int, list[tuple[int, int, int]]] = {}
    strange, outside, taken = set[str](), 0, 0
    for annotation in file.annotations:
        action = annotation.action.strip().casefold()
        if annotation.is_event or action == UNSURE:
            continue
        if action not in labels:
            strange.add(annotation.action)
            continue
        if annotation.player not in players:
            players[annotation.player] = _player(annotation.player, ids, analysis.names, strangers)
        first, end = _rows(annotation, analysis.frames, edges)
        if first < end:
            spans.setdefault(players[annotation.player], []).append((first, end, labels[action]))
        outside += first >= end
    segments: list[ActionSegment] = []
    for player, some in sorted(spans.items()):
        painted, begin, lost = _painted(some)
        taken += lost
        segments += _segments(player, painted, begin, analysis, edges)
    ordered = tuple(sorted(segments, key=lambda segment: (segment.start, segment.track_id)))
    notes = [f"{_some(sorted(strange))}: no labels of this analysis, so left out"] if strange else []
    notes += [f"{_some(strangers.values())}: nobody of this analysis is called so"] if strangers else []
    notes += [f"{number(outside, 'annotation')} outside the analysed frames, or shorter than one"] if outside else []
    notes += [f"{number(taken, 'action')} over another one of the same player: the later one counts"] if taken else []
    return Matched(Timeline(analysis.timeline.labels, ordered), strangers, tuple(notes))


def _player(name: str, ids: Sequence[int], names: Mapping[int, str], strangers: dict[int, str]) -> int:
    try:
        return find_player(ids, names, name)
    except InputError:
        if sum(name.strip().casefold() == given.casefold() for given in names.values()) > 1:
            raise
    if len(strangers) == _MOST_STRANGERS:
        raise InputError(f"there are over {_MOST_STRANGERS} players whom the analysis does not have: is it this game?")
    stranger = max((0, *ids, *strangers)) + 1
    strangers[stranger] = name
    return stranger


def _some(names: Iterable[str]) -> str:
    """The first few of ``names``, in a line."""
    first, *rest = (" ".join(name.split())[:_LONGEST] for name in names)
    shown = ", ".join([first, *rest[: _FEW - 1]])
    return shown if len(rest) < _FEW else f"{shown} and {len(rest) - _FEW + 1} more"


def _rows(annotation: Annotation, frames: Frames, edges: Floats) -> tuple[int, int]:
    """Rows of ``frames`` from, to (exclusive). edges: of all frames, see ``_edges``."""
    if not len(frames):
        return 0, 0
    if annotation.frames is not None:
        first, end = np.searchsorted(frames.index, annotation.frames).tolist()
        return first, end
    span = np.array([annotation.start, annotation.end])
    at = np.clip(np.searchsorted(edges, span), 1, len(edges) - 1)
    nearer = span - edges[at - 1] < edges[at] - span
    first, end = (at - nearer).tolist()
    return first, end


def _edges(frames: Frames) -> Floats:
    """(F + 1,) seconds: where frames begin, and where the last one ends."""
    return np.append(frames.time, frame_ends(frames.time)[-1:])


def _painted(spans: Sequence[tuple[int, int, int]]) -> tuple[Rows, int, int]:
    """Labels by row, -1 for none; the row of the first; how often one is painted over another."""
    begin = min(first for first, _, _ in spans)
    rows, over = np.full(max(end for _, end, _ in spans) - begin, -1, np.int32), 0
    for first, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        part = rows[first - begin : end - begin]
        over += bool(((part >= 0) & (part != label)).any())
        part[:] = label
    return rows, begin, over


def _segments(player: int, painted: Rows, begin: int, analysis: Analysis, edges: Floats) -> Iterator[ActionSegment]:
    index = analysis.frames.index
    bounds = [0, *(np.flatnonzero(np.diff(painted)) + 1).tolist(), len(painted)]
    for a, b in pairwise(bounds):
        if painted[a] >= 0:
            label = analysis.timeline.labels[int(painted[a])]
            first, last = int(index[begin + a]), int(index[begin + b - 1]) + 1
            times = float(edges[begin + a]), float(edges[begin + b])
            yield ActionSegment(player, label, *times, first, last, 1.0, PERSON)
