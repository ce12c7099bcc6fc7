"""timeline.csv: a line for everything that every player did."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ground.disk.tables import write_rows
from pipeline.analysis.timeline import Timeline
from pipeline.analysis.values import player_name
from tracker.names import clear_names
from tracker.teams.teams import Teams

COLUMNS = ("player", "action", "start_s", "end_s", "start_frame", "end_frame", "confidence")
"""player: the track's number or its name; seconds with 3 decimals; frames 0-based, end exclusive; confidence 0..1."""
TEAM = "team"
"""The last column: A, B or the team's name; empty: of neither, or not known."""


def write_timeline_csv(timeline: Timeline, names: Mapping[int, str], path: Path, teams: Teams | None = None) -> None:
    """Write ``timeline`` to ``path`` in UTF-8, a line per segment; ``names`` maps track numbers to players' names.

    Names are written as ``tracker.names`` has them, so that a line can be told from any other player's.
    """
    (shown, _), teams = clear_names(names), teams or Teams()
    rows: list[tuple[object, ...]] = []
    for s in timeline.segments:
        times = (f"{s.start:.3f}", f"{s.end:.3f}", s.start_frame, s.end_frame, f"{s.confidence:.3f}")
        rows.append((player_name(shown, s.track_id), s.action, *times, teams.team(s.track_id)))
    write_rows(path, (*COLUMNS, TEAM), rows)
