"""A picture of two timelines: what every player did, and below it what the analysis says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ground.disk.files import write_atomically
from ground.fonts import print_png
from pipeline.evaluate.actions import LabelledFrames, Texts, segments_of

_WIDTH, _DPI = 15.0, 110
"""Inches and dots per inch. More: a frame is wider, the file larger."""
_HEIGHT = 0.62
"""Inches of a player's two bars."""


def draw_agreement(players: Mapping[int, LabelledFrames], names: Mapping[int, str], path: Path, title: str) -> None:
    """Write a PNG: two bars a player, the truth above and thicker, a colour per action; white: nothing is said."""
    from matplotlib.figure import Figure

    figure = Figure((_WIDTH, 1.6 + _HEIGHT * max(1, len(players))), _DPI, layout="constrained")
    axes = figure.add_subplot()
    actions = {action for frames in players.values() for texts in (frames.wanted, frames.given) for action in texts}
    colors = _colors(sorted(actions - {""}))
    for row, player in enumerate(sorted(players)):
        _draw_bar(axes, players[player].wanted, row - 0.42, 0.46, colors)
        _draw_bar(axes, players[player].given, row + 0.08, 0.3, colors)
    axes.set_yticks(range(len(players)), [f"player {names.get(player, player)}" for player in sorted(players)])
    axes.set_ylim(max(1, len(players)) - 0.5, -0.5)
    axes.set_xlabel("frame; above what was done, below what the analysis says")
    axes.set_title(title, loc="left")
    _legend(figure, colors)
    with write_atomically(path) as part:
        print_png(figure, str(part))


def _colors(actions: Sequence[str]) -> dict[str, Any]:
    from matplotlib import colormaps

    palette = colormaps["tab10"] if len(actions) <= 10 else colormaps["turbo"].resampled(len(actions))
    return {action: palette(i) for i, action in enumerate(actions)}


def _draw_bar(axes: Any, labels: Texts, top: float, height: float, colors: Mapping[str, Any]) -> None:
    for start, end, action in segments_of(labels):
        axes.broken_barh(
            [(start, end - start)], (top, height), facecolors=colors[action], edgecolor="white", linewidth=0.4
        )


def _legend(figure: Any, colors: Mapping[str, Any]) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=color, label=action) for action, color in colors.items()]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 10) or 1, frameon=False)
