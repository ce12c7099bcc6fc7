"""A picture of where identities hang together, and where somebody should look: gaps, guesses, cuts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.analysis.timeline import frame_ends
from pipeline.analysis.values import Analysis
from pipeline.outputs.plots.style import (
    bars,
    duration,
    label_rows,
    legend,
    player_rows,
    rows_figure,
    save_figure,
    time_axis,
    title,
)
from tracker.types import BoolArray, Tracks

_SEEN, _GUESSED, _BREAK, _CUT = "#4e79a7", "#c8d6e6", "#d1495b", "#9aa1aa"
_LONG = 0.5
"""Seconds unseen, in the picture or not, after which it is worth a look whether it is still he."""


class _Run(NamedTuple):
    """Frames in which somebody is seen, or is not and his box is filled in."""

    start: float
    end: float
    """Seconds, exclusive."""
    is_seen: bool


def plot_identities(analysis: Analysis, path: Path) -> None:
    """Write a picture (PNG, or SVG by its name): a row per player, where he is seen, guessed and gone; and cuts.

    A mark stands where he is seen again after half a second or more: there an identity was carried over.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = player_rows(analysis)
    figure, axes = rows_figure(len(rows))
    notes: list[str] = []
    for row, player in enumerate(rows):
        own = _runs(analysis, next(track for i, track in analysis.tracks.by_id() if i == player))
        for is_seen, color in ((True, _SEEN), (False, _GUESSED)):
            bars(axes, row, [(run.start, run.end) for run in own if run.is_seen == is_seen], color, 0.6)
        breaks = _breaks([run for run in own if run.is_seen])
        axes.vlines(breaks, row - 0.42, row + 0.42, color=_BREAK, linewidth=2.2)
        seen = sum(run.end - run.start for run in own if run.is_seen)
        notes.append(f"{duration(seen)} seen, {len(breaks)} break{'s' * (len(breaks) != 1)}")
    has_cuts = _draw_cuts(axes, analysis)
    label_rows(axes, analysis, rows, notes)
    time_axis(axes, analysis)
    title(
        axes, "Where identities were carried over",
        f"a break: seen again after {_LONG:g} s or more; look there whether it is still the same player",
    )  # fmt: skip
    mark = Line2D([], [], linestyle="", marker="|", markeredgewidth=2.2, color=_BREAK, markersize=12, label="break")
    cut = [Line2D([], [], linestyle="--", color=_CUT, label="cut to another picture")] if has_cuts else []
    legend(figure, [Patch(color=_SEEN, label="seen"), Patch(color=_GUESSED, label="filled in"), mark, *cut])
    save_figure(figure, path)


def _runs(analysis: Analysis, track: Tracks) -> list[_Run]:
    """Stretches of frames that follow each other, all seen or all filled in."""
    rows = np.searchsorted(analysis.frames.index, track.frame_index)
    seen: BoolArray = track.observed
    bounds = np.flatnonzero((np.diff(rows) != 1) | (np.diff(seen) != 0)) + 1
    times, ends = analysis.frames.time, frame_ends(analysis.frames.time)
    parts = np.split(np.arange(len(rows)), bounds)
    return [_Run(float(times[rows[p[0]]]), float(ends[rows[p[-1]]]), bool(seen[p[0]])) for p in parts if len(p)]


def _breaks(seen: list[_Run]) -> list[float]:
    """Seconds at which somebody is seen again after a while."""
    return [b.start for a, b in pairwise(seen) if b.start - a.end >= _LONG]


def _draw_cuts(axes: Any, analysis: Analysis) -> bool:
    """Whether there are any; the first frame begins a shot and cuts nothing."""
    frames = analysis.frames
    cuts: list[float] = [] if frames.is_cut is None else frames.time[1:][frames.is_cut[1:]].tolist()
    for time in cuts:
        axes.axvline(time, color=_CUT, linestyle="--", linewidth=1.2)
    return bool(cuts)
