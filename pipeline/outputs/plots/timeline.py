"""A picture of what every player does, from the first frame to the last, and of what happens to the ball."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.analysis.timeline import UNSURE
from pipeline.analysis.values import Analysis
from pipeline.outputs.ball import time_of
from pipeline.outputs.plots.style import (
    INK,
    PALE,
    action_colors,
    bars,
    label_rows,
    legend,
    player_rows,
    rows_figure,
    save_figure,
    team_handles,
    time_axis,
    title,
)
from pipeline.stages.ball import events_of
from tracker.ball.events import PASS, REBOUND, SHOT, TURNOVER

_MARKS = {PASS: ">", SHOT: "*", REBOUND: "^", TURNOVER: "X"}
_SIZES = {SHOT: 130}
_SIZE = 55


def plot_timeline(analysis: Analysis, path: Path) -> None:
    """Write a picture (PNG, or SVG by its name): a row per player, a colour per action, a mark per event."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows, colors = player_rows(analysis), action_colors(analysis.timeline.labels)
    figure, axes = rows_figure(len(rows))
    place = {player: row for row, player in enumerate(rows)}
    segments = analysis.timeline.segments
    for player, row in place.items():
        own = [s for s in segments if s.track_id == player]
        bars(axes, row, [(s.start, s.end) for s in own], [colors[s.action] for s in own])
    kinds = _draw_events(axes, analysis, place)
    label_rows(axes, analysis, rows)
    time_axis(axes, analysis)
    title(axes, "Who does what when", "colour: action; stripe at the left: team; mark: what happens to the ball")
    done = {s.action for s in segments}
    handles: list[Any] = [Patch(color=colors[a], label=a) for a in (*analysis.timeline.labels, UNSURE) if a in done]
    handles += [
        Line2D([], [], linestyle="", marker=_MARKS[kind], color=INK, markeredgecolor="white", markersize=9, label=kind)
        for kind in kinds
    ]
    legend(figure, [*handles, *team_handles(analysis)])
    save_figure(figure, path)


def _draw_events(axes: Any, analysis: Analysis, place: dict[int, int]) -> list[str]:
    """Kinds of events that there are."""
    events = [event for event in events_of(analysis) if event.player in place]
    for event in events:
        axes.scatter(
            time_of(event, analysis), place[event.player], marker=_MARKS[event.kind], s=_SIZES.get(event.kind, _SIZE),
            color=INK, edgecolor="white", linewidth=0.8, zorder=3,
        )  # fmt: skip
    for event in (event for event in events if event.kind in (PASS, TURNOVER) and event.to in place):
        time = time_of(event, analysis)
        axes.plot([time, time], [place[event.player], place[event.to]], color=PALE, linewidth=0.9, zorder=2)
    return [kind for kind in _MARKS if any(event.kind == kind for event in events)]
