"""report.csv: what became of every video of a batch."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ground.disk.files import write_text
from ground.disk.tables import read_rows

REPORT_NAME = "report.csv"
COLUMNS = ("video", "state", "reason", "seconds", "speed")
"""state: one of those below; reason: why it failed; seconds: that it took; speed: seconds of video in one of them."""
WAITING, DONE, FAILED = "waiting", "done", "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """Of one video."""

    state: str
    reason: str = ""
    seconds: str = ""
    speed: str = ""


class Report:
    """The file, written whole whenever a row changes; from any thread."""

    def __init__(self, path: Path, videos: Iterable[str]) -> None:
        """Rows of an earlier report at ``path`` stay, also those of other videos, at the end.

        Raises InputError where another file is there.
        """
        self._path, self._lock = path, threading.Lock()
        before = _read(path) if path.exists() else {}
        now = {_printable(video): Row(WAITING) for video in videos}
        self._before = before
        self._rows = {**now, **{video: row for video, row in before.items() if video not in now}}

    def set(self, video: str, row: Row) -> None:
        """Say what became of a video. Raises InputError where it cannot be written."""
        with self._lock:
            self._rows[_printable(video)] = row
            self._write()

    def keep(self, video: str) -> None:
        """A video was done before: its row is what it was."""
        before = self._before.get(_printable(video))
        self.set(video, before if before is not None and before.state == DONE else Row(DONE))

    def _write(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows((video, row.state, row.reason, row.seconds, row.speed) for video, row in self._rows.items())
        write_text(self._path, text.getvalue())


def _read(path: Path) -> dict[str, Row]:
    return {row["video"]: _row(row) for _, row in read_rows(path, COLUMNS)}


def _row(row: Mapping[str, str]) -> Row:
    return Row(row["state"], row["reason"], row["seconds"], row["speed"])


def _printable(name: str) -> str:
    """A name in UTF-8; names of files may hold bytes that are no letters."""
    return name.encode("utf-8", "backslashreplace").decode()
