"""An analysis in pieces: spans of frames of its tracks, held by players; what edits move about.

Rows of boxes are touched once, at the end, so many edits are cheap. A player never has two boxes in a frame.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.analysis.timeline import ActionSegment, Timeline, frame_ends
from pipeline.analysis.values import Analysis
from tracker.ball.path import BallPath
from tracker.teams.teams import Member
from tracker.types import Tracks

LAST = 2**31 - 1
"""A frame after all others."""
Layout = tuple[tuple[int, tuple[tuple[int, int, int], ...]], ...]
"""Players, each with source, first and last of his pieces."""
FIRST, START, END = attrgetter("first"), attrgetter("start_frame"), attrgetter("end_frame")
"""By what pieces and segments ascend."""


@dataclass(slots=True)
class Piece:
    """A span of frames of one track of the analysis."""

    source: int
    """The track's number there."""
    first: int
    last: int
    """Frames, both inclusive; there may be gaps between."""
    team: Member | None = None
    """Of which team he is who is seen in it; None: nothing is known."""


@dataclass(slots=True)
class State:
    """What edits have made of an analysis so far."""

    analysis: Analysis
    rows: dict[int, Tracks]
    """By track of the analysis."""
    segments: dict[int, list[ActionSegment]]
    """By track of the analysis, ascending."""
    pieces: dict[int, list[Piece]]
    """By player, ascending."""
    names: dict[int, str]
    out: dict[int, str] = field(default_factory=dict[int, str])
    """Players who are not shown, and why."""
    lent: dict[int, int] = field(default_factory=dict[int, int])
    """Players named after another who was merged into them, by that one."""
    frames: dict[int, memoryview] = field(default_factory=dict[int, memoryview])
    """The column ``frame_index`` of ``rows``: single numbers are read from a memoryview three times as fast."""
    index: memoryview = field(default_factory=lambda: memoryview(b""))
    times: memoryview = field(default_factory=lambda: memoryview(b""))
    """Frames of the analysis and when they are shown, the same way; in ``ends`` when they are no longer."""
    ends: memoryview = field(default_factory=lambda: memoryview(b""))

    @staticmethod
    def of(analysis: Analysis) -> State:
        """Every track a player, in one piece; those whom a rule left out are there and not shown."""
        rows = dict(analysis.tracks.by_id())
        left_out = dict(analysis.players.left_out.by_id())
        rows |= left_out
        segments: dict[int, list[ActionSegment]] = {source: [] for source in rows}
        for segment in sorted(analysis.timeline.segments, key=lambda s: s.start_frame):
            segments.setdefault(segment.track_id, []).append(segment)
        members = analysis.teams.members
        pieces = {i: [_whole(i, track, segments[i], members.get(i))] for i, track in rows.items()}
        out = {i: analysis.players.dropped.get(i, "left out") for i in left_out}
        frames = {i: _view(track.frame_index) for i, track in rows.items()}
        index, times = analysis.frames.index, analysis.frames.time
        columns = (_view(index), _view(times), _view(frame_ends(times)))
        return State(analysis, rows, segments, pieces, dict(analysis.names), out, {}, frames, *columns)

    def kept(self) -> State:
        """This state as it is now, whatever becomes of it: nothing changes a list in place."""
        return dataclasses.replace(
            self, segments=dict(self.segments), pieces=dict(self.pieces), names=dict(self.names), out=dict(self.out),
            lent=dict(self.lent),
        )  # fmt: skip

    def take_back(self, kept: State) -> None:
        """Be again as ``kept``."""
        self.segments, self.pieces, self.names = kept.segments, kept.pieces, kept.names
        self.out, self.lent = kept.out, kept.lent

    def clip(self, piece: Piece, first: int, end: int) -> Piece | None:
        """The part of ``piece`` from frame ``first`` to before ``end``, cut to its boxes; None where there are none."""
        if first > piece.last or end <= piece.first:
            return None
        if first <= piece.first and end > piece.last:
            return piece
        index = self.frames[piece.source]
        low, high = bisect_left(index, max(first, piece.first)), bisect_left(index, min(end, piece.last + 1))
        if low >= high:
            return None
        return Piece(
            piece.source,
            piece.first if first <= piece.first else int(index[low]),
            piece.last if end > piece.last else int(index[high - 1]),
            piece.team,
        )

    def boxes(self, piece: Piece) -> Tracks:
        """The rows of a piece."""
        index = self.frames[piece.source]
        return self.rows[piece.source][bisect_left(index, piece.first) : bisect_left(index, piece.last + 1)]

    def span(self, piece: Piece) -> tuple[int, int]:
        """The first and the last frame of a piece in which there is a box."""
        index = self.frames[piece.source]
        return index[bisect_left(index, piece.first)], index[bisect_left(index, piece.last + 1) - 1]

    def num_boxes(self, piece: Piece) -> int:
        """How many rows a piece has."""
        index = self.frames[piece.source]
        return bisect_left(index, piece.last + 1) - bisect_left(index, piece.first)

    def row(self, piece: Piece, frame: int) -> int:
        """Which row of a piece is the first in ``frame`` or later; as many as it has where there is none."""
        index = self.frames[piece.source]
        begin, end = bisect_left(index, piece.first), bisect_left(index, piece.last + 1)
        return min(max(bisect_left(index, frame), begin), end) - begin

    def box(self, piece: Piece, row: int) -> tuple[int, tuple[float, float, float, float]]:
        """The frame and the box (xyxy in hundredths of a pixel) of a row of a piece."""
        at = bisect_left(self.frames[piece.source], piece.first) + row
        track = self.rows[piece.source]
        left, top, right, bottom = (round(float(edge), 2) for edge in track.xyxy[at])
        return int(track.frame_index[at]), (left, top, right, bottom)

    def frame_at(self, time: float) -> int:
        """The first analysed frame shown at ``time`` (seconds) or later; one more than the last: there is none."""
        row = bisect_left(self.times, time - 1e-6)
        return self.index[row] if row < len(self.index) else self.index[-1] + 1

    def pieces_in(self, player: int, first: int, end: int) -> Sequence[Piece]:
        """Those of a player's pieces that reach into the frames from ``first`` to before ``end``."""
        pieces = self.pieces[player]
        if len(pieces) == 1:
            return pieces
        low, high = max(bisect_right(pieces, first, key=FIRST) - 1, 0), bisect_left(pieces, end, key=FIRST)
        while low and pieces[low - 1].last >= first:  # what is said of one may reach a frame into the next
            low -= 1
        return pieces[low:high]

    def team(self, player: int) -> Member | None:
        """Of which team a player is: the one that most of his boxes speak for, each with its probability."""
        votes, count = defaultdict[str, float](float), 0
        for piece in self.pieces[player]:
            if piece.team is not None:
                weight = len(self.boxes(piece))
                votes[piece.team.team] += weight * piece.team.probability
                count += weight
        if not count:
            return None
        best = max(votes, key=lambda team: votes[team])
        return Member(best, round(votes[best] / count, 3))

    def recut(self, segment: ActionSegment, first: int, end: int) -> ActionSegment:
        """A segment from frame ``first`` to before ``end``."""
        low, high = bisect_left(self.index, first), bisect_left(self.index, end)
        until = self.times[high] if high < len(self.index) else self.ends[-1]
        return ActionSegment(
            segment.track_id, segment.action, self.times[low], until, first, end, segment.confidence, segment.source
        )

    def shown(self, player: int, first: int = -1, end: int = LAST) -> list[ActionSegment]:
        """The segments of a player; where pieces or edits cut one in two that touch, it is one again.

        first, end: frames; those alone that reach into them, for who needs no others.
        """
        pieces = self.pieces_in(player, first, end)
        limits = [self.span(piece)[0] for piece in pieces[1:]]
        joined: list[ActionSegment] = []
        was_cut = False
        for piece, limit in zip(pieces, [*limits, LAST], strict=True):
            for segment in self.segments_in(piece.source, max(first, piece.first), min(end, piece.last + 1)):
                begin, until = max(segment.start_frame, piece.first), min(segment.end_frame, piece.last + 1, limit)
                if begin >= until:
                    continue
                is_cut = (begin, until) != (segment.start_frame, segment.end_frame)
                part = self.recut(segment, begin, until) if is_cut else segment
                if joined and (is_cut or was_cut) and _continues(joined[-1], part):
                    part = _join(joined.pop(), part)
                joined.append(part)
                was_cut = is_cut
        return [s if s.track_id == player else dataclasses.replace(s, track_id=player) for s in joined]

    def segments_in(self, source: int, first: int, end: int) -> Sequence[ActionSegment]:
        """Those of a track's segments that reach into the frames from ``first`` to before ``end``."""
        low, high = self.places(source, first, end)
        return self.segments[source][low:high]

    def places(self, source: int, first: int, end: int) -> tuple[int, int]:
        """Where those segments lie among the track's."""
        segments = self.segments[source]
        return bisect_right(segments, first, key=END), bisect_left(segments, end, key=START)

    def layout(self) -> Layout:
        """Who is shown, in which pieces: where it is the same, so are all boxes."""
        in_play = sorted(set(self.pieces) - set(self.out))
        return tuple((player, tuple((p.source, p.first, p.last) for p in self.pieces[player])) for player in in_play)

    def folded(self, notes: Sequence[str], tracks: Tracks | None = None) -> Analysis:
        """The analysis as it is now.

        notes: on edits that were left out. tracks: those of a state of the same layout; None: they are put together.
        """
        analysis, in_play = self.analysis, sorted(set(self.pieces) - set(self.out))
        segments = [segment for player in in_play for segment in self.shown(player)]
        players = dataclasses.replace(
            analysis.players,
            tracks=self._tracks(in_play) if tracks is None else tracks,
            names={player: name for player in in_play if (name := self.names.get(player))},
            dropped={**{i: why for i, why in analysis.players.dropped.items() if i not in self.rows}, **self.out},
            notes=(*analysis.players.notes, *notes),
            teams=dataclasses.replace(analysis.teams, members=self._members()),
            numbers={},  # They are among the names, from where a person may take them.
        )
        ordered = tuple(sorted(segments, key=lambda segment: (segment.start, segment.track_id)))
        timeline = Timeline(analysis.timeline.labels, ordered)
        return dataclasses.replace(analysis, players=players, timeline=timeline, ball=self._ball())

    def _tracks(self, in_play: Sequence[int]) -> Tracks:
        return _joined([(player, self.boxes(piece)) for player in in_play for piece in self.pieces[player]])

    def _ball(self) -> BallPath | None:
        """The ball's path with those who have it as they are called now."""
        ball = self.analysis.ball
        if ball is None:
            return None
        holder = ball.holder.copy()
        for player, pieces in self.pieces.items():
            for piece in pieces:
                low, high = np.searchsorted(ball.frame_index, [piece.first, min(piece.last, LAST - 1) + 1])
                mine = np.flatnonzero(ball.holder[low:high] == piece.source) + low
                holder[mine] = player
        return dataclasses.replace(ball, holder=holder)

    def _members(self) -> dict[int, Member]:
        return {player: member for player in sorted(self.pieces) if (member := self.team(player)) is not None}


