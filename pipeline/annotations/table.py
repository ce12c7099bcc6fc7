"""A table (CSV) for spreadsheets, with frames: the columns of ``timeline.csv``, who says so, and who gets the ball."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from ground.disk.files import write_atomically
from ground.disk.tables import Row, decimal, read_rows
from ground.errors import InputError
from pipeline.annotations.annotation_file import Annotation, AnnotationFile, sorted_annotations, timed

COLUMNS = ("player", "action", "start_s", "end_s", "start_frame", "end_frame", "confidence", "team", "source", "to")
"""As of ``Annotation``; seconds with 3 decimals; frames 0-based, the end exclusive."""
NEEDED = ("player", "action", "start_s", "end_s")
"""By these columns such a table is told, and the others may be missing."""


def write_table(path: Path, file: AnnotationFile) -> tuple[str, ...]:
    """Write a line per annotation, in UTF-8. Returns notes on what could not be kept."""
    annotations, notes = timed(file.annotations)
    with write_atomically(path) as part, part.open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(COLUMNS)
        for found, start, end in annotations:
            confidence = "" if found.confidence is None else f"{found.confidence:.3f}"
            times = (f"{start / 1000:.3f}", f"{end / 1000:.3f}", *(found.frames or ("", "")))
            writer.writerow((found.player, found.action, *times, confidence, found.team, found.source, found.to))
    return notes


def read_table(path: Path, _actions: Collection[str] = ()) -> AnnotationFile:
    """The lines of a table, as it is or saved again by a spreadsheet; ``timeline.csv`` is one, too.

    Raises InputError, with the line, for what is no such table.
    """
    found = [_annotation(row, f"{path}: line {line}") for line, row in read_rows(path, NEEDED)]
    teams = {a.player: a.team for a in found if a.team}
    return AnnotationFile(sorted_annotations(found), teams=teams)


def _annotation(row: Row, where: str) -> Annotation:
    try:
        start, end = decimal(row["start_s"]), decimal(row["end_s"])
        frames = [row.get(name, "") for name in ("start_frame", "end_frame")]
        known = (_whole(frames[0]), _whole(frames[1])) if all(frames) else None
        sure = decimal(row["confidence"]) if row.get("confidence") else None
        team, source, to = (row.get(name, "") for name in ("team", "source", "to"))
        return Annotation(row["player"], row["action"], start, end, known, sure, team, source, to)
    except ValueError as error:
        raise InputError(f"{where}: expected {','.join(NEEDED)} ({error!s:.80})") from error


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError(f"{text[:40]!r} is no frame's number")
    return int(text)
