"""What is shown of an analysis follows its edits: tables at once, the annotated video in the background."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import psutil

from ground.disk.files import PART_PREFIX, PART_SUFFIX
from ground.errors import InputError
from pipeline.outputs.names import REPORT_NAME, VIDEO_NAME
from pipeline.outputs.place import shown_tables
from pipeline.outputs.write import show_report, write_shown
from pipeline.studio.editing import BEHIND, Editing

_QUIET = 4.0
"""Seconds without an edit after which the video is made: it takes the whole machine, and a person is at work."""
_AGAIN = 10.0
"""Seconds after which files that could not be written are tried again: a full disk may have been mended."""
_LOOK = 0.1
"""Seconds between looks at a video that is being made."""
_MANY = 400_000
"""Boxes from which files are written by a process of their own, so that they keep nobody waiting."""
_NICE = 10
"""By how much making it stands back behind what a person waits for."""
_PART = f"{PART_PREFIX}annotated{PART_SUFFIX}"


class Following:
    """Writes what shows an analysis, one writing at a time and the newest state only, in a thread of its own."""

    def __init__(self, editing: Editing, command: Sequence[str], quiet: float = _QUIET) -> None:
        """command: what runs courtscribe. quiet: seconds without an edit after which the video is made."""
        self._editing, self._command, self._quiet = editing, tuple(command), quiet
        self._wake = threading.Condition()
        self._wanted, self._tables_of, self._video_of = 0, 0, 0
        """States by number: the newest, the one that tables show, the one that the video shows."""
        self._changed_at = 0.0
        self._closed = False
        self._error = ""
        self._failed_at, self._failed_when = -1, 0.0
        self.source = ""
        """Where the analysed video is; empty: nowhere, and no video is made."""
        folder = editing.folder
        self._wants_video = (folder / VIDEO_NAME).is_file() or (folder / BEHIND).exists()
        self._thread = threading.Thread(target=self._work, name="following", daemon=True)
        self._thread.start()
        if editing.is_writable:
            self.take_over()

    def take_over(self) -> None:
        """This studio corrects it from now on: what an earlier one left unfinished is finished."""
        folder = self._editing.folder
        (folder / _PART).unlink(missing_ok=True)
        if (folder / BEHIND).exists():  # it was killed before all had followed
            self.follow()

    def follow(self) -> None:
        """The analysis has changed."""
        with self._wake:
            self._wanted += 1
            self._changed_at = time.monotonic()
            self._wake.notify_all()

    def want_video(self) -> None:
        """Make the annotated video, too, from now on. Raises InputError where this studio only reads."""
        if not self._editing.is_writable:
            raise InputError(self._editing.refusal)
        with self._wake:
            self._wants_video, self._failed_at = True, -1
            if not (self._editing.folder / VIDEO_NAME).is_file():
                self._video_of = -1
            self._wake.notify_all()

    def state(self) -> dict[str, Any]:
        """How far it is, as JSON takes it."""
        with self._wake:
            is_behind = self._tables_of != self._wanted
            state = {"tables": "error" if self._error else "writing" if is_behind else "done", "error": self._error}
            has_video = (self._editing.folder / VIDEO_NAME).is_file()
            state["video"] = "there" if has_video and not is_behind else "none"
            if self._wants_video and state["video"] == "none" and self._failed_at != self._wanted:
                state["video"] = "waiting" if self.source else "no source"
        progress = self._progress()
        return {**state, "video": "making", "progress": progress} if progress else state

    def close(self) -> None:
        """Finish the tables, give up the video, and end."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join(timeout=30)

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (job := self._next()) and not self._closed:
                    self._wake.wait(timeout=self._until_quiet() or (_AGAIN if self._error else None))
                if not job:
                    return
            if job == "tables":
                self._write_tables()
            elif not self._closed:
                self._make_video()

    def _next(self) -> str:
        has_failed = self._failed_at == self._wanted and time.monotonic() - self._failed_when < _AGAIN
        if self._tables_of != self._wanted and not (self._error and has_failed):
            return "tables"
        is_due = self._wants_video and self._video_of != self._wanted and bool(self.source) and not self._error
        if is_due and self._failed_at != self._wanted and not self._closed and not self._until_quiet():
            return "video"
        return ""

    def _until_quiet(self) -> float | None:
        left = self._changed_at + self._quiet - time.monotonic()
        return left if left > 0 else None

    def _write_tables(self) -> None:
        number = self._wanted
        analysis, state = self._editing.shown()
        error = ""
        try:
            if len(analysis.tracks) > _MANY:
                arguments = ["-m", "pipeline.studio.tables", str(self._editing.folder), self.source]
                error = self._run([sys.executable, *arguments], number)
            else:
                write_shown(analysis, self._editing.folder, with_video=False, video=self.source or None)
            if not self._wants_video and not error:
                self._editing.settle(state)
        except (InputError, OSError) as reason:
            error = str(reason)
        with self._wake:
            if number != self._wanted:  # it may have been stopped for that
                return
            self._error = error
            if error:
                self._failed_at, self._failed_when = number, time.monotonic()
            else:
                self._tables_of = number

    def _make_video(self) -> None:
        number, folder = self._wanted, self._editing.folder
        _, state = self._editing.shown()
        part, progress = folder / _PART, self._progress_file
        arguments = ["render", self.source, str(folder), "-o", str(part), "--quiet", "--progress-file", str(progress)]
        error = self._run([*self._command, *arguments], number)
        progress.unlink(missing_ok=True)
        is_made = not error and self._editing.settle(state, lambda: part.replace(folder / VIDEO_NAME))
        part.unlink(missing_ok=True)
        if is_made:
            self._name_video()
        with self._wake:
            if is_made:
                self._video_of = number
            elif error and number == self._wanted and not self._closed:
                self._error, self._failed_at = error, number

    def _run(self, command: Sequence[str], number: int) -> str:
        """Run a command to its end, or until what it is about is no more -> what it says where it fails."""
        with (
            TemporaryFile() as said,  # a pipe that nobody reads meanwhile would hold up who says much
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said) as process,
        ):
            with suppress(psutil.Error):
                psutil.Process(process.pid).nice(_NICE)
            while process.poll() is None:
                if self._closed or number != self._wanted:
                    process.terminate()
                time.sleep(_LOOK)
            said.seek(0)
            return last_line(said.read()) if process.returncode else ""

    def _name_video(self) -> None:
        """Let the report know that the annotated video is there."""
        analysis, _ = self._editing.shown()
        folder = self._editing.folder
        with suppress(InputError):  # it has shown all but this before
            show_report(analysis, folder / REPORT_NAME, self.source, folder / VIDEO_NAME, shown_tables(folder))

    @property
    def _progress_file(self) -> Path:
        return self._editing.folder / f"{PART_PREFIX}progress{PART_SUFFIX}"

    def _progress(self) -> dict[str, Any] | None:
        return read_object(self._progress_file)


def last_line(said: bytes) -> str:
    """The last line of what a process said before it failed."""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "a process has ended without a word"


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in ``path``; None where there is none."""
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
