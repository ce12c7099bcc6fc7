"""Pictures of where players were on the court: a heat map of all, and the path of each."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from ground.errors import InputError
from pipeline.analysis.values import Analysis, player_name
from pipeline.outputs.court_map import CourtMap, court_map, lines_of
from pipeline.outputs.draw import color_of
from pipeline.outputs.plots.style import DPI, save_figure
from tracker.court.positions import distances

_CELL, _BLUR, _MARGIN = 0.25, 0.6, 1.5
"""Metres: sides of the heat map's cells, spread of a player, floor beyond the lines."""
_COLUMNS, _WIDTH = 3, 4.0
"""Paths beside each other, and inches of each."""
_FLOOR, _LINES = "#f4efe6", "#555555"


def plot_heat_map(analysis: Analysis, path: Path) -> None:
    """Write a picture (PNG, or SVG by its name) of how many seconds players were where, all together.

    Raises InputError where no court is known, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    shown = _shown(analysis)
    figure = Figure(figsize=(8, 5), dpi=DPI, layout="constrained")
    axes = _court_axes(figure.subplots(), shown)
    (x0, x1), (y0, y1) = ((-side / 2 - _MARGIN, side / 2 + _MARGIN) for side in shown.extent)
    bins = [np.arange(low, high + _CELL, _CELL) for low, high in ((x0, x1), (y0, y1))]
    counts, *_ = np.histogram2d(*shown.metres.T, bins=bins)
    density = gaussian_filter(counts, _BLUR / _CELL) * _frame_seconds(analysis) / _CELL**2
    extent = (bins[0][0], bins[0][-1], bins[1][-1], bins[1][0])
    drawn = axes.imshow(density.T, extent=extent, cmap="inferno_r", alpha=0.85)
    figure.colorbar(drawn, ax=axes, label="seconds per square metre", shrink=0.7)
    axes.set_title(f"{len(np.unique(shown.track_id))} players")
    save_figure(figure, path)


def plot_paths(analysis: Analysis, path: Path) -> None:
    """Write a picture (PNG, or SVG by its name) of the path of each player, with the metres that he went.

    Raises InputError where no court is known, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    shown, frames = _shown(analysis), analysis.frames
    gone = distances(analysis.tracks, analysis.positions(), frames.index, frames.time)
    rows = ceil(len(gone) / _COLUMNS)
    height = _WIDTH * (shown.extent[1] + 2 * _MARGIN) / (shown.extent[0] + 2 * _MARGIN) + 0.4
    figure = Figure(figsize=(_COLUMNS * _WIDTH, rows * height), dpi=DPI, layout="constrained")
    places = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, (track_id, metres) in zip(places, gone.items(), strict=False):
        _draw_path(_court_axes(axes, shown), shown, track_id)
        axes.set_title(f"{player_name(analysis.names, track_id)}: {metres:.0f} m", fontsize=9)
    for axes in places[len(gone) :]:
        axes.set_axis_off()
    save_figure(figure, path)


def _draw_path(axes: Any, shown: CourtMap, track_id: int) -> None:
    """A line where frames follow each other, a ring where it begins."""
    mine = shown.track_id == track_id
    at, frame = shown.metres[mine], shown.frame_index[mine]
    color = tuple(value / 255 for value in color_of(track_id))
    for piece in np.split(at, np.flatnonzero(np.diff(frame) != 1) + 1):
        axes.plot(*piece.T, color=color, linewidth=1.5)
    axes.plot(*at[0], marker="o", color=color, markerfacecolor="none")


def _shown(analysis: Analysis) -> CourtMap:
    shown = court_map(analysis)
    if shown is None or not len(shown.metres):
        raise InputError("there is nothing to plot: the court's lines are not known in this analysis")
    return shown


def _court_axes(axes: Any, shown: CourtMap) -> Any:
    axes.set_facecolor(_FLOOR)
    for line in lines_of(shown):
        axes.plot(*line.T, color=_LINES, linewidth=0.8)
    length, width = (side / 2 + _MARGIN for side in shown.extent)
    axes.set(xlim=(-length, length), ylim=(width, -width), aspect="equal", xticks=[], yticks=[])
    return axes


def _frame_seconds(analysis: Analysis) -> float:
    time = analysis.frames.time
    return float(np.median(np.diff(time))) if len(time) > 1 else 0.0
