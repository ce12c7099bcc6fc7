"""An analysis in pieces: spans of frames of its tracks, held by players; what edits move about.

Rows of boxes are touched once, at the end, so many edits are cheap. A player never has two boxes in a frame.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.analysis.timeline import ActionSegment, Timeline, frame_ends
from pipeline.analysis.values import Analysis
from tracker.ball.path import BallPath
from tracker.teams.teams import Member
from tracker.types import Tracks

LAST = 2**31 - 1
"""A frame after all others."""


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
        return State(analysis, rows, segments, pieces, dict(analysis.names), out)

    def clip(self, piece: Piece, first: int, end: int) -> Piece | None:
        """The part of ``piece`` from frame ``first`` to before ``end``, cut to its boxes; None where there are none."""
        index = self.rows[piece.source].frame_index
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
        track = self.rows[piece.source]
        return track[bisect_left(track.frame_index, piece.first) : bisect_left(track.frame_index, piece.last + 1)]

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
        frames = self.analysis.frames
        low, high = bisect_left(frames.index, first), bisect_left(frames.index, end)
        until = frames.time[high] if high < len(frames) else frame_ends(frames.time)[-1]
        return dataclasses.replace(
            segment, start=float(frames.time[low]), end=float(until), start_frame=first, end_frame=end
        )

    def shown(self, player: int) -> list[ActionSegment]:
        """The segments of a player; where pieces or edits cut one in two that touch, it is one again."""
        pieces = self.pieces[player]
        limits = [int(self.boxes(piece).frame_index[0]) for piece in pieces[1:]]
        joined: list[ActionSegment] = []
        was_cut = False
        for piece, limit in zip(pieces, [*limits, LAST], strict=True):
            for segment in self.segments[piece.source]:
                first, end = max(segment.start_frame, piece.first), min(segment.end_frame, piece.last + 1, limit)
                if first >= end:
                    continue
                is_cut = (first, end) != (segment.start_frame, segment.end_frame)
                part = self.recut(segment, first, end) if is_cut else segment
                if joined and (is_cut or was_cut) and _continues(joined[-1], part):
                    part = _join(joined.pop(), part)
                joined.append(part)
                was_cut = is_cut
        return [s if s.track_id == player else dataclasses.replace(s, track_id=player) for s in joined]

    def folded(self, notes: Sequence[str]) -> Analysis:
        """The analysis as it is now. notes: on edits that were left out."""
        analysis, in_play = self.analysis, sorted(set(self.pieces) - set(self.out))
        parts = [(player, self.boxes(piece)) for player in in_play for piece in self.pieces[player]]
        segments = [segment for player in in_play for segment in self.shown(player)]
        players = dataclasses.replace(
            analysis.players,
            tracks=_joined(parts),
            names={player: name for player in in_play if (name := self.names.get(player))},
            dropped={**{i: why for i, why in analysis.players.dropped.items() if i not in self.rows}, **self.out},
            notes=(*analysis.players.notes, *notes),
            teams=dataclasses.replace(analysis.teams, members=self._members()),
        )
        ordered = tuple(sorted(segments, key=lambda segment: (segment.start, segment.track_id)))
        timeline = Timeline(analysis.timeline.labels, ordered)
        return dataclasses.replace(analysis, players=players, timeline=timeline, ball=self._ball())

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
