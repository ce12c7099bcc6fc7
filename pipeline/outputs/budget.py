"""timebudget.csv: what each player spends his time on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev

from ground.disk.tables import write_rows
from pipeline.analysis.timeline import UNSURE, ActionSegment, Timeline
from pipeline.analysis.values import player_name
from tracker.names import clear_names
from tracker.teams.teams import Teams

COLUMNS = ("player", "team", "action", "number", "total_s", "mean_s", "sd_s", "share")
"""sd_s: sample standard deviation of durations, empty where there is one only; share: of his labelled time, 0..1."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One action of one player."""

    track_id: int
    action: str
    number: int
    """Times that he does it."""
    total: float
    """Seconds."""
    mean: float
    """Seconds that it lasts."""
    sd: float | None
    """Sample standard deviation of that, seconds; None: he does it once."""
    share: float
    """Of all the time in which he has a label, unsure ones among them, 0..1."""


def time_budget(timeline: Timeline) -> list[Budget]:
    """Each action of each player, by player, then in the order of the labels, ``unsure`` last."""
    durations: dict[int, dict[str, list[float]]] = {}
    last: dict[int, ActionSegment] = {}
    for segment in timeline.segments:
        own, before = durations.setdefault(segment.track_id, {}), last.get(segment.track_id)
        spans = own.setdefault(segment.action, [])
        if before is not None and (before.action, before.end_frame) == (segment.action, segment.start_frame):
            spans[-1] += segment.end - segment.start  # a person said a part of it: he did it once
        else:
            spans.append(segment.end - segment.start)
        last[segment.track_id] = segment
    budgets: list[Budget] = []
    for player, own in sorted(durations.items()):
        whole = sum(sum(spans) for spans in own.values())
        for action in (*timeline.labels, UNSURE):
            if spans := own.get(action):
                total, spread = sum(spans), stdev(spans) if len(spans) > 1 else None
                budgets.append(Budget(player, action, len(spans), total, total / len(spans), spread, total / whole))
    return budgets


def write_time_budget(timeline: Timeline, names: Mapping[int, str], path: Path, teams: Teams | None = None) -> None:
    """Write a line per player and action, in UTF-8; ``names`` maps track numbers to players' names."""
    (shown, _), teams = clear_names(names), teams or Teams()
    rows: list[tuple[object, ...]] = []
    for b in time_budget(timeline):
        spread = "" if b.sd is None else f"{b.sd:.3f}"
        figures = (b.number, f"{b.total:.3f}", f"{b.mean:.3f}", spread, f"{b.share:.4f}")
        rows.append((player_name(shown, b.track_id), teams.team(b.track_id), b.action, *figures))
    write_rows(path, COLUMNS, rows)
