"""ball.csv and events.csv: where the ball is and who has it, frame by frame, and what happens to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ground.disk.tables import write_rows
from pipeline.analysis.values import Analysis, player_name
from tracker.ball.events import BallEvent
from tracker.ball.path import STATES
from tracker.ball.scene import NOBODY
from tracker.names import clear_names

BALL_COLUMNS = ("frame", "time_s", "x", "y", "state", "player")
"""frame: 0-based; x, y: pixels; state: of ``STATES``; player: number or name of who has it, empty: nobody."""
EVENT_COLUMNS = ("time_s", "frame", "event", "player", "to", "team", "confidence")
"""to: who gets the ball; team: of ``player``, empty: not known."""


def write_ball_csv(analysis: Analysis, path: Path) -> None:
    """Write a line for each frame in which anything is known of the ball, in UTF-8; none where nobody looked."""
    names, ball = clear_names(analysis.names)[0], analysis.ball
    lines: list[Sequence[object]] = []
    if ball is not None:
        time = analysis.frames.time[np.searchsorted(analysis.frames.index, ball.frame_index)]
        played = set(analysis.tracks.ids.tolist())
        rows = zip(ball.frame_index.tolist(), time.tolist(), ball.xy.tolist(), ball.state, ball.holder, strict=True)
        for frame, seconds, (x, y), state, holder in rows:
            player = player_name(names, int(holder)) if int(holder) in played else ""
            lines.append((frame, f"{seconds:.3f}", f"{x:.1f}", f"{y:.1f}", STATES[state], player))
    write_rows(path, BALL_COLUMNS, lines)


def write_events_csv(events: Iterable[BallEvent], analysis: Analysis, path: Path) -> None:
    """Write a line for each event, in UTF-8."""
    names = clear_names(analysis.names)[0]
    write_rows(path, EVENT_COLUMNS, [_line(event, analysis, names) for event in events])


def _line(event: BallEvent, analysis: Analysis, names: Mapping[int, str]) -> Sequence[object]:
    to = "" if event.to == NOBODY else player_name(names, event.to)
    player, team = player_name(names, event.player), analysis.teams.team(event.player)
    time = time_of(event, analysis)
    return (f"{time:.3f}", event.frame, event.kind, player, to, team, f"{event.confidence:.3f}")


def time_of(event: BallEvent, analysis: Analysis) -> float:
    """Seconds at which an event is."""
    return float(analysis.frames.time[np.searchsorted(analysis.frames.index, event.frame)])


def event_text(event: BallEvent, names: Mapping[int, str]) -> str:
    """What is said of an event beside its player's name: ``pass to 7``."""
    return event.kind if event.to == NOBODY else f"{event.kind} to {player_name(names, event.to)}"
