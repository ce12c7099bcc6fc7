"""Edits as a person says them, by a player's name or number and a time, made into entries."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from pathlib import Path

from ground.errors import InputError
from pipeline.analysis.values import Analysis, find_player
from pipeline.edits.entries import Edit, Who
from pipeline.edits.fold import apply, replay
from pipeline.edits.from_annotations import differences
from pipeline.edits.log import effective
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
        self._analysis = analysis
        self._state, _ = replay(analysis, effective(edits))

    def add(self, kind: str, text: str = "") -> Edit:
        """Do the edit that ``text`` says, in the words of the command line, such as ``split``, ``3@12.4``.

        Raises InputError, changing nothing, where it is not understood or cannot be done.
        """
        return self._do(Edit(kind) if kind in ("undo", "redo") else _READ[kind](self, kind, text))

    def add_differences(self, path: Path) -> tuple[int, tuple[str, ...]]:
        """Do what a person corrected in the file of another program; returns how many edits, and notes.

        Raises InputError, changing nothing, as ``differences``.
        """
        found, notes = differences(self._state.folded(()), path)
        for span in found:
            self._do(Edit("relabel", (self._box(span.track_id, span.start),), span.start, span.end, span.label))
        return len(found), notes

    def _do(self, edit: Edit) -> Edit:
        if edit.kind in ("undo", "redo"):
            before, after = effective(self.edits), effective([*self.edits, edit])
            if before == after:
                raise InputError(f"there is nothing to {edit.kind}")
        else:
            apply(self._state, edit)
        self.edits, self.added = [*self.edits, edit], [*self.added, edit]
        if edit.kind in ("undo", "redo"):
            self._state, _ = replay(self._analysis, effective(self.edits))
        return edit

    @property
    def teams(self) -> Teams:
        """As they were found."""
        return self._analysis.teams

    def who(self, player: str, time: float | None = None) -> Who:
        """The player of this name or number, by his box nearest to ``time`` (seconds); None: in his middle.

        Raises InputError where there is no such player, or more than one.
        """
        return self._box(find_player(self._state.pieces, self._state.names, player), time)

    def _box(self, track_id: int, time: float | None) -> Who:
        boxes = [self._state.boxes(piece) for piece in self._state.pieces[track_id]]
        frames = [int(frame) for part in boxes for frame in part.frame_index]
        row = len(frames) // 2 if time is None else self._nearest(frames, time)
        return _who(track_id, boxes, frames[row])

    def _nearest(self, frames: list[int], time: float) -> int:
        index, times = self._analysis.frames.index, self._analysis.frames.time
        at = bisect_left(times, time - 1e-6)
        frame = int(index[min(at, len(index) - 1)])
        row = bisect_left(frames, frame)
        return min(row, len(frames) - 1)


def _who(track_id: int, boxes: list[Tracks], frame: int) -> Who:
    for part in boxes:
        row = bisect_left(part.frame_index, frame)
        if row < len(part) and part.frame_index[row] == frame:
            left, top, right, bottom = (round(float(edge), 2) for edge in part.xyxy[row])
            return Who(track_id, frame, (left, top, right, bottom))
    raise AssertionError("the frame is one of the boxes'")


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
