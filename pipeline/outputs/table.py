"""timeline.csv: a line for everything that every player did."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ground.errors import InputError
from ground.files import write_atomically
from pipeline.analysis.values import player_name
from pipeline.timeline import ActionSegment, Timeline

COLUMNS = ("player", "action", "start_s", "end_s", "start_frame", "end_frame", "confidence")
"""player: the track's number or its name; seconds with 3 decimals; frames 0-based, end exclusive; confidence 0..1."""


def write_timeline_csv(timeline: Timeline, names: Mapping[int, str], path: Path) -> None:
    """Write ``timeline`` to ``path`` in UTF-8, a line per segment; ``names`` maps track numbers to players' names."""
    with write_atomically(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for s in timeline.segments:
            times = (f"{s.start:.3f}", f"{s.end:.3f}", s.start_frame, s.end_frame, f"{s.confidence:.3f}")
            writer.writerow((player_name(names, s.track_id), s.action, *times))


def read_timeline_csv(path: Path, labels: Sequence[str], names: Mapping[int, str] | None = None) -> Timeline:
    """What ``write_timeline_csv`` wrote, to the millisecond.

    labels: all actions that there are, in the classifier's order; names: as they were when it was written.
    Raises InputError, naming the line, where the file is not such a timeline.
    """
    ids = {name: track_id for track_id, name in (names or {}).items()}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != COLUMNS:
                raise InputError(f"{path}: line 1: expected {','.join(COLUMNS)}")
            segments = tuple(_segment(row, ids, f"{path}: line {reader.line_num}") for row in reader if row)
        return Timeline(tuple(labels), segments)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a table of comma-separated text ({error})") from error
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{path}: not a timeline: {error}") from error


def _segment(row: list[str], ids: Mapping[str, int], where: str) -> ActionSegment:
    try:
        player, action, start, end, start_frame, end_frame, confidence = row
        track_id = ids[player] if player in ids else int(player)
        return ActionSegment(
            track_id, action, float(start), float(end), int(start_frame), int(end_frame), float(confidence)
        )
    except ValueError as error:
        raise InputError(f"{where}: expected {','.join(COLUMNS)} ({error})") from error
