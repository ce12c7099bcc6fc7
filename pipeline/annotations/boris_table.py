"""BORIS' aggregated events as a table (CSV): a line per action with its begin and its end."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from ground.disk.files import write_atomically
from ground.disk.tables import Row, decimal, read_rows
from ground.errors import InputError
from pipeline.annotations.annotation_file import (
    EVENT_SECONDS,
    Annotation,
    AnnotationFile,
    number,
    place_of,
    sorted_annotations,
    timed,
)
from pipeline.annotations.boris import code, comment, read_comment, renamed

COLUMNS = (
    "Observation id", "Observation date", "Description", "Observation type", "Source", "Time offset (s)",
    "Coding duration", "Media duration (s)", "FPS (frame/s)", "Subject",
    "Observation duration by subject by observation", "Behavior", "Behavioral category", "Behavior type", "Start (s)",
    "Stop (s)", "Duration (s)", "Media file name", "Image index start", "Image index stop", "Image file path start",
    "Image file path stop", "Comment start", "Comment stop",
)  # fmt: skip
NEEDED = ("subject", "behavior", "behavior type", "start (s)", "stop (s)")
"""In lower case; by these columns such a table is told, and the others may be missing."""
_STATE, _POINT = "STATE", "POINT"


def write_boris_table(path: Path, file: AnnotationFile) -> tuple[str, ...]:
    """Write a line per annotation, as BORIS 9 exports them. Returns notes on what could not be kept."""
    annotations, short = timed(file.annotations)
    video = place_of(file.video, path)
    spans = [(entry.start, entry.end) for entry in annotations]
    coded = (max(end for _, end in spans) - min(start for start, _ in spans)) / 1000 if spans else 0.0
    made = file.made.strftime("%Y-%m-%d %H:%M:%S")
    about = (Path(video).stem, made, "", "Media file(s)", f"player #1:{video}", "0.0",
             f"{coded:.3f}", f"{file.duration:.3f}", f"{file.frame_rate:.3f}")  # fmt: skip
    with write_atomically(path) as part, part.open("w", encoding="utf-8", errors="replace", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(COLUMNS)
        for found, start, end in annotations:
            kind, category, stop = (_POINT, "ball", start) if found.is_event else (_STATE, "action", end)
            times = (f"{at / 1000:.3f}" for at in (start, stop, stop - start))
            images = found.frames or ("", "")
            last = images[0] if found.is_event else images[1]
            who = (code(found.player), f"{coded:.3f}", code(found.action), category, kind)
            writer.writerow((*about, *who, *times, video, images[0], last, "", "", comment(found), ""))
    return (*short, *renamed((*file.people(), *file.actions())))


def read_boris_table(path: Path, _actions: Collection[str] = ()) -> AnnotationFile:
    """The lines of a table of aggregated events. Raises InputError, with the line, for what is none."""
    rows = read_rows(path, NEEDED)
    observations = {row.get("observation id", "") for _, row in rows}
    if len(observations) > 1:
        raise InputError(f"{path}: holds {len(observations)} observations; export one at a time")
    read = [_annotation(row, f"{path}: line {line}") for line, row in rows]
    found = [annotation for annotation in read if annotation is not None]
    left_out = len(read) - len(found)
    notes = (f"{number(left_out, 'line')} left out, without a player or a length",) if left_out else ()
    return AnnotationFile(sorted_annotations(found), notes=notes)


def _annotation(row: Row, where: str) -> Annotation | None:
    """None for what has no player or no length."""
    player, action = row["subject"], row["behavior"]
    try:
        is_point = row["behavior type"].upper() == _POINT
        start = decimal(row["start (s)"])
        end = start + EVENT_SECONDS if is_point else decimal(row["stop (s)"])
        confidence, to = read_comment(row.get("comment start", ""))
        if not player or not action or start == end:
            return None
        return Annotation(player, action, start, end, confidence=confidence, to=to)
    except ValueError as error:
        raise InputError(f"{where}: expected {', '.join(NEEDED)} ({error!s:.80})") from error
