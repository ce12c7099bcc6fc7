"""A picture of what each player spends his time on."""

from __future__ import annotations

from pathlib import Path

from pipeline.analysis.timeline import UNSURE
from pipeline.analysis.values import Analysis
from pipeline.outputs.budget import time_budget
from pipeline.outputs.plots.style import (
    GRID,
    INK,
    PALE,
    action_colors,
    duration,
    label_rows,
    legend,
    player_rows,
    rows_figure,
    save_figure,
    team_handles,
    title,
)

_NARROWEST = 0.05
"""Share of the time for which a bar must stand for its figure to fit in."""


def plot_budget(analysis: Analysis, path: Path) -> None:
    """Write a picture (PNG, or SVG by its name): a bar per player, cut into the shares of his actions."""
    from matplotlib.patches import Patch
    from matplotlib.ticker import PercentFormatter

    rows, colors = player_rows(analysis), action_colors(analysis.timeline.labels)
    budgets = time_budget(analysis.timeline)
    figure, axes = rows_figure(len(rows))
    totals = dict.fromkeys(rows, 0.0)
    for row, player in enumerate(rows):
        left = 0.0
        for budget in (b for b in budgets if b.track_id == player):
            axes.barh(row, budget.share, 0.72, left, color=colors[budget.action], edgecolor="white", linewidth=0.6)
            if budget.share >= _NARROWEST:
                middle = left + budget.share / 2
                axes.text(middle, row, f"{budget.share:.0%}", ha="center", va="center", fontsize=9, color=INK)
            left += budget.share
            totals[player] += budget.total
    label_rows(axes, analysis, rows, [duration(total) for total in totals.values()])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.tick_params(axis="x", length=0, colors=PALE, labelsize=10)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    title(axes, "What each player spends his time on", "share of his labelled time; right: how long that is")
    done = {budget.action for budget in budgets}
    shown = [Patch(color=colors[a], label=a) for a in (*analysis.timeline.labels, UNSURE) if a in done]
    legend(figure, [*shown, *team_handles(analysis)])
    save_figure(figure, path)
