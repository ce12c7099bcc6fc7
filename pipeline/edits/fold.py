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
from pipeline.edits.pieces import LAST, START, Piece, State
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
    return state.folded(notes_on(left_out))


def notes_on(left_out: Sequence[str]) -> list[str]:
    """A line about each edit that is left out for a reason."""
    return [f"an edit is left out: {reason}" for reason in left_out]


def replay(analysis: Analysis, edits: Sequence[Edit]) -> tuple[State, list[str]]:
    """What ``edits`` make of ``analysis``, and why each of those that cannot be done is left out."""
    state = State.of(analysis)
    return state, apply_all(state, edits)


def apply_all(state: State, edits: Sequence[Edit]) -> list[str]:
    """Do what can be done of ``edits``, and say why each of the others is left out."""
    left_out: list[str] = []
    for edit in edits:
        for part in edit.parts or (edit,):
            try:
                apply(state, part)
            except InputError as error:
                left_out.append(str(error))
    return left_out


def apply(state: State, edit: Edit) -> None:
    """Do one edit. Raises InputError, leaving ``state`` as it is, where it, or a part of it, cannot be done."""
    if edit.parts:
        kept = state.kept()
        try:
            for part in edit.parts:
                apply(state, part)
        except InputError:
            state.take_back(kept)
            raise
        return
    players = [_find(state, who) for who in edit.who]
    if len(set(players)) != len(players):
        raise InputError(f"{edit.kind}: the same player is named twice")
    _DO[edit.kind](state, players, edit)


def _find(state: State, who: Who) -> int:
    """The player who is meant: the one with that box in that frame, his number aside."""
    if who.track_id in state.pieces and _overlap(state, who.track_id, who) >= _SAME:
        return who.track_id
    covering = {i: overlap for i in state.pieces if (overlap := _overlap(state, i, who)) >= _SAME}
    if not covering:
        raise InputError(f"player {who.track_id} is not there any more")
    return max(covering, key=lambda player: (player not in state.out, covering[player]))


