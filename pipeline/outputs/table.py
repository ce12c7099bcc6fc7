"""timeline.csv: a line for everything that every player did."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ground.disk.files import write_atomically
from ground.disk.tables import Row, decimal, read_rows
from ground.errors import InputError
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import player_name
from tracker.names import clear_names
from tracker.teams.teams import Teams

COLUMNS = ("player", "action", "start_s", "end_s", "start_frame", "end_frame", "confidence")
"""player: the track's number or its name; seconds with 3 decimals; frames 0-based, end exclusive; confidence 0..1."""
TEAM = "team"
"""The last column: A, B or the team's name; empty: of neither, or not known. It is not read back."""


def write_timeline_csv(timeline: Timeline, names: Mapping[int, str], path: Path, teams: Teams | None = None) -> None:
    """Write ``timeline`` to ``path`` in UTF-8, a line per segment; ``names`` maps track numbers to players' names.

    Names are written as ``tracker.names`` has them, so that a line can be told from any other player's.
    """
    (shown, _), teams = clear_names(names), teams or Teams()
    with write_atomically(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*COLUMNS, TEAM))
        for s in timeline.segments:
            times = (f"{s.start:.3f}", f"{s.end:.3f}", s.start_frame, s.end_frame, f"{s.confidence:.3f}")
            writer.writerow((player_name(shown, s.track_id), s.action, *times, teams.team(s.track_id)))


def read_timeline_csv(path: Path, labels: Sequence[str], names: Mapping[int, str] | None = None) -> Timeline:
    """What ``write_timeline_csv`` wrote, to the millisecond, as it is or saved again by a spreadsheet.

    labels: all actions that there are, in the classifier's order; names: as they were when it was written.
    Raises InputError, naming the line, where the file is not such a timeline.
    """
    ids = {name: track_id for track_id, name in clear_names(names or {})[0].items()}
    rows = read_rows(path, COLUMNS)
    segments = tuple(_segment(row, ids, f"{path}: line {line}") for line, row in rows)
    try:
        return Timeline(tuple(labels), segments)
    except ValueError as error:
        raise InputError(f"{path}: not a timeline: {error}") from error


def _segment(row: Row, ids: Mapping[str, int], where: str) -> ActionSegment:
    try:
        track_id = ids[row["player"]] if row["player"] in ids else _whole(row["player"])
        times = (decimal(row["start_s"]), decimal(row["end_s"]))
        frames = (_whole(row["start_frame"]), _whole(row["end_frame"]))
        return ActionSegment(track_id, row["action"], *times, *frames, decimal(row["confidence"]))
    except ValueError as error:
        raise InputError(f"{where}: expected {','.join(COLUMNS)} ({error!s:.80})") from error


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError(f"{text[:40]!r} is nobody's number or name, and no frame's number")
    return int(text)