def _view(column: npt.NDArray[Any]) -> memoryview:
    """A column, to read single numbers from."""
    return np.ascontiguousarray(column).data


def _whole(source: int, track: Tracks, segments: Sequence[ActionSegment], team: Member | None) -> Piece:
    """A whole track; what it is said to do may begin and end a frame off its boxes."""
    first = min([int(track.frame_index[0]), *(s.start_frame for s in segments)])
    return Piece(source, first, max([int(track.frame_index[-1]), *(s.end_frame - 1 for s in segments)]), team)


def _continues(a: ActionSegment, b: ActionSegment) -> bool:
    return a.end_frame == b.start_frame and a.action == b.action and a.source == b.source


def _join(a: ActionSegment, b: ActionSegment) -> ActionSegment:
    confidence = float(np.average([a.confidence, b.confidence], weights=[a.end - a.start, b.end - b.start]))
    return dataclasses.replace(b, start=a.start, start_frame=a.start_frame, confidence=confidence)


def _joined(parts: Sequence[tuple[int, Tracks]]) -> Tracks:
    if not parts:
        return Tracks.empty()
    ids = np.repeat([player for player, _ in parts], [len(track) for _, track in parts])
    columns = ("frame_index", "xyxy", "confidence", "observed")
    frames, *others = (np.concatenate([getattr(track, name) for _, track in parts]) for name in columns)
    return Tracks.of(frames, ids, *others)
