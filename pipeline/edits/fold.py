"""The analysis folded with its edits: what is shown. Undoing is folding without the last one."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from ground.errors import InputError
from pipeline.analysis.timeline import PERSON, ActionSegment
from pipeline.analysis.values import Analysis
from pipeline.edits.entries import Edit, Who
from pipeline.edits.pieces import LAST, Piece, State
from tracker.boxes import iou
from tracker.names import clear_names, same
from tracker.teams.teams import LETTERS, NEITHER, Member
from tracker.types import IntArray

BY_HAND, REFEREE = "left out by hand", "a referee, said by hand"
_SAME = 0.5
"""Overlap from which a box is the one that an edit means."""


def fold(analysis: Analysis, edits: Sequence[Edit]) -> Analysis:
    """``analysis`` as ``edits`` (see ``log.effective``) make it, in their order.

    An edit that cannot be done any more, since tracking again has changed what it is about, is left out with a note.
    """
    if not edits:
        return analysis
    state, left_out = replay(analysis, edits)
    return state.folded([f"an edit is left out: {reason}" for reason in left_out])


def replay(analysis: Analysis, edits: Sequence[Edit]) -> tuple[State, list[str]]:
    """What ``edits`` make of ``analysis``, and why each of those that cannot be done is left out."""
    state = State.of(analysis)
    left_out: list[str] = []
    for edit in edits:
        try:
            apply(state, edit)
        except InputError as error:
            left_out.append(str(error))
    return state, left_out


def apply(state: State, edit: Edit) -> None:
    """Do one edit. Raises InputError, leaving ``state`` as it is, where it cannot be done."""
    players = [_find(state, who) for who in edit.who]
    if len(set(players)) != len(players):
        raise InputError(f"{edit.kind}: the same player is named twice")
    _DO[edit.kind](state, players, edit)


def _find(state: State, who: Who) -> int:
    """The player who is meant: the one with that box in that frame, his number aside."""
    covering = _covering(state, who)
    if not covering:
        raise InputError(f"player {who.track_id} is not there any more")
    if who.track_id in covering:
        return who.track_id
    return max(covering, key=lambda player: (player not in state.out, covering[player]))


def _covering(state: State, who: Who) -> dict[int, float]:
    """Players with a box like that of ``who`` in his frame, and how much it overlaps."""
    found: dict[int, float] = {}
    wanted = np.array([who.box], np.float64)
    candidates = [who.track_id] if who.track_id in state.pieces else []
    for player in [*candidates, *state.pieces]:
        for piece in state.pieces[player]:
            if piece.first <= who.frame <= piece.last:
                track = state.rows[piece.source]
                row = bisect_left(track.frame_index, who.frame)
                if row < len(track) and track.frame_index[row] == who.frame:
                    overlap = float(iou(track.xyxy[row : row + 1].astype(np.float64), wanted)[0, 0])
                    if overlap >= _SAME:
                        found[player] = overlap
        if found and player == who.track_id:
            break
    return found


def _rename(state: State, players: list[int], edit: Edit) -> None:
    (player,), name = players, same(edit.text or "")
    others = {i: same(given) for i, given in state.names.items() if i in state.pieces and i != player}
    taken = next((i for i, other in others.items() if name and other == name), None)
    if taken is not None:
        raise InputError(f"rename: {name!r} is player {taken} already")
    shown = clear_names({player: name})[0].get(player, "")
    if shown != name:
        hint = f"; write {shown!r}" if shown and shown not in others.values() else ""
        why = "a name is one short line, no number of another player, and nothing that a spreadsheet runs"
        raise InputError(f"rename: {name!r:.100} cannot be kept: {why}{hint}")
    state.names[player] = name
    state.lent.pop(player, None)


def _merge(state: State, players: list[int], _edit: Edit) -> None:
    frames = [_frames(state, player) for player in players]
    count, twice = np.unique(np.concatenate(frames), return_counts=True)
    if (twice > 1).any():
        shared = count[twice > 1]
        called = " and ".join(_called(state, player) for player in players)
        raise InputError(
            f"merge: {called} are both in the picture in {len(shared)} frames, "
            f"from {_time(state, int(shared[0])):.2f} to {_time(state, int(shared[-1])):.2f} s; split or drop one first"
        )
    kept = players[0]
    merged = [piece for player in players for piece in state.pieces[player]]
    spans = [state.boxes(piece).frame_index[[0, -1]].tolist() for piece in merged]
    bounds = sorted({edge for first, last in spans for edge in (first, last + 1)})
    parts = [_cut_at(piece, (first, last), bounds, state) for piece, (first, last) in zip(merged, spans, strict=True)]
    state.pieces[kept] = sorted((part for some in parts for part in some), key=lambda piece: piece.first)
    for player in players[1:]:
        del state.pieces[player]
        state.out.pop(player, None)
    lender = next((player for player in players if state.names.get(player)), kept)
    if lender != kept:
        state.names[kept], state.lent[kept] = state.names[lender], lender


def _cut_at(piece: Piece, span: tuple[int, int], bounds: list[int], state: State) -> list[Piece]:
    """A piece with boxes in ``span`` (first and last), cut at ``bounds`` between: others lie in its gaps there."""
    inside = bounds[bisect_right(bounds, span[0]) : bisect_right(bounds, span[1])]
    parts = (state.clip(piece, a, b) for a, b in pairwise([-1, *inside, LAST]))
    return [part for part in parts if part is not None]


def _split(state: State, players: list[int], edit: Edit) -> None:
    (player,) = players
    at = _frame(state, edit.time or 0.0)
    before, after = _divided(state, player, at)
    if not before or not after:
        raise InputError(f"split: {_called(state, player)} has no boxes on both sides of {edit.time:.2f} s")
    # The track's own number where it is free: to split what was merged gives back what there was.
    own = after[0].source
    new = own if own not in state.pieces else max(*state.pieces, *state.rows, *state.names) + 1
    state.pieces[player], state.pieces[new] = before, after
    if state.lent.get(player) == new:
        del state.names[player], state.lent[player]


def _divided(state: State, player: int, at: int) -> tuple[list[Piece], list[Piece]]:
    """The pieces of a player before frame ``at``, and from it on."""
    parts = [(state.clip(p, -1, at), state.clip(p, at, LAST)) for p in state.pieces[player]]
    return [a for a, _ in parts if a is not None], [b for _, b in parts if b is not None]


def _swap(state: State, players: list[int], edit: Edit) -> None:
    at = _frame(state, edit.time or 0.0)
    (a, a_later), (b, b_later) = (_divided(state, player, at) for player in players)
    if not a_later and not b_later:
        raise InputError(f"swap: neither has boxes from {edit.time:.2f} s on")
    swapped = dict(zip(players, (a + b_later, b + a_later), strict=True))
    for player, pieces in swapped.items():
        if not pieces:
            raise InputError(f"swap: nothing would be left of {_called(state, player)}; merge or rename instead")
    state.pieces.update(swapped)


def _leave_out(reason: str) -> Callable[[State, list[int], Edit], None]:
    def leave_out(state: State, players: list[int], _edit: Edit) -> None:
        state.out[players[0]] = reason

    return leave_out


def _restore(state: State, players: list[int], _edit: Edit) -> None:
    if state.out.pop(players[0], None) is None:
        raise InputError(f"restore: {_called(state, players[0])} was not left out")


def _team(state: State, players: list[int], edit: Edit) -> None:
    (player,), letter = players, edit.text or ""
    if letter not in (NEITHER, *LETTERS):
        raise InputError(f"team: {letter!r:.60} is not {' or '.join(LETTERS)}")
    said = Member(state.analysis.teams.names[LETTERS.index(letter)] if letter else NEITHER, 1.0)
    state.pieces[player] = [dataclasses.replace(piece, team=said) for piece in state.pieces[player]]


def _relabel(state: State, players: list[int], edit: Edit) -> None:
    label = edit.text or ""
    if label not in state.analysis.timeline.labels:
        raise InputError(f"relabel: {label!r:.60} is not one of {', '.join(state.analysis.timeline.labels)}")
    first, end = _frame(state, edit.time or 0.0), _frame(state, edit.end or 0.0)
    if not _label_span(state, players[0], first, end, label):
        raise InputError(
            f"relabel: {_called(state, players[0])} is not in the picture from {edit.time:.2f} to {edit.end:.2f} s"
        )


def _edge(state: State, players: list[int], edit: Edit) -> None:
    (player,) = players
    at, to = _frame(state, edit.time or 0.0), _frame(state, edit.end or 0.0)
    segments = state.shown(player)
    edges = [i for i in range(1, len(segments)) if abs(segments[i].start_frame - at) <= 1]
    if not edges:
        raise InputError(f"edge: {_called(state, player)} has no edge between two actions at {edit.time:.2f} s")
    left, right = segments[edges[0] - 1], segments[edges[0]]
    if not left.start_frame < to < right.end_frame:
        raise InputError(f"edge: {edit.end:.2f} s is beyond the actions on both sides")
    if to == right.start_frame:
        return
    label = right if to < right.start_frame else left
    first, end = sorted((to, right.start_frame))
    _label_span(state, player, first, end, label.action)
    for piece in state.pieces[player]:
        state.segments[piece.source] = _grown(state, state.segments[piece.source], first, end)


def _grown(state: State, segments: list[ActionSegment], first: int, end: int) -> list[ActionSegment]:
    """Segments with what a person said from frame ``first`` to before ``end`` a part of the one that was to grow."""
    grown: list[ActionSegment] = []
    for segment in segments:
        before = grown[-1] if grown else None
        if (
            before is not None
            and (first, end) in ((segment.start_frame, segment.end_frame), (before.start_frame, before.end_frame))
            and before.end_frame == segment.start_frame
            and before.action == segment.action
        ):
            whole = dataclasses.replace(before, source=PERSON)
            grown[-1] = state.recut(whole, before.start_frame, segment.end_frame)
        else:
            grown.append(segment)
    return grown


def _label_span(state: State, player: int, first: int, end: int, label: str) -> bool:
    """Say ``label`` of a player from frame ``first`` to before ``end``; whether he is there at all."""
    there = False
    for piece in state.pieces[player]:
        part = state.clip(piece, first, end)
        if part is None:
            continue
        there = True
        low, high = max(first, part.first), min(end, part.last + 1)
        kept = [s for segment in state.segments[part.source] for s in _without(state, segment, low, high)]
        relabelled = state.recut(ActionSegment(part.source, label, 0.0, 1.0, 0, 1, 1.0, PERSON), low, high)
        state.segments[part.source] = sorted([*kept, relabelled], key=lambda s: s.start_frame)
    return there


def _without(state: State, segment: ActionSegment, first: int, end: int) -> list[ActionSegment]:
    """What is left of a segment outside the frames from ``first`` to before ``end``."""
    if segment.end_frame <= first or segment.start_frame >= end:
        return [segment]
    spans = ((segment.start_frame, first), (end, segment.end_frame))
    return [state.recut(segment, a, b) for a, b in spans if a < b]


_DO: Mapping[str, Callable[[State, list[int], Edit], None]] = {
    "rename": _rename, "merge": _merge, "split": _split, "swap": _swap, "drop": _leave_out(BY_HAND),
    "referee": _leave_out(REFEREE), "restore": _restore, "team": _team, "relabel": _relabel, "edge": _edge,
}  # fmt: skip


def _called(state: State, player: int) -> str:
    return f"player {state.names.get(player) or player}"


def _frames(state: State, player: int) -> IntArray:
    return np.concatenate([state.boxes(piece).frame_index for piece in state.pieces[player]])


def _frame(state: State, time: float) -> int:
    """The first analysed frame that is shown at ``time`` or later; one more than the last where there is none."""
    frames = state.analysis.frames
    row = bisect_left(frames.time, time - 1e-6)
    return int(frames.index[row]) if row < len(frames) else int(frames.index[-1]) + 1


def _time(state: State, frame: int) -> float:
    frames = state.analysis.frames
    return float(frames.time[bisect_left(frames.index, frame)])