def _overlap(state: State, player: int, who: Who) -> float:
    """How much the box of a player in the frame of ``who`` overlaps his; 0 where there is none."""
    for piece in state.pieces_in(player, who.frame, who.frame + 1):
        frames = state.frames[piece.source]
        row = bisect_left(frames, who.frame)
        if piece.first <= who.frame <= piece.last and row < len(frames) and frames[row] == who.frame:
            return _iou(state.rows[piece.source].xyxy[row].tolist(), who.box)
    return 0.0


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    """As ``tracker.boxes.iou``, of two boxes: arrays of one take twenty times as long."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    overlap = width * height
    return overlap / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap)


def _rename(state: State, players: list[int], edit: Edit) -> None:
    (player,), name = players, same(edit.text or "")
    # Names are kept in the one form that ``same`` gives them, see Players.
    taken = _owner(state, name, player)
    if taken is not None:
        raise InputError(f"rename: {name!r} is player {taken} already")
    shown = clear_names({player: name})[0].get(player, "")
    if shown != name:
        hint = f"; write {shown!r}" if shown and _owner(state, shown, player) is None else ""
        why = "a name is one short line, no number of another player, and nothing that a spreadsheet runs"
        raise InputError(f"rename: {name!r:.100} cannot be kept: {why}{hint}")
    state.names[player] = name
    state.lent.pop(player, None)


def _owner(state: State, name: str, besides: int) -> int | None:
    """Which other player goes by ``name``."""
    named = (i for i, given in state.names.items() if given == name and i != besides and i in state.pieces)
    return next(named, None) if name else None


def _merge(state: State, players: list[int], _edit: Edit) -> None:
    spans = sorted((*state.span(piece), player) for player in players for piece in state.pieces[player])
    reach, holder = -1, -1
    for first, last, player in spans:
        if first <= reach and player != holder:
            _refuse_both(state, players)  # some of their frames may be the same
            break
        reach, holder = max(reach, last), player if last >= reach else holder
    kept = players[0]
    merged = [piece for player in players for piece in state.pieces[player]]
    bounds = sorted({edge for first, last, _ in spans for edge in (first, last + 1)})
    parts = [_cut_at(piece, state.span(piece), bounds, state) for piece in merged]
    state.pieces[kept] = sorted((part for some in parts for part in some), key=lambda piece: piece.first)
    for player in players[1:]:
        del state.pieces[player]
        state.out.pop(player, None)
    named = [player for player in players if state.names.get(player)]
    lender = next((player for player in named if state.names[player] != _worn(state, player)), (*named, kept)[0])
    if lender != kept:
        state.names[kept], state.lent[kept] = state.names[lender], lender


def _worn(state: State, player: int) -> str:
    """What a player is called by the number that he wears; empty where none was read."""
    return state.analysis.names[player] if player in state.analysis.players.numbers else ""


def _refuse_both(state: State, players: list[int]) -> None:
    """Raise InputError where two of ``players`` are in the same picture."""
    frames = np.concatenate([_frames(state, player) for player in players])
    count, twice = np.unique(frames, return_counts=True)
    if (twice > 1).any():
        shared = count[twice > 1]
        called = " and ".join(_called(state, player) for player in players)
        raise InputError(
            f"merge: {called} are both in the picture in {len(shared)} frames, "
            f"from {_time(state, int(shared[0])):.2f} to {_time(state, int(shared[-1])):.2f} s; split or drop one first"
        )


def _cut_at(piece: Piece, span: tuple[int, int], bounds: list[int], state: State) -> list[Piece]:
    """A piece with boxes in ``span`` (first and last), cut at ``bounds`` between: others lie in its gaps there."""
    inside = bounds[bisect_right(bounds, span[0]) : bisect_right(bounds, span[1])]
    parts = (state.clip(piece, a, b) for a, b in pairwise([-1, *inside, LAST]))
    return [part for part in parts if part is not None]


def _split(state: State, players: list[int], edit: Edit) -> None:
    (player,) = players
    at = state.frame_at(edit.time or 0.0)
    before, after = _divided(state, player, at)
    if not before or not after:
        raise InputError(f"split: {_called(state, player)} has no boxes on both sides of {edit.time:.2f} s")
    # The track's own number where it is free: to split what was merged gives back what there was.
    own = after[0].source
    new = own if own not in state.pieces else max(*state.pieces, *state.rows, *state.names) + 1
    state.pieces[player], state.pieces[new] = before, after
    if state.lent.get(player) == new:
        del state.names[player], state.lent[player]
        if worn := _worn(state, player):
            state.names[player] = worn


def _divided(state: State, player: int, at: int) -> tuple[list[Piece], list[Piece]]:
    """The pieces of a player before frame ``at``, and from it on."""
    parts = [(state.clip(p, -1, at), state.clip(p, at, LAST)) for p in state.pieces[player]]
    return [a for a, _ in parts if a is not None], [b for _, b in parts if b is not None]


def _swap(state: State, players: list[int], edit: Edit) -> None:
    at = state.frame_at(edit.time or 0.0)
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
    first, end = state.frame_at(edit.time or 0.0), state.frame_at(edit.end or 0.0)
    if not _label_span(state, players[0], first, end, label):
        raise InputError(
            f"relabel: {_called(state, players[0])} is not in the picture from {edit.time:.2f} to {edit.end:.2f} s"
        )


def _edge(state: State, players: list[int], edit: Edit) -> None:
    (player,) = players
    at, to = state.frame_at(edit.time or 0.0), state.frame_at(edit.end or 0.0)
    segments = state.shown(player, min(at, to) - 2, max(at, to) + 2)
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
    for piece in state.pieces_in(player, first - 1, end + 1):
        low, high = state.places(piece.source, first - 1, end + 1)
        segments = state.segments[piece.source]
        grown = _grown(state, segments[low:high], first, end)
        state.segments[piece.source] = [*segments[:low], *grown, *segments[high:]]


def _grown(state: State, segments: Sequence[ActionSegment], first: int, end: int) -> list[ActionSegment]:
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
    for piece in state.pieces_in(player, first, end):
        part = state.clip(piece, first, end)
        if part is None:
            continue
        there = True
        low, high = max(first, part.first), min(end, part.last + 1)
        segments = state.segments[part.source]
        a, b = state.places(part.source, low, high)
        kept = [s for segment in segments[a:b] for s in _without(state, segment, low, high)]
        relabelled = state.recut(ActionSegment(part.source, label, 0.0, 1.0, 0, 1, 1.0, PERSON), low, high)
        middle = sorted([*kept, relabelled], key=START)
        state.segments[part.source] = [*segments[:a], *middle, *segments[b:]]
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


def _time(state: State, frame: int) -> float:
    """When a frame is shown, seconds."""
    return state.times[bisect_left(state.index, frame)]
