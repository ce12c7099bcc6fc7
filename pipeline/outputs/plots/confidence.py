"""A picture of how sure labels are, over time and by player."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.analysis.timeline import UNSURE
from pipeline.analysis.values import Analysis
from pipeline.outputs.plots.style import (
    INK,
    PALE,
    bars,
    label_rows,
    player_rows,
    rows_figure,
    save_figure,
    time_axis,
    time_span,
    title,
)

_STEPS = 1200
"""Moments at which the line is drawn; a pixel each on most screens."""
_UNSURE_HATCH = "////"


def plot_confidence(analysis: Analysis, path: Path) -> None:
    """Write a picture (PNG, or SVG by its name): the mean over all players on top, below it a row per player."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    rows, segments = player_rows(analysis), analysis.timeline.segments
    figure, axes = rows_figure(len(rows), more=3.2)
    colors, scale = colormaps["viridis"], Normalize(0, 1)
    for row, player in enumerate(rows):
        for sure in (True, False):
            own = [s for s in segments if s.track_id == player and (s.action != UNSURE) == sure]
            tones = [colors(scale(s.confidence)) for s in own]
            bars(axes, row, [(s.start, s.end) for s in own], tones, hatch="" if sure else _UNSURE_HATCH)
    means = {i: _mean(analysis, i) for i in rows}
    label_rows(axes, analysis, rows, [f"{mean:.0%}" if mean is not None else "" for mean in means.values()])
    time_axis(axes, analysis)
    above = axes.inset_axes((0, 1.03, 1, 0.34 if len(rows) < 14 else 0.2))
    times, low, mean, high = _over_time(analysis)
    above.fill_between(times, low, high, color=colors(0.55), alpha=0.25, linewidth=0)
    above.plot(times, mean, color=INK, linewidth=1.4)
    time_axis(above, analysis)
    above.set(ylim=(0, 1), xticklabels=[], yticks=[0, 0.5, 1], yticklabels=["0", "0.5", "1"])
    above.tick_params(axis="y", length=0, colors=PALE, labelsize=9)
    for side in above.spines.values():
        side.set_visible(False)
    title(
        above, "How sure the labels are",
        "above: mean of all players, and the middle 80 % of them; below: each label's confidence, hatched: unsure; "
        "right: mean",
    )  # fmt: skip
    bar = figure.colorbar(
        ScalarMappable(scale, colors), ax=axes, orientation="horizontal", shrink=0.3, aspect=40, pad=0.02
    )
    bar.set_label("confidence", color=PALE, fontsize=10)
    bar.ax.tick_params(length=0, colors=PALE, labelsize=9)
    bar.outline.set_visible(False)
    save_figure(figure, path)


def _mean(analysis: Analysis, player: int) -> float | None:
    """Over time; None where he has no label."""
    own = [s for s in analysis.timeline.segments if s.track_id == player]
    lengths = [s.end - s.start for s in own]
    return float(np.average([s.confidence for s in own], weights=lengths)) if own else None


def _over_time(analysis: Analysis) -> tuple[npt.NDArray[np.float64], ...]:
    """Seconds (T,), and the tenth part, the mean and the nine tenth parts over players of confidence then; NaN where
    nobody has a label."""
    first, last = time_span(analysis)
    times = np.linspace(first, last, _STEPS, endpoint=False)
    rows = {player: row for row, player in enumerate(analysis.tracks.ids.tolist())}
    sure = np.full((max(1, len(rows)), _STEPS), np.nan)
    for segment in (s for s in analysis.timeline.segments if s.track_id in rows):
        low, high = np.searchsorted(times, [segment.start, segment.end])
        sure[rows[segment.track_id], low:high] = segment.confidence
    known = ~np.isnan(sure).all(axis=0)
    figures = np.full((3, _STEPS), np.nan)
    if known.any():
        figures[0, known], figures[2, known] = np.nanpercentile(sure[:, known], [10, 90], axis=0)
        figures[1, known] = np.nanmean(sure[:, known], axis=0)
    return times, *figures
