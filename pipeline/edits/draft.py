"""Edits as a person says them, by a player's name or number and a time, made into entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ground.errors import InputError
from pipeline.analysis.values import Analysis, find_player
from pipeline.edits.entries import Edit, Who
from pipeline.edits.fold import apply, apply_all, notes_on
from pipeline.edits.from_annotations import differences
from pipeline.edits.log import effective
from pipeline.edits.pieces import Layout, Piece, State
from tracker.teams.teams import Teams
from tracker.types import Tracks

_TIME = r"(?:(?P<{0}_min>\d{{1,9}}):)?(?P<{0}>\d{{1,9}}(?:\.\d+)?)"
_AT = re.compile(r"(?P<who>.+)@" + _TIME.format("time"))
_SPAN = re.compile(r"(?P<who>.+)@" + _TIME.format("time") + "-" + _TIME.format("end") + r"(?:=(?P<text>.+))?")


class Draft:
    """The edits of an analysis, and what they have made of it so far, while a person adds to them."""

    def __init__(self, analysis: Analysis, edits: list[Edit]) -> None:
        self.edits = edits
        """All entries, undos included."""
        self.added: list[Edit] = []
        self._found = State.of(analysis)
        self._tracks: tuple[Layout, Tracks] | None = None
        self._replay()

    def add(self, kind: str, text: str = "") -> Edit:
        """Do the edit that ``text`` says, in the words of the command line, such as ``split``, ``3@12.4``.

        Raises InputError, changing nothing, where it is not understood or cannot be done.
        """
        return self.do(Edit(kind) if kind in ("undo", "redo") else _READ[kind](self, kind, text))

    def add_differences(self, path: Path) -> tuple[int, tuple[str, ...]]:
        """Do what a person corrected in the file of another program; returns how many edits, and notes.

        Raises InputError, changing nothing, as ``differences``.
        """
        found, notes = differences(self._state.folded(()), path)
        for span in found:
            self.do(Edit("relabel", (self.who_is(span.track_id, span.start),), span.start, span.end, span.label))
        return len(found), notes

    def do(self, edit: Edit) -> Edit:
        """Do ``edit``. Raises InputError, changing nothing, where it cannot be done."""
        if edit.kind in ("undo", "redo"):
            before, after = effective(self.edits), effective([*self.edits, edit])
            if before == after:
                raise InputError(f"there is nothing to {edit.kind}")
        else:
            apply(self._state, edit)
        self.edits, self.added = [*self.edits, edit], [*self.added, edit]
        if edit.kind in ("undo", "redo"):
            self._replay()
        return edit

    def take_back(self) -> None:
        """Forget what was added last, as if it had never been: it could not be kept."""
        self.edits, self.added = self.edits[:-1], self.added[:-1]
        self._replay()

    def _replay(self) -> None:
        self._state = self._found.kept()
        self._left_out = apply_all(self._state, effective(self.edits))

    def shown(self) -> Analysis:
        """What the edits make of the analysis, as ``pipeline.edits.fold.fold``; the same boxes are the same value."""
        if not effective(self.edits):
            return self._found.analysis
        layout = self._state.layout()
        known = self._tracks[1] if self._tracks is not None and self._tracks[0] == layout else None
        shown = self._state.folded(notes_on(self._left_out), known)
        self._tracks = layout, shown.tracks
        return shown

    @property
    def left_out(self) -> Mapping[int, str]:
        """Who is not shown, and why; he can be brought back."""
        return {player: why for player, why in self._state.out.items() if player in self._state.pieces}

    @property
    def names(self) -> Mapping[int, str]:
        """Of everybody, shown or not."""
        return self._state.names

    @property
    def teams(self) -> Teams:
        """As they were found."""
        return self._found.analysis.teams

    def who(self, player: str, time: float | None = None) -> Who:
        """The player of this name or number, by his box nearest to ``time`` (seconds); None: in his middle.

        Raises InputError where there is no such player, or more than one.
        """
        return self.who_is(find_player(self._state.pieces, self._state.names, player), time)

    def who_is(self, track_id: int, time: float | None = None) -> Who:
        """As ``who``, of the player with this number. Raises InputError where there is none."""
        if track_id not in self._state.pieces:
            raise InputError(f"player {track_id} is not there any more")
        pieces = self._state.pieces[track_id]
        counts = [self._state.num_boxes(piece) for piece in pieces]
        row = sum(counts) // 2 if time is None else self._nearest(pieces, counts, time)
        for piece, count in zip(pieces, counts, strict=True):
            if row < count:
                frame, box = self._state.box(piece, row)
                return Who(track_id, frame, box)
            row -= count
        raise AssertionError("the row is one of the boxes'")

    def _nearest(self, pieces: Sequence[Piece], counts: Sequence[int], time: float) -> int:
        """Which of the boxes is the first at ``time`` or later; the last where there is none."""
        frame, before = self._state.frame_at(time), 0
        for piece, count in zip(pieces, counts, strict=True):
            row = self._state.row(piece, frame)
            if row < count:
                return before + row
            before += count
        return before - 1


def _rename(draft: Draft, kind: str, text: str) -> Edit:
    player, separator, name = text.partition("=")
    if not separator:
        raise InputError(f"{kind} takes PLAYER=NAME, not {text!r:.60}", kind)
    return Edit(kind, (draft.who(player),), text=name.strip())


def _team(draft: Draft, kind: str, text: str) -> Edit:
    player, separator, team = text.partition("=")
    if not separator:
        raise InputError(f"{kind} takes PLAYER=TEAM, not {text!r:.60}", kind)
    return Edit(kind, (draft.who(player),), text=draft.teams.letter(team))


def _players(draft: Draft, kind: str, text: str) -> Edit:
    return Edit(kind, tuple(draft.who(player) for player in text.split(",")))


def _player(draft: Draft, kind: str, text: str) -> Edit:
    return Edit(kind, (draft.who(text),))


def _at(draft: Draft, kind: str, text: str) -> Edit:
    found = _AT.fullmatch(text)
    if found is None:
        raise InputError(f"{kind} takes {'PLAYER' if kind == 'split' else 'A,B'}@SECONDS, not {text!r:.60}", kind)
    time = _seconds(found, "time")
    players = found["who"].split(",") if kind == "swap" else [found["who"]]
    return Edit(kind, tuple(draft.who(player, time) for player in players), time=time)


def _span(draft: Draft, kind: str, text: str) -> Edit:
    found = _SPAN.fullmatch(text)
    if found is None or (found["text"] is None) != (kind == "edge"):
        form = "PLAYER@FROM-TO" if kind == "edge" else "PLAYER@START-END=LABEL"
        raise InputError(f"{kind} takes {form}, not {text!r:.60}", kind)
    time, end = _seconds(found, "time"), _seconds(found, "end")
    return Edit(kind, (draft.who(found["who"], time),), time, end, found["text"])


def _seconds(found: re.Match[str], name: str) -> float:
    """Of ``12.4`` or ``1:02.5``."""
    return 60.0 * int(found[f"{name}_min"] or 0) + float(found[name])


_READ: Mapping[str, Callable[[Draft, str, str], Edit]] = {
    "rename": _rename, "merge": _players, "split": _at, "swap": _at, "drop": _player, "restore": _player,
    "referee": _player, "team": _team, "relabel": _span, "edge": _span,
}  # fmt: skip
