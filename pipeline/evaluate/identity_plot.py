"""A picture of identities over time: a row per true player, coloured by the identity that covers him."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ground.disk.files import write_atomically
from ground.fonts import print_png
from tracker.assignment import assign
from tracker.types import IntArray, Tracks

_WIDTH, _DPI = 16.0, 110
"""Inches and dots per inch: 1,760 pixels, of which about 1,500 are time. More: a frame is wider, the file larger."""
_LABEL_SHARE = 0.014
"""Share of the time axis for which an identity must stay for its number to fit in."""
_ABSENT, _GAP, _BREAK = "#d5e0ec", "white", "black"
_GREYS = ("#9a9a9a", "#6e6e6e", "#b4b4b4", "#858585")
"""For identities that are nobody's own, in turns."""

_KEY = (
    "frame. Colour and number: who covers the player; grey: an identity that is nobody's own; white: missed; "
    "pale blue: not there; black stroke: another takes over; right: boxes covered"
)


class _Run(NamedTuple):
    """Frames of one player, covered by one identity (-1: by none); first inclusive, last exclusive."""

    first: int
    last: int
    identity: int


def draw_identities(truth: Tracks, covering: IntArray, path: Path, title: str) -> None:
    """Draw who covers whom, and write it as PNG.

    truth: the true players. covering: (N,), the identity on each box, -1 where there is none, as
    ``tracker.evaluate.scores.covering_ids`` gives it. Every identity that is some player's own (each player has one,
    chosen so that most boxes agree) has that player's colour, wherever it appears; others are grey. White: missed; blue
    ground: not in the picture; black stroke: here another identity takes over.
    """
    from matplotlib.figure import Figure

    players = truth.ids
    figure = Figure((_WIDTH, 1.4 + 0.42 * max(1, len(players))), _DPI, layout="constrained")
    axes = figure.add_subplot()
    colors = _colors(_own_identities(truth, covering), covering)
    last = int(truth.frame_index.max(initial=0)) + 1
    notes = [
        _draw_player(axes, row, truth.frame_index[truth.track_id == player], covering[truth.track_id == player],
                     colors, last * _LABEL_SHARE)
        for row, player in enumerate(players)
    ]  # fmt: skip
    _label(axes, [f"player {player}" for player in players], notes, last, title)
    with write_atomically(path) as part:
        print_png(figure, str(part))


def _own_identities(truth: Tracks, covering: IntArray) -> IntArray:
    """The identity that is each player's own, in the order of ``truth.ids``; -1 where nobody covers him."""
    found = covering >= 0
    players, rows = np.unique(truth.track_id, return_inverse=True)
    identities, columns = np.unique(covering[found], return_inverse=True)
    common = np.zeros((len(players), len(identities)))
    np.add.at(common, (rows[found], columns), 1)
    own = np.full(len(players), -1, np.int32)
    paired, theirs = assign(common, 1.0)
    own[paired] = identities[theirs]
    return own


def _colors(own: IntArray, covering: IntArray) -> dict[int, Any]:
    """A colour per identity."""
    from matplotlib import colormaps

    palette = colormaps["tab10"] if len(own) <= 10 else colormaps["hsv"].resampled(len(own) + 1)
    # The eighth colour of tab10 is a grey, which here means nobody's own.
    mine = ["#1b1f8a" if len(own) <= 10 and i == 7 else palette(i) for i in range(len(own))]
    others = np.setdiff1d(covering, np.append(own, -1)).tolist()
    colors: dict[int, Any] = {identity: _GREYS[i % len(_GREYS)] for i, identity in enumerate(others)}
    return colors | {int(identity): color for identity, color in zip(own, mine, strict=True) if identity >= 0}


def _draw_player(axes: Any, row: int, frames: IntArray, covering: IntArray, colors: dict[int, Any], room: float) -> str:
    """Draw one row -> what its right end says."""
    _draw_bars(axes, row, [(run, _GAP) for run in _runs(frames, np.zeros_like(covering))])
    covered = [run for run in _runs(frames, covering) if run.identity >= 0]
    _draw_bars(axes, row, [(run, colors[run.identity]) for run in covered])
    reigns = [list(reign) for _, reign in groupby(covered, key=lambda run: run.identity)]
    axes.vlines([reign[0].first for reign in reigns[1:]], row - 0.48, row + 0.48, color=_BREAK, linewidth=1.6)
    for reign in reigns:
        if reign[-1].last - reign[0].first >= room:
            _draw_number(axes, reign[0].first + room * 0.2, row, reign[0].identity)
    switches = max(0, len(reigns) - 1)
    return f"{float((covering >= 0).mean()):.0%}, {switches} switch{'' if switches == 1 else 'es'}"


def _draw_bars(axes: Any, row: int, bars: list[tuple[_Run, Any]]) -> None:
    spans = [(run.first, run.last - run.first) for run, _ in bars]
    axes.broken_barh(spans, (row - 0.38, 0.76), facecolors=[color for _, color in bars], edgecolor="none")


def _draw_number(axes: Any, x: float, row: int, identity: int) -> None:
    from matplotlib.patheffects import withStroke

    outline = [withStroke(linewidth=2, foreground="black")]
    axes.text(x, row, str(identity), va="center", fontsize=8, color="white", weight="bold", path_effects=outline)


def _runs(frames: npt.NDArray[np.integer], identity: IntArray) -> Iterator[_Run]:
    """Stretches of adjacent frames with one identity."""
    ends = np.flatnonzero((np.diff(frames) != 1) | (np.diff(identity) != 0)) + 1
    for part in np.split(np.arange(len(frames)), ends):
        yield _Run(int(frames[part[0]]), int(frames[part[-1]]) + 1, int(identity[part[0]]))


def _label(axes: Any, players: list[str], notes: list[str], last: int, title: str) -> None:
    axes.set_facecolor(_ABSENT)
    axes.set_xlim(0, max(1, last))
    axes.set_ylim(max(1, len(players)) - 0.5, -0.5)
    axes.set_yticks(range(len(players)), players)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(players)), notes)
    right.tick_params(length=0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(_KEY)
    axes.set_title(title, loc="left")
    for side in (*axes.spines.values(), *right.spines.values()):
        side.set_visible(False)
