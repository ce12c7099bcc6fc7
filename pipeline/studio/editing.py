"""One analysis while a person corrects it: what is on disk, what it makes of the analysis, who may write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from ground.disk.lock import claim
from ground.errors import InputError, unwritable
from pipeline.analysis.folder import JSON_NAME, is_analysis, load_analysis, save_analysis
from pipeline.analysis.values import Analysis, player_name
from pipeline.edits.draft import Draft
from pipeline.edits.entries import Edit
from pipeline.edits.log import NAME, append_edits, done_and_undone, effective, read_edits

BEHIND = ".courtscribe-behind"
"""File in an analysis' folder while what is shown there may be behind its edits."""
_MOST = 10_000
"""Corrections at once."""


class Editing:
    """An analysis that is open. One studio at a time corrects it; others read what is there.

    Every change is one entry of ``edits.jsonl``, which is on disk before ``change`` returns. All methods may be called
    from any thread.
    """

    def __init__(self, folder: Path) -> None:
        """Open the analysis in ``folder``. Raises InputError where there is none, or it cannot be read."""
        if not is_analysis(folder):
            raise InputError(f"{folder}: is no analysis (there is no {JSON_NAME} in it)")
        self.folder = folder
        self._lock = threading.RLock()
        self._held = ExitStack()
        self._closed = False
        self._state = 0
        self.refusal = ""
        """Why nobody may correct here; empty: one may."""
        self._claim()
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def _claim(self) -> None:
        try:
            self._held.enter_context(claim(self.folder))
        except InputError as error:
            self.refusal = str(error)
        else:
            self.refusal = ""

    def ask_again(self) -> bool:
        """Whether it can be corrected, now that whoever did has perhaps ended."""
        with self._lock:
            if self.refusal and not self._closed:
                self._claim()
                if not self.refusal and _stamp(self.folder) != self._stamp:
                    self._read()
            return not self.refusal

    def _read(self) -> None:
        self._stamp = _stamp(self.folder)
        self._draft = Draft(load_analysis(self.folder), read_edits(self.folder))
        self._shown, self._state = self._draft.shown(), self._state + 1

    def close(self) -> None:
        """Let others correct it."""
        with self._lock:
            self._closed, self.refusal = True, self.refusal or "it is closed"
            try:
                self._held.close()
            except InputError:  # the folder was removed: then there is nothing to let go of
                return

    @property
    def is_writable(self) -> bool:
        """Whether this studio corrects it."""
        return not self.refusal

    def shown(self) -> tuple[Analysis, int]:
        """The analysis with its edits, and a number that is another one whenever it is another.

        Whoever only reads sees what another has written since.
        """
        with self._lock:
            if not self.is_writable and _stamp(self.folder) != self._stamp:
                self._read()
            return self._shown, self._state

    def settle(self, state: int, publish: Callable[[], object] = lambda: None) -> bool:
        """Unless it is another one than in ``state``: ``publish``, after which nothing is behind any more.

        Returns whether it was the same.
        """
        with self._lock:
            if state != self._state:
                return False
            publish()
            (self.folder / BEHIND).unlink(missing_ok=True)
            return True

    def num_entries(self) -> int:
        """How many entries there are, undos included."""
        with self._lock:
            return len(self._draft.edits)

    def steps(self) -> tuple[int, int]:
        """How many changes can be undone, and done again."""
        with self._lock:
            done, undone = done_and_undone(self._draft.edits)
        return len(done), len(undone)

    def left_out(self) -> dict[int, tuple[str, str]]:
        """Name and reason of everybody who is not shown and can be brought back, by number."""
        with self._lock:
            names = self._draft.names
            return {i: (player_name(names, i), why) for i, why in self._draft.left_out.items()}

    def history(self, most: int = 200) -> list[Edit]:
        """The latest changes that count, in their order."""
        return self.effective()[-most:]

    def effective(self) -> list[Edit]:
        """All changes that count, in their order."""
        with self._lock:
            return effective(self._draft.edits)

    def change(self, wanted: Sequence[Mapping[str, Any]]) -> None:
        """Do what a page asks for, as one entry: several changes are undone at once.

        wanted: of each ``edit``, ``players`` (numbers), ``time``, ``end`` (seconds), ``text``, as the entry needs them.
        On disk when this returns. Raises InputError, changing nothing, where it cannot be done or kept.
        """
        with self._lock:
            if self.refusal:
                raise InputError(self.refusal)
            if not 0 < len(wanted) <= _MOST:
                raise InputError(f"1 to {_MOST} changes are made at once")
            edits = [self._edit(one) for one in wanted]
            self._draft.do(edits[0] if len(edits) == 1 else Edit("together", parts=tuple(edits)))
            try:
                self._mark_behind()
                append_edits(self.folder, self._draft.edits[-1:])
            except BaseException:
                self._draft.take_back()
                raise
            self._shown, self._state = self._draft.shown(), self._state + 1

    def replace(self, analysis: Analysis) -> None:
        """Keep another analysis of the same video here; the edits stay. Raises InputError where it cannot be kept."""
        with self._lock:
            if self.refusal:
                raise InputError(self.refusal)
            self._mark_behind()
            save_analysis(analysis, self.folder)
            self._read()

    def _mark_behind(self) -> None:
        mark = self.folder / BEHIND
        try:
            mark.touch()
        except OSError as error:
            raise unwritable(mark, error) from error

    def _edit(self, wanted: Mapping[str, Any]) -> Edit:
        unknown = set(wanted) - {"edit", "players", "time", "end", "text"}
        kind, players, text = (wanted.get(name) for name in ("edit", "players", "text"))
        times = [wanted.get(name) for name in ("time", "end")]
        if (
            unknown
            or not isinstance(kind, str)
            or not isinstance(text, str | None)
            or not isinstance(players, list | None)
            or not all(type(player) is int for player in cast("list[Any]", players or []))
            or not all(isinstance(time, float | int | None) and not isinstance(time, bool) for time in times)
        ):
            raise InputError(f"{wanted!r:.200}: is no change")
        time, end = (None if value is None else float(value) for value in times)
        who = tuple(self._draft.who_is(player, time) for player in cast("list[int]", players or []))
        return Edit(kind, who, time, end, text)


def _stamp(folder: Path) -> tuple[int, ...]:
    """What changes when the analysis or its edits do."""
    found: list[int] = []
    for name in (JSON_NAME, NAME):
        try:
            about = (folder / name).stat()
        except OSError:
            found += [0, 0]
        else:
            found += [about.st_mtime_ns, about.st_size]
    return tuple(found)
